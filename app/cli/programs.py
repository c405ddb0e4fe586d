"""Programs beside the product: simulators, the demonstration, benchmarks. Each is its own process.

This one is replaced by it, so that signals, exit code and output are the program's own.
"""

from __future__ import annotations

import os
import sys

import typer

_PASSED_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    for name, module, words in (
        ("simulate", "simulators", "Run a simulator: KIND ARGS."),
        ("demo", "demo", "Show the product at work against simulators."),
        ("bench", "bench", "Measure one thing beside its limit: NAME ARGS."),
    ):
        cli.command(name, help=words, context_settings=_PASSED_ON)(_starter(module))


def _starter(module: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - typer reads it
    def start(context: typer.Context) -> None:
        sys.stdout.flush()
        command = [sys.executable, "-m", module, *context.args]
        os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, no shell

    return start
