"""The timeline on the screen: what happens, as it happens, and what it proves.

Coloured on a terminal, plain text elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from demo.proof import Finding, Proof

_SHORT = 160


class Timeline:
    """Tells a person what is going on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_at = time.monotonic()
        self._told: dict[int, Finding] = {}
        self._ticks = ("✓", "✗") if console.encoding.lower().startswith("utf") else ("ok", "NO")

    def headline(self, text: str) -> None:
        """Begin."""
        self._say(Text(text, style="bold"))

    def chapter(self, step: int, title: str) -> None:
        """Begin a step."""
        self._say(Text())
        self._say(Text(f"{step}. {title}", style="bold cyan"))

    def happens(self, who: str, what: str) -> None:
        """Tell one thing that happens."""
        passed = f"{time.monotonic() - self._started_at:6.1f} s  "
        self._say(Text.assemble((passed, "dim"), (f"{who:<11}", "magenta"), what))

    def found(self, findings: Sequence[Finding]) -> None:
        """Tell what was found, at once; `prove` does not repeat it."""
        for one in findings:
            self._told[id(one)] = one
            self._finding(one)

    def prove(self, proof: Proof) -> None:
        """Tell what was found, what the simulators hold now, and where their journals stand."""
        self.found([one for one in proof.evidence.findings if id(one) not in self._told])
        for name, state in proof.evidence.state.items():
            self._detail(f"{name} now: {shown(state)}")
        for name, note in proof.evidence.notes.items():
            self._detail(f"{name}: {shown(note)}")
        journal = ", ".join(f"{name} {number}" for name, number in proof.journal.items())
        self._detail(f"journal: {journal}")
        verdict, style = ("proven", "bold green") if proof.is_proven else ("NOT PROVEN", "bold red")
        self._say(Text(f"          {verdict} in {proof.took_s:.1f} s", style=style))

    def complain(self, text: str) -> None:
        """Tell what went wrong."""
        self._say(Text(text, style="bold red"))

    def note(self, text: str) -> None:
        """Tell something beside the story."""
        self._say(Text(text))

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Show that something takes a while, where there is somebody to see it."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(what):
            yield

    def _finding(self, finding: Finding) -> None:
        tick, style = (self._ticks[0], "green") if finding.is_proven else (self._ticks[1], "red")
        line = Text.assemble((f"          {tick} ", style), (f"{finding.where:<11}", "blue"))
        line.append(f"{finding.what}: {shown(finding.found)}")
        if not finding.is_proven:
            line.append(f"  (wanted {shown(finding.wanted)})", "red")
        self._say(line)

    def _detail(self, text: str) -> None:
        self._say(Text(f"            {text}", style="dim"))

    def _say(self, text: Text) -> None:
        self._console.print(text, soft_wrap=True)


def shown(value: Any) -> str:
    """Write a value on one line."""
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {shown(held)}" for key, held in value.items())
    elif isinstance(value, list | tuple):
        text = ", ".join(map(shown, value)) or "none"
    else:
        text = str(value)
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."
