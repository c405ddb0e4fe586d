"""docs/reference/cli.md, written from the commands themselves: `python -m app.cli.reference`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from app.cli.root import cli

_HEAD = """\
# The command line

`boxoffice` is a program of the project's environment, not of your `PATH`: where this page writes
`boxoffice ARGS`, type `python3 dev.py run ARGS` in the project's folder, which makes that
environment where it is missing, or `.venv/bin/boxoffice ARGS` once it is there.

Written from the commands themselves (`.venv/bin/python -m app.cli.reference >
docs/reference/cli.md`); a test compares. Every command knows `--json` and `--help`. Exit codes: 0
done, 1 failed (one sentence on standard error), 2 wrong usage. `boxoffice --version` tells the
version.

Settings come from `boxoffice.toml` and `BOXOFFICE_*` ([settings](settings.md)). A command works
beside a running `boxoffice serve`, which hears of its work at once.
"""


def reference() -> str:
    """Write the whole page."""
    root: Any = get_command(cli)
    return _HEAD + "".join(_of_group(root, "boxoffice"))


def _of_group(group: Any, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _of_group(command, f"{path} {name}")
        else:
            yield _of_command(command, f"{path} {name}")


def _of_command(command: Any, path: str) -> str:
    words = inspect.cleandoc(command.help or "").partition("\f")[0].strip()
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option"]
    usage = " ".join([path, *(_usage(one) for one in arguments)])
    if command.context_settings.get("ignore_unknown_options"):
        usage += " ..."
    lines = [f"\n## `{usage}`\n", f"{words}\n"]
    lines += [f"- `{_usage(one)}`: {one.help}" for one in arguments if one.help]
    lines += [_of_option(one) for one in options if one.name not in {"as_json", "help"}]
    return "\n".join(lines).rstrip() + "\n"


def _usage(argument: Any) -> str:
    name = argument.name.rstrip("_").upper()
    several = "..." if argument.nargs < 0 else ""
    return f"{name}{several}" if argument.required else f"[{name}{several}]"


def _of_option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    given = "" if option.is_flag or option.default in (None, "") else f" Default: {option.default}."
    return f"- {names}: {option.help or 'See above.'}{given}"


if __name__ == "__main__":
    sys.stdout.write(reference())
