#!/usr/bin/env python3
"""Sets the project up and runs it: `python3 dev.py demo`, `python3 dev.py test`.

Standard library only. Every command first makes .venv/ from the pinned, hashed lists in
requirements/; where that was done before, a stamp lets it start at once. It knows no rule of the
product. The syntax of this file stays readable for Python 3.6, so that an old one is told what
is missing.
"""

import sys

PYTHON_MIN = (3, 11)


def version_complaint(version: tuple) -> str:
    """Say what is wrong with this Python; empty where it will do."""
    if tuple(version[:2]) >= PYTHON_MIN:
        return ""
    return "Boxoffice needs Python %d.%d or newer and this is %d.%d: install one and run it as " % (
        PYTHON_MIN + tuple(version[:2])
    ) + "`python3.%d dev.py ...`." % PYTHON_MIN[1]


if version_complaint(sys.version_info):
    sys.exit(version_complaint(sys.version_info))

# Below this line the file may use what 3.11 has, as long as 3.6 could parse it.
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RECIPE = 1  # Raise it when the way of installing changes, so that every .venv is made anew.
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
PACKAGES = ROOT / "requirements" / "all.txt"
INSTALLER = ROOT / "requirements" / "tools.txt"
STAMP_NAME = "boxoffice-stamp.json"
MENDING = "connect to the internet or point pip at a mirror and run again"


class SetupError(Exception):
    """The environment could not be made; the message is one sentence for people."""


# --- what the environment should be ---------------------------------------------------------


def digest(*parts: bytes) -> str:
    """Hash the parts, each with its length, so that no two lists of parts look alike."""
    summary = hashlib.sha256()
    for part in parts:
        summary.update(b"%d:" % len(part) + part)
    return summary.hexdigest()


def packaging_of(pyproject: str) -> bytes:
    """Return the sections that an installed project depends on; lint settings do not count."""
    document = tomllib.loads(pyproject)
    sections = {
        "project": document.get("project"),
        "build": document.get("build-system"),
        "hatch": document.get("tool", {}).get("hatch"),
    }
    return json.dumps(sections, sort_keys=True).encode()


def fingerprint(root: Path) -> dict[str, str]:
    """Describe the environment that belongs to these files, this Python and this folder."""
    here = [str(root), sys.base_prefix, sys.version, str(RECIPE)]
    lists = [(root / "requirements" / name).read_bytes() for name in ("all.txt", "tools.txt")]
    return {
        "venv": digest(*(part.encode() for part in here)),
        "packages": digest(*lists),
        "project": digest(packaging_of((root / "pyproject.toml").read_text("utf-8"))),
    }


