"""dev.py: old Pythons, the requirement lists, the stamp and what it says when setup fails."""

import ast
import fcntl
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dev

LISTS = [dev.PACKAGES, dev.INSTALLER, dev.IMAGE, dev.BUILDER]
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==\S+( ; .+)? \\$")


def shelf(root: Path) -> Path:
    """Make a project folder that has all dev.py needs, with .venv missing."""
    (root / "requirements").mkdir(parents=True)
    (root / "dev.py").write_text((dev.ROOT / "dev.py").read_text("utf-8"), "utf-8")
    (root / "pyproject.toml").write_text('[project]\nname = "boxoffice"\n', "utf-8")
    for name in ("all.txt", "tools.txt"):
        (root / "requirements" / name).write_text("one==1\n", "utf-8")
    return root


def furnish(root: Path) -> None:
    """Put an environment into the folder whose programs only say how they were called."""
    programs = root / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "boxoffice"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho {name} "$@"\n', "utf-8")
        program.chmod(0o755)
    stamp = root / ".venv" / dev.STAMP_NAME
    stamp.write_text(json.dumps(dev.fingerprint(root)), "utf-8")


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the folder's dev.py."""
    command = [sys.executable, str(root / "dev.py"), *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_an_old_python_can_read_the_file():
    """The syntax is that of Python 3.6, so an old one gets as far as the sentence."""
    ast.parse((dev.ROOT / "dev.py").read_text("utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 99), (2, 7)])
def test_an_old_python_is_told_what_is_missing(version):
    """One sentence names what is needed, what is there and what to do."""
    complaint = dev.version_complaint(version)
    assert "3.11 or newer" in complaint
    assert f"{version[0]}.{version[1]}" in complaint
    assert complaint.count(". ") == 0


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 13, 1), (4, 0)])
def test_a_new_python_will_do(version):
    """From the floor upwards nothing is said."""
    assert dev.version_complaint(version) == ""


def test_an_old_python_stops_before_anything_newer_is_imported():
    """The whole program, started by an old version, prints the sentence and ends with 1."""
    pretend = "import sys; sys.version_info = (3, 6, 15, 'final', 0); sys.modules['tomllib'] = None"
    text = (dev.ROOT / "dev.py").read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-c", f"{pretend}\nexec({text!r})"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == dev.version_complaint((3, 6))


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_every_package_is_pinned_and_hashed(path):
    """Each entry of a list names one version and at least one hash."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", path.read_text("utf-8").partition("\n")[2])
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert packages
    for package in packages:
        assert REQUIREMENT.match(package.splitlines()[0]), package
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_no_list_names_an_address(path):
    """Where packages come from is the machine's business."""
    text = path.read_text("utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host| @ |file:", text)


def test_the_list_holds_what_the_project_asks_for():
    """Each dependency of pyproject.toml, the developers' too, is in the compiled list."""
    document = tomllib.loads((dev.ROOT / "pyproject.toml").read_text("utf-8"))
    asked = document["project"]["dependencies"] + document["dependency-groups"]["dev"]
    names = {re.split(r"[\[<>=;~! ]", line, maxsplit=1)[0] for line in asked}
    matches = map(REQUIREMENT.match, dev.PACKAGES.read_text("utf-8").splitlines())
    assert names <= {match[1] for match in matches if match}


def pins(path: Path) -> set[str]:
    """Return the first line of every entry of a list."""
    return {line for line in path.read_text("utf-8").splitlines() if REQUIREMENT.match(line)}


def test_the_container_holds_what_is_tested_here_and_nothing_for_work_on_it():
    """The container's lists are parts of the whole one, without the tools of the developers."""
    document = tomllib.loads((dev.ROOT / "pyproject.toml").read_text("utf-8"))
    assert pins(dev.IMAGE) | pins(dev.BUILDER) <= pins(dev.PACKAGES)
    held = {match[1] for match in map(REQUIREMENT.match, pins(dev.IMAGE)) if match}
    own = {re.split(r"[\[<>=]", line)[0] for line in document["project"]["dependencies"]}
    assert own <= held
    assert not held & {"pytest", "mypy", "ruff", "hypothesis", "hatchling", "playwright"}


def test_the_makefile_only_calls_dev():
    """Every command of dev.py is a target, and no target does anything else."""
    lines = (dev.ROOT / "Makefile").read_text("utf-8").splitlines()
    recipes = [line.strip() for line in lines if line.startswith("\t")]
    targets = {name for line in lines if line.startswith("setup ") for name in line[:-1].split()}
    assert recipes == ["@$(PYTHON) dev.py $@ $(ARGS)"]
    assert targets == set(dev.COMMANDS)


