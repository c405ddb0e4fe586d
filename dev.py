#!/usr/bin/env python3
"""Sets the project up and runs it: `python3 dev.py demo`, `python3 dev.py test`.

Standard library only. Every command first makes .venv/ from the pinned, hashed lists in
requirements/; where that was done before, a stamp lets it start at once. It knows no rule of the
product. Its syntax stays readable for Python 3.6, so that an old one is told what is missing.
"""

import sys

PYTHON_MIN = (3, 11)


def version_complaint(version: "tuple[Any, ...]") -> str:
    """Say what is wrong with this Python; empty where it will do."""
    if tuple(version[:2]) >= PYTHON_MIN:
        return ""
    return (
        "Boxoffice needs Python {0}.{1} or newer and this is {2}.{3}: "
        "install a newer one and start dev.py with it, for example `python{0}.{1} dev.py demo`."
    ).format(*PYTHON_MIN, *version[:2])


if version_complaint(sys.version_info):
    sys.exit(version_complaint(sys.version_info))

# From here on the file may use what 3.11 has, as long as 3.6 could parse it.
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

try:
    import fcntl
except ImportError:
    sys.exit("Boxoffice runs on Linux and macOS: on Windows, start dev.py inside WSL.")

RECIPE = 1  # raised when the way of installing changes, so that every .venv is made anew
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
PACKAGES = ROOT / "requirements" / "all.txt"
IMAGE = ROOT / "requirements" / "image.txt"
BUILDER = ROOT / "requirements" / "build.txt"
INSTALLER = ROOT / "requirements" / "tools.txt"
STAMP_NAME = "boxoffice-stamp.json"
QUIET_PIP = ["--disable-pip-version-check", "--no-input", "--quiet"]
MENDING = "connect to the internet or point pip at a mirror and run again"


class SetupError(Exception):
    """The environment could not be made; the message is one sentence for people."""


class CommandError(Exception):
    """A program failed; the message is all it printed."""


# --- what the environment should be ---------------------------------------------------------


def packaging_of(pyproject: str) -> bytes:
    """Return the settings an installed project depends on; those of the checks do not count."""
    document = tomllib.loads(pyproject)
    kept = [document.get("project"), document.get("build-system")]
    return json.dumps([*kept, document.get("tool", {}).get("hatch")], sort_keys=True).encode()


def fingerprint(root: Path) -> dict[str, str]:
    """Describe the environment that belongs to these files, this Python and this folder."""
    place = [str(root), sys.base_prefix, sys.version, str(RECIPE)]
    lists = [(root / "requirements" / name).read_bytes() for name in ("all.txt", "tools.txt")]
    project = packaging_of((root / "pyproject.toml").read_text("utf-8"))
    parts = {"venv": json.dumps(place).encode(), "packages": b"\0".join(lists), "project": project}
    return {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}


def stamped(venv: Path) -> dict[str, str]:
    """Read what the environment was made from; empty where it is missing, broken or half made."""
    if not all(os.access(venv / "bin" / name, os.X_OK) for name in ("python", "boxoffice")):
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


def call(*command: object) -> None:
    """Run a program and keep silent about it unless it fails."""
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
        raise CommandError(done.stdout.strip() or "it ended with %d" % done.returncode)


