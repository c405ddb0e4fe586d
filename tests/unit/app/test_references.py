"""The pages of the reference that are written from code say what the code says."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from app.boxes_reference import reference as boxes_reference
from app.metrics_reference import reference as metrics_reference
from app.payments_reference import reference as payments_reference
from app.web.api.routes import API
from app.web.reference import reference as api_reference
from billing.payments import registry
from billing.payments.providers.stripe.events import READERS
from gateway.inventory.model import ResourceState
from tests.architecture import source

ROOT = Path(__file__).parents[3]
PAPERS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WORDS_CHARS_MIN = 15
PICTURE_BYTES_MAX, PICTURES_BYTES_MAX = 150_000, 2_500_000
RUN = (ROOT / "docs" / "howto" / "run.md").read_text("utf-8")


def test_the_reference_of_payment_providers_is_what_their_options_say():
    """docs/reference/payments.md is written from the options, and each option has a meaning."""
    page = (ROOT / "docs" / "reference" / "payments.md").read_text("utf-8")
    assert page == payments_reference(), (
        "write it again: .venv/bin/python -m app.payments_reference"
    )
    for kind in registry.kinds():
        for name, field in registry.provider_class(kind).options_type.model_fields.items():
            assert field.description
            assert f"| `{name}` | " in page


def test_the_reference_of_boxes_is_what_the_tables_say():
    """docs/reference/boxes.md is written from the tables of states; each state has its row."""
    page = (ROOT / "docs" / "reference" / "boxes.md").read_text("utf-8")
    assert page == boxes_reference(), "write it again: .venv/bin/python -m app.boxes_reference"
    for state in ResourceState:
        assert f"\n| `{state}` | " in page


def test_the_reference_of_metrics_is_what_is_counted():
    """docs/reference/metrics.md is written from the metrics; none in the source is left out."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")
    # Tests that run in the same process count things of their own.
    lines = metrics_reference().splitlines(keepends=True)
    written = "".join(line for line in lines if not line.startswith("| `boxoffice_test_"))
    assert page == written, "write it again: .venv/bin/python -m app.metrics_reference"
    names = re.compile(r"\b(?:counter|gauge|histogram)\(\s*\"(boxoffice_\w+)\"")
    in_source = {
        name for room in source.modules(source.SHIPPED) for name in names.findall(room.text)
    }
    on_page = set(re.findall(r"^\| `(\w+?)(?:_total)?` ", page, re.MULTILINE))
    assert in_source == on_page


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: path.name)
def test_every_command_of_a_page_can_be_typed(paper):
    """Modules of the project run in its own environment, and pages say so."""
    bare = r"(?<!\.venv/bin/)python3? -m (?:app|simulators|gateway|billing)\b"
    assert re.findall(bare, paper.read_text("utf-8")) == []


def test_every_picture_is_shown_and_told_in_words():
    """A picture that a page names exists and has words in its place; none lies there unnamed."""
    shown = []
    for paper in PAPERS:
        for words, file in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", paper.read_text("utf-8")):
            assert len(words) >= WORDS_CHARS_MIN, (paper.name, file)
            shown.append((paper.parent / file).resolve())
    kept = list((ROOT / "docs" / "pictures").iterdir())
    assert set(shown) == set(kept)


def test_pictures_are_small():
    """Who clones the project does not wait for its pictures."""
    sizes = [one.stat().st_size for one in (ROOT / "docs" / "pictures").iterdir()]
    assert max(sizes) <= PICTURE_BYTES_MAX
    assert sum(sizes) <= PICTURES_BYTES_MAX


page_of_api = cache(api_reference)


def section(method: str, path: str) -> str:
    """Give what the page says of one route."""
    return page_of_api().partition(f"\n## `{method} /api/v1{path}`\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("GET", "/accounts", "- `limit?`: a whole number, at least 1, at most 500; default `50`"),
        ("GET", "/accounts", "- `search?`: text, at most 80 long"),
        ("POST", "/accounts/{contract}/cancel", "- `when?`: `now` or `period_end`; or `null`"),
        ("POST", "/accounts", "  - `serial`: text, like `^[0-9A-Za-z]"),
        ("POST", "/accounts", "- `bill_day?`: a whole number, at least 1, at most 31"),
        ("POST", "/boxes/{serial}/hand-over", "- `on?`: a day, `2026-03-31`"),
        (
            "POST",
            "/boxes/{serial}/return",
            "- `condition?`: `good` or `faulty` or `damaged` or `scrap`",
        ),
        (
            "POST",
            "/clock/advance",
            "- `by`: text, like `^([0-9]{1,6}[smhdw]){1,8}$`; like `35d`, `12h` or `1w2d`",
        ),
        ("POST", "/targets/{name}/probe", "Body: nothing in it, `{}`."),
        ("GET", "/drift", "- `open?`: `true` or `false`; default `false`"),
    ],
)
def test_a_field_is_told_with_its_type_and_limits(method, path, line):
    """Who reads the page need not try what a field takes."""
    assert f"\n{line}" in section(method, path)


def test_every_limit_of_every_question_stands_on_the_page():
    """No bound or pattern of a body or query is left out."""
    for route in API:
        told = section(route.method, route.path.removeprefix("/api/v1"))
        for model in filter(None, (route.query, route.body)):
            schema = json.dumps(model.model_json_schema())
            bounds = re.findall(r'"(?:maximum|maxLength|maxItems)": (\d+)', schema)
            assert [b for b in bounds if f"at most {b}" not in told] == [], route.path


def test_the_page_names_the_events_that_are_read():
    """docs/howto/run.md tells to subscribe to exactly the events that change anything."""
    named = set(re.findall(r"^- `([a-z_]+(?:\.[a-z_]+)+)`$", RUN, re.MULTILINE))
    assert named == set(READERS)
