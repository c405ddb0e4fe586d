"""`python -m bench NAME [--json]`: run one benchmark; exit code 1 when a target is missed."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from pathlib import Path

from app.cli.speak import keep_quiet
from bench import report

AROUND = {"__init__", "__main__", "report", "database", "portal", "product", "scaled", "simulator"}
AROUND |= {"asking", "billing_process", "crowd", "history", "holds", "replaying", "twin"}
AROUND |= {"visiting", "bank_lines"}


def main() -> int:
    """Run the benchmark that is named and print what it found."""
    folder = Path(__file__).parent
    stems = {path.stem for path in folder.glob("*.py")} - AROUND
    names = sorted(stem.replace("_", "-") for stem in stems)
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("name", choices=names)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    keep_quiet()
    results = asyncio.run(importlib.import_module(f"bench.{asked.name.replace('-', '_')}").run())
    write = report.as_json if asked.json else report.as_text
    sys.stdout.write(write(asked.name, results) + "\n")
    return 0 if all(each.ok for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
