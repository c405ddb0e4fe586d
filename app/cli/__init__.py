"""The command line. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations


def main() -> None:
    """Run `boxoffice`."""
    import sys

    from app.cli.root import cli
    from app.cli.speak import MISUSED, complain

    for word in sys.argv[1:]:
        if not word.isascii() and word.encode("utf-8", "replace").decode() != word:
            complain(f"this is not UTF-8: {word}")
            sys.exit(MISUSED)
    cli(prog_name="boxoffice")