def stamped(venv: Path) -> dict[str, str]:
    """Read what the environment was made from; empty where it is missing, broken or half made."""
    if not os.access(venv / "bin" / "python", os.X_OK):
        return {}
    try:
        found = json.loads((venv / STAMP_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# --- making it ------------------------------------------------------------------------------


def say(text: str) -> None:
    """Tell the person at the screen; standard output belongs to the program that follows."""
    print("dev.py: " + text, file=sys.stderr, flush=True)


def call(command: Sequence[object]) -> None:
    """Run a command silently; its output becomes the error's text when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise SetupError(done.stdout.strip() or "exit code %d" % done.returncode)


def base_python() -> Path:
    """Return the interpreter behind ours: dev.py may be run by the very .venv it replaces."""
    name = "python%d.%d" % sys.version_info[:2]
    beside = Path(sys.base_prefix) / "bin" / name
    return beside if beside.exists() else Path(sys.executable)


def make_venv(folder: Path, *options: str) -> None:
    """Make an empty environment in the folder, whatever was there before."""
    if folder.exists():
        shutil.rmtree(folder)
    try:
        call([base_python(), "-m", "venv", *options, folder])
    except SetupError as error:
        raise SetupError("Python could not make the environment %s: %s." % (folder, last_line(error)))


def installer() -> Path:
    """Return the Python of .tools/, whose pip installs everything, making it when it is missing."""
    python = TOOLS / "bin" / "python"
    with contextlib.suppress(SetupError, OSError):
        call([python, "-m", "pip", "--version"])
        return python
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "this Python cannot make environments because its ensurepip module is missing: "
            "install it (on Debian and Ubuntu: `apt-get install python3-venv`) and run again."
        )
    make_venv(TOOLS)
    return python


def uv_of(tools_python: Path) -> Path | None:
    """Return the pinned uv, fetched when missing; None where this machine cannot have it."""
    try:
        call(pip(tools_python, "--retries", "1", "--require-hashes", "-r", INSTALLER))
    except SetupError:
        return None
    uv = TOOLS / "bin" / "uv"
    return uv if uv.exists() else None


def pip(python: Path, *arguments: object) -> list[object]:
    """Spell a pip install run by this Python."""
    quiet = ["--disable-pip-version-check", "--no-input", "--quiet"]
    return [python, "-m", "pip", "install", *quiet, *arguments]


def install_packages(tools_python: Path, uv: Path | None) -> Path | None:
    """Install the pinned list, by uv where it works, else by plain pip; return the uv that did."""
    python = VENV / "bin" / "python"
    if uv is not None:
        with contextlib.suppress(SetupError):
            call([uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", PACKAGES])
            return uv
        say("uv could not install the packages, going on with plain pip")
    # pip leaves what an older list had installed, so it always starts from nothing.
    make_venv(VENV, "--without-pip")
    command = pip(tools_python, "--require-hashes", "-r", PACKAGES)
    call([*command[:3], "--python", python, *command[3:]])
    return None


def install_project(tools_python: Path, uv: Path | None) -> None:
    """Install the project itself in place, without a network, so that its entry points exist."""
    python = VENV / "bin" / "python"
    how = ["--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT]
    if uv is not None:
        call([uv, "pip", "install", "--quiet", "--offline", "--python", python, *how])
        return
    command = pip(tools_python, *how)
    call([*command[:3], "--python", python, *command[3:]])


def build(wanted: dict[str, str]) -> None:
    """Bring .venv to what is wanted; the stamp is taken off first and put on last."""
    found = stamped(VENV)
    (VENV / STAMP_NAME).unlink(missing_ok=True)
    say("setting up .venv (%s)" % ("new packages" if found else "the first time takes a minute"))
    tools_python = installer()
    uv = uv_of(tools_python)
    if found.get("venv") != wanted["venv"]:
        make_venv(VENV, "--without-pip")
    try:
        uv = install_packages(tools_python, uv)
    except SetupError as error:
        raise SetupError(download_complaint(str(error)))
    install_project(tools_python, uv)
    fresh = VENV / (STAMP_NAME + ".new")
    fresh.write_text(json.dumps(wanted), "utf-8")
    fresh.replace(VENV / STAMP_NAME)
    say("ready")


def last_line(error: object) -> str:
    """Return the line in which a tool says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if line.lower().startswith(("error:", "caused by:"))]
    line = (told or lines or ["no reason given"])[-1]
    return line.split(":", 1)[-1].strip().rstrip(".") if told else line.rstrip(".")


def download_complaint(output: str) -> str:
    """Turn the output of a failed installation into one sentence that says how to mend it."""
    if "do not match the hashes" in output.lower() or "hash mismatch" in output.lower():
        return (
            "a downloaded package is not the one that was pinned (its hash differs): the mirror "
            "or the download is damaged, so nothing was installed; try another index."
        )
    if "no space left" in output.lower():
        return "the disk is full: free about 600 MB and run again."
    return "the packages could not be downloaded: %s; %s." % (last_line(output), MENDING)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one setup at a time touch .venv; the others wait."""
    with (ROOT / ".dev.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another dev.py is setting up, waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def setup() -> None:
    """Make .venv what the lists say; nothing to do where the stamp already says so."""
    wanted = fingerprint(ROOT)
    if stamped(VENV) == wanted:
        return
    with alone():
        if stamped(VENV) != wanted:
            build(wanted)


# --- the commands ---------------------------------------------------------------------------


def become(program: str, *arguments: str) -> int:
    """Replace this process by a program of .venv."""
    path = str(VENV / "bin" / program)
    sys.stdout.flush()
    os.execv(path, [path, *arguments])


def do_setup(arguments: list[str]) -> int:
    """make .venv/, the project's own environment"""
    say(".venv is ready")
    return 0


def do_demo(arguments: list[str]) -> int:
    """run the demo: the whole product against simulators (--once, --json)"""
    return become("boxoffice", "demo", *arguments)


def do_test(arguments: list[str]) -> int:
    """run the tests; arguments go to pytest"""
    return become("python", "-m", "pytest", "-n", "2", "--dist", "worksteal", *arguments)


def do_chaos(arguments: list[str]) -> int:
    """run the long fault runs in tests/chaos"""
    return become("python", "-m", "pytest", "-m", "chaos", "tests/chaos", *arguments)


def do_run(arguments: list[str]) -> int:
    """run `boxoffice ARGS`"""
    return become("boxoffice", *arguments)


def do_bench(arguments: list[str]) -> int:
    """run a benchmark: bench NAME [--json]"""
    return become("boxoffice", "bench", *arguments)


def gates() -> dict[str, list[str]]:
    """List the static gates of `check`: name -> command in .venv."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    rooms = document["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    typed = ["dev.py", *(room for room in [*rooms, "tests"] if (ROOT / room).is_dir())]
    return {
        "types": ["python", "-m", "mypy", *typed],
        "format": ["ruff", "format", "--check", "--quiet", "."],
        "lint": ["ruff", "check", "--quiet", "--output-format", "concise", "."],
        "imports": ["lint-imports", "--no-logo"],
        "architecture": ["python", "-m", "pytest", "-q", "tests/architecture"],
    }


def do_check(arguments: list[str]) -> int:
    """run all static gates: format, lint, types, import contracts, architecture"""

    def passed(gate: tuple[str, list[str]]) -> bool:
        name, command = gate
        try:
            call([VENV / "bin" / command[0], *command[1:]])
        except SetupError as error:
            print("%s: FAILED\n%s\n" % (name, error), flush=True)
            return False
        print("%s: ok" % name, flush=True)
        return True

    with ThreadPoolExecutor(max_workers=2) as pool:
        return 0 if all(list(pool.map(passed, gates().items()))) else 1


def do_lock(arguments: list[str]) -> int:
    """pin the newest allowed versions again: lock [--upgrade]"""
    uv = uv_of(installer())
    if uv is None:
        raise SetupError("the lists could not be pinned: uv could not be had; %s." % MENDING)
    common = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    common += ["--custom-compile-command", "python3 dev.py lock", *arguments]
    call([uv, "pip", "compile", *common, "pyproject.toml", "--group", "dev", "-o", PACKAGES])
    call([uv, "pip", "compile", *common, INSTALLER.with_suffix(".in"), "-o", INSTALLER])
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "setup": do_setup,
    "demo": do_demo,
    "test": do_test,
    "run": do_run,
    "check": do_check,
    "bench": do_bench,
    "lock": do_lock,
    "chaos": do_chaos,
}


def usage() -> str:
    """Return the help: one line per command."""
    lines = ["  %-6s %s" % (name, action.__doc__) for name, action in COMMANDS.items()]
    return "usage: python3 dev.py COMMAND [ARGS]\n\n" + "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Set up, then do what was asked; 0 done, 1 failed, 2 wrong usage."""
    if arguments[:1] in ([], ["-h"], ["--help"], ["help"]):
        print(usage())
        return 0 if arguments else 2
    action = COMMANDS.get(arguments[0])
    if action is None:
        print("dev.py: there is no command %r\n%s" % (arguments[0], usage()), file=sys.stderr)
        return 2
    try:
        setup()
        return action(arguments[1:])
    except SetupError as error:
        say(str(error))
    except PermissionError as error:
        say("this folder cannot be written (%s): give yourself the right or copy it." % error)
    except KeyboardInterrupt:
        say("interrupted; run it again and it goes on where it can")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
