"""What README, ARCHITECTURE, glossary and decisions say is true of the code beside them."""

import ast
import re
from pathlib import Path

import pytest

from tests.demo.telling import ROOT

README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text("utf-8")
PAPERS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
_ADAPTER = re.compile(r"^```python(?: adapter)?\n(class .*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_INVARIANT = re.compile(r"^\| (\d+) \| (.+?) \| `(tests/[\w/]+\.py)::(\w+)` \|$", re.MULTILINE)


def named_in(path: Path) -> set[str]:
    """Name the tests of a file, those of classes too."""
    tree = ast.parse(path.read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_the_readme_shows_the_adapter_that_is_run():
    """The twelve lines of the README are those of the page whose code the tests run."""
    page = (ROOT / "docs" / "howto" / "adapter.md").read_text("utf-8")
    assert _ADAPTER.findall(README)[:1] == _ADAPTER.findall(page)[:1] != []


def test_the_readme_names_every_folder_in_seven_lines():
    """Seven lines of folders, and no package of the project is missing among them."""
    part = README.partition("## Folders")[2].partition("##")[0]
    lines = [line for line in part.splitlines() if line.startswith("- ")]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert len(lines) == 7
    assert packages <= set(re.findall(r"`(\w+)/`", part))


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_links_lead_somewhere(paper):
    """Every relative link of the papers leads to a file or folder that is there."""
    links = [link.partition("#")[0] for link in _LINK.findall(paper.read_text("utf-8"))]
    local = [link for link in links if link and "://" not in link]
    assert [link for link in local if not (paper.parent / link).exists()] == []


def test_paths_in_the_architecture_exist():
    """Every path the architecture names in code letters is there."""
    paths = set(re.findall(r"`((?:[a-z_]+/)+[\w./]*)`", ARCHITECTURE))
    gone = [p for p in paths if not (ROOT / p).exists() and not list(ROOT.glob(f"tests/{p}"))]
    assert gone == []


def test_every_invariant_is_guarded():
    """The invariants are numbered and each names a test that exists."""
    part = ARCHITECTURE.partition("## Invariants")[2].partition("\n## ")[0]
    rows = [line for line in part.splitlines() if re.match(r"\| \d", line)]
    found = _INVARIANT.findall(part)
    assert len(found) == len(rows) >= 12
    assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1))
    missing = [
        f"{path}::{name}"
        for _, _, path, name in found
        if not (ROOT / path).is_file() or name not in named_in(ROOT / path)
    ]
    assert missing == []


def test_the_glossary_has_the_words_of_the_shared_language():
    """Every public class of the contracts, of money and of the calendar is a word there."""
    classes = {
        node.name
        for name in ("money", "calendar", "entitlement", "notice", "facts")
        for node in ast.parse((ROOT / "terms" / f"{name}.py").read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    words = {word.lower() for word in re.findall(r"\w+", GLOSSARY)}
    spelt = {name: re.findall(r"[A-Z][a-z]+", name) for name in classes}
    assert {n for n, parts in spelt.items() if not {p.lower() for p in parts} <= words} == set()


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem[:4])
def test_a_decision_has_its_shape(path):
    """A decision is one page: number, status, context, decision, consequences."""
    text = path.read_text("utf-8")
    number = int(path.name[:4])
    assert number == DECISIONS.index(path) + 1
    assert text.startswith(f"# {number}. ")
    parts = re.findall(r"^(?:## (\w+)|(Status):)", text, re.MULTILINE)
    named = [heading or status for heading, status in parts]
    assert named == ["Status", "Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60
