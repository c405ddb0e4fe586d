"""The command line. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations


def main() -> None:
    """Run `boxoffice`."""
    from app.cli.root import cli

    cli(prog_name="boxoffice")