def test_the_stamp_follows_the_lists_and_the_packaging(tmp_path):
    """New packages, new entry points, another folder: each changes its own part of the stamp."""
    root = shelf(tmp_path / "one")
    before = dev.fingerprint(root)
    (root / "requirements" / "all.txt").write_text("one==2\n", "utf-8")
    with_new_packages = dev.fingerprint(root)
    project = '[project]\nname = "boxoffice"\nscripts = {b = "app:main"}\n'
    (root / "pyproject.toml").write_text(project, "utf-8")
    with_new_project = dev.fingerprint(root)
    elsewhere = dev.fingerprint(shelf(tmp_path / "two"))
    assert {name for name in before if before[name] != with_new_packages[name]} == {"packages"}
    assert with_new_packages["project"] != with_new_project["project"]
    assert {name for name in before if before[name] != elsewhere[name]} == {"venv"}


def test_the_stamp_ignores_the_settings_of_the_checks(tmp_path):
    """A changed lint rule does not reinstall anything."""
    root = shelf(tmp_path / "one")
    before = dev.fingerprint(root)
    with (root / "pyproject.toml").open("a") as file:
        file.write("[tool.ruff]\nline-length = 99\n")
    assert dev.fingerprint(root) == before


def test_a_stamped_environment_is_used_at_once(tmp_path):
    """Where the stamp fits, nothing is installed and the program gets the arguments as given."""
    root = shelf(tmp_path / "a folder")
    furnish(root)
    done = run(root, "run", "pay", "two words")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "boxoffice pay two words\n"
    assert run(root, "demo", "--once").stdout == "boxoffice demo --once\n"
    assert run(root, "bench", "work", "--json").stdout == "boxoffice bench work --json\n"
    assert run(root, "test", "-k", "x").stdout.startswith("python -m pytest -n 4")
    assert run(root, "chaos").stdout == "python -m pytest -m chaos tests/chaos\n"


@pytest.mark.parametrize("gone", ["bin/python", "bin/boxoffice", dev.STAMP_NAME])
def test_half_an_environment_counts_as_none(gone, tmp_path):
    """Without its Python, its program or its stamp an environment is made anew."""
    root = shelf(tmp_path / "one")
    furnish(root)
    assert dev.stamped(root / ".venv") == dev.fingerprint(root)
    (root / ".venv" / gone).unlink()
    assert dev.stamped(root / ".venv") == {}


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_broken_stamp_counts_as_none(text, tmp_path):
    """What an interrupted write left behind is not believed."""
    root = shelf(tmp_path / "one")
    furnish(root)
    (root / ".venv" / dev.STAMP_NAME).write_text(text, "utf-8")
    assert dev.stamped(root / ".venv") == {}


def test_a_second_setup_waits_for_the_first(tmp_path):
    """Two at once never touch .venv together; the second one uses what the first one made."""
    root = shelf(tmp_path / "one")
    command = [sys.executable, str(root / "dev.py"), "setup"]
    with (root / ".dev.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as second:
            assert second.stderr is not None
            assert "waiting for it" in second.stderr.readline()
            furnish(root)
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert second.stderr.read() == "dev.py: .venv is ready\n"
        assert second.returncode == 0


def test_a_python_without_ensurepip_is_told_the_package(tmp_path, monkeypatch):
    """Debian's bare Python cannot make environments; the sentence names what it lacks."""
    monkeypatch.setattr(dev, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(dev.SetupError, match=r"apt-get install python3-venv"):
        dev.tools_python()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: No match",
            "no package index can be reached; connect to the internet",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "its hash differs"),
        ("ERROR: No matching distribution found for x==1", "for x==1; connect to the internet"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
    ],
)
def test_a_failed_installation_is_one_sentence(output, sentence):
    """Of all a program printed, the person reads why it failed and what to do."""
    complaint = dev.install_complaint(dev.CommandError(output))
    assert sentence in complaint
    assert "\n" not in complaint


@pytest.mark.parametrize("arguments", [["nonsense"], ["check", "everything"], ["setup", "now"]])
def test_wrong_usage_ends_with_two(arguments, tmp_path):
    """An unknown command, or a word too many, prints the usage and installs nothing."""
    root = shelf(tmp_path / "one")
    done = run(root, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python3 dev.py COMMAND")
    assert not (root / ".venv").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """The sentence says which file and what to do; there is no traceback."""
    root = shelf(tmp_path / "one")
    (root / ".dev.lock").mkdir()  # as closed to root as to anybody else
    done = run(root, "setup")
    assert done.returncode == 1
    assert ".dev.lock cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_gate_does_not_hide_the_next(tmp_path):
    """`check` runs every gate, names the failed ones and ends with 1."""
    root = shelf(tmp_path / "one")
    with (root / "pyproject.toml").open("a") as file:
        file.write('[tool.hatch.build.targets.wheel]\npackages = ["app"]\n')
    furnish(root)
    ruff = root / ".venv" / "bin" / "ruff"
    ruff.write_text('#!/bin/sh\necho "about $1"; test "$1" = format\n', "utf-8")
    ruff.chmod(0o755)
    done = run(root, "check")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert {"types: ok", "architecture: ok", "imports: ok", "format: ok"} <= set(lines)
    assert lines[lines.index("lint: FAILED") + 1] == "about check"
