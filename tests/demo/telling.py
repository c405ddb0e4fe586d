"""Runs `python -m demo` as a person would, and reads its proofs."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HARBOUR = ROOT / "demo" / "operators" / "harbour"
TERRACE = Path(__file__).parent / "operators" / "terrace"
ENDS_S = 170


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One run: exit code, the report with the proofs, and what was said beside it."""

    code: int
    report: dict[str, Any]
    said: str

    @property
    def proven(self) -> list[bool]:
        """Whether each step that was told is proven."""
        return [proof["proven"] for proof in self.report["proofs"]]


def command(*arguments: str | Path) -> list[str]:
    """Word the command line."""
    return [sys.executable, "-m", "demo", *map(str, arguments)]


def tell(*arguments: str | Path) -> Told:
    """Tell a story once."""
    done = subprocess.run(
        command("--once", "--json", *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=ENDS_S,
        check=False,
    )
    report = json.loads(done.stdout) if done.stdout else {}
    return Told(code=done.returncode, report=report, said=done.stderr)