def last_line(error: CommandError) -> str:
    """Return the line in which a program says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR:")]
    return (errors or lines)[-1].removeprefix("ERROR:").strip().rstrip(".")


def make_venv(folder: Path, *options: str) -> None:
    """Make an empty environment in the folder, whatever was there before."""
    if folder.exists():
        shutil.rmtree(folder)
    # dev.py may be run by the very .venv it replaces, so the interpreter behind it is taken.
    beside = Path(sys.base_prefix) / "bin" / ("python%d.%d" % sys.version_info[:2])
    python = beside if beside.exists() else Path(sys.executable)
    try:
        call(python, "-m", "venv", *options, folder)
    except CommandError as error:
        complaint = "Python could not make the environment %s: %s." % (folder, last_line(error))
        raise SetupError(complaint) from None


def tools_python() -> Path:
    """Return the Python of .tools/, whose pip installs everything; make it when missing."""
    python = TOOLS / "bin" / "python"
    with contextlib.suppress(CommandError, OSError):
        call(python, "-m", "pip", "--version")
        return python
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            "this Python cannot make an environment because its module ensurepip is missing: "
            "install it (Debian and Ubuntu: `apt-get install python3-venv`) and run again."
        )
    make_venv(TOOLS)
    return python


def pinned_uv() -> Path | None:
    """Return the pinned uv, fetched when missing; None where this machine cannot have it."""
    quick = ["--retries", "1", "--require-hashes", "--only-binary", ":all:", "-r", INSTALLER]
    try:
        call(tools_python(), "-m", "pip", "install", *QUIET_PIP, *quick)
    except CommandError:
        return None
    return TOOLS / "bin" / "uv"


def pip_into_venv(*arguments: object) -> None:
    """Install into .venv by the pip of .tools/; .venv itself has none."""
    target = ["--python", VENV / "bin" / "python"]
    call(tools_python(), "-m", "pip", *target, "install", *QUIET_PIP, *arguments)


def install(uv: Path | None) -> None:
    """Install the pinned list, then the project itself in place and without a network."""
    project = ["--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT]
    target = ["--quiet", "--python", VENV / "bin" / "python"]
    if uv is not None:
        try:
            call(uv, "pip", "sync", *target, "--require-hashes", PACKAGES)
            call(uv, "pip", "install", *target, *project)
        except CommandError as error:
            say("going on with plain pip, because uv failed: " + last_line(error))
        else:
            return
    # pip leaves what an older list had installed, so it always starts from nothing.
    make_venv(VENV, "--without-pip")
    pip_into_venv("--require-hashes", "-r", PACKAGES)
    pip_into_venv(*project)


def install_complaint(error: CommandError) -> str:
    """Turn the output of a failed installation into one sentence that says how to mend it."""
    output = str(error).lower()
    if "do not match the hashes" in output or "hash mismatch" in output:
        return (
            "a downloaded package is not the one that was pinned (its hash differs), so it was "
            "not installed: try another network or mirror and run again."
        )
    if "no space left" in output:
        return "the disk is full: make room for about 800 MB and run again."
    unreachable = "connection broken" in output or "failed to establish" in output
    reason = "no package index can be reached" if unreachable else last_line(error)
    return "the packages could not be downloaded: %s; %s." % (reason, MENDING)


def build(wanted: dict[str, str]) -> None:
    """Bring .venv to what is wanted; the stamp is taken off first and put on last."""
    found = stamped(VENV)
    (VENV / STAMP_NAME).unlink(missing_ok=True)
    say("setting up .venv" + (" anew" if found else ", the first time takes up to a minute"))
    try:
        uv = pinned_uv()
        if found.get("venv") != wanted["venv"]:
            make_venv(VENV, "--without-pip")
        install(uv)
    except CommandError as error:
        raise SetupError(install_complaint(error)) from None
    fresh = VENV / (STAMP_NAME + ".new")
    fresh.write_text(json.dumps(wanted), "utf-8")
    fresh.replace(VENV / STAMP_NAME)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one dev.py at a time touch .venv; the others wait."""
    with (ROOT / ".dev.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another dev.py is setting up .venv, waiting for it")
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


def become(program: str, *arguments: str) -> NoReturn:
    """Replace this process by a program of .venv."""
    path = str(VENV / "bin" / program)
    # The product starts several processes; each would compile its libraries anew, for seconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.stdout.flush()
    os.execv(path, [path, *arguments])


def pytest(*arguments: str) -> NoReturn:
    """Become pytest, at home in the project's folder."""
    os.chdir(ROOT)
    become("python", "-m", "pytest", *arguments)


def test(*arguments: str) -> NoReturn:
    """Run the tests, or those asked for; what holds of the source itself is a gate of `check`."""
    pytest("-n", "4", "--dist", "worksteal", *(arguments or ("--ignore=tests/architecture",)))


def gates() -> dict[str, list[str]]:
    """List the static gates: name -> program of .venv with its arguments; the longest first."""
    tool: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    rooms = tool["hatch"]["build"]["targets"]["wheel"]["packages"]
    typed = [room for room in [*rooms, "tests"] if (ROOT / room / "__init__.py").exists()]
    return {
        "types": ["python", "-m", "mypy", "dev.py", *typed],
        "architecture": ["python", "-m", "pytest", "-q", "tests/architecture"],
        "imports": ["python", "-m", "tests.architecture.contracts"],
        "lint": ["ruff", "check", "--quiet", "--output-format", "concise", "."],
        "format": ["ruff", "format", "--check", "--output-format", "concise", "."],
    }


def failure(command: list[str]) -> str:
    """Run one gate; return what it printed if it failed, and nothing if it passed."""
    try:
        call(VENV / "bin" / command[0], *command[1:])
    except CommandError as error:
        return str(error)
    return ""


def check() -> int:
    """Run every gate, two at a time, so that one failure does not hide the next."""
    commands = gates()
    with ThreadPoolExecutor(max_workers=2) as pool:
        failures = dict(zip(commands, pool.map(failure, commands.values()), strict=True))
    for name, output in failures.items():
        print("%s: %s" % (name, "FAILED\n" + output + "\n" if output else "ok"))
    return 1 if any(failures.values()) else 0


def lock(*arguments: str) -> int:
    """Compile the requirement lists; pins that still fit stay unless `--upgrade` is given."""
    uv = pinned_uv()
    if uv is None:
        raise SetupError("the lists could not be compiled: uv could not be fetched; %s." % MENDING)
    # The lists hold for every Python and system we support, and name no index.
    how = ["--universal", "--python-version", "%d.%d" % PYTHON_MIN, "--generate-hashes", "--quiet"]
    how += ["--custom-compile-command", "python3 dev.py lock", *arguments]
    sources: dict[Path, list[object]] = {
        PACKAGES: ["pyproject.toml", "--group", "dev"],
        # What the container holds and what builds it, at the versions that are tested here.
        IMAGE: ["pyproject.toml", "--constraint", PACKAGES],
        BUILDER: ["requirements/build.in", "--constraint", PACKAGES],
        INSTALLER: ["requirements/tools.in"],
    }
    try:
        for target, source in sources.items():
            call(uv, "pip", "compile", *how, *source, "--output-file", target)
    except CommandError as error:
        raise SetupError("the lists could not be compiled: %s." % last_line(error)) from None
    return 0


def done() -> int:
    """Say that there is nothing left to do."""
    say(".venv is ready")
    return 0


COMMANDS: dict[str, tuple[str, Callable[..., int]]] = {
    "setup": ("make .venv/, the project's own environment", done),
    "demo": ("run the whole product against simulators", partial(become, "boxoffice", "demo")),
    "test": ("run the tests", test),
    "run": ("run `boxoffice ARGS`", partial(become, "boxoffice")),
    "check": ("run every static gate: format, lint, types, imports, architecture", check),
    "bench": ("run a benchmark: bench NAME", partial(become, "boxoffice", "bench")),
    "chaos": ("run the long fault runs", partial(pytest, "-m", "chaos", "tests/chaos")),
    "lock": ("compile the requirement lists again, with --upgrade to newer versions", lock),
}
WITHOUT_ARGUMENTS = (check, done)


def usage() -> str:
    """Return the help: one line per command."""
    lines = ["  %-6s %s" % (name, told) for name, (told, _) in COMMANDS.items()]
    return "usage: python3 dev.py COMMAND [ARGS]\n\n" + "\n".join(lines)


def main(command: str, *arguments: str) -> int:
    """Set up, then do what was asked; 0 done, 1 failed, 2 wrong usage."""
    if command in {"-h", "--help", "help"}:
        print(usage())
        return 0
    _, action = COMMANDS.get(command, ("", None))
    if action is None or (arguments and action in WITHOUT_ARGUMENTS):
        print(usage(), file=sys.stderr)
        return 2
    try:
        setup()
        return action(*arguments)
    except SetupError as error:
        say(str(error))
    except OSError as error:
        what = (error.filename or ROOT, error.strerror or error)
        say("%s cannot be used (%s): see that this folder can be written and run again." % what)
    except KeyboardInterrupt:
        say("interrupted; run it again and the setup is mended.")
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["--help"])))
