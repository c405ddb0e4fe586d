"""What the shared server, fault and admin code asks of one kind of simulated system."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from simulators.call import Call, Reply
from simulators.clock import SkewedClock
from simulators.faults import Fault, Faults
from simulators.journal import Journal


class BadOperation(Exception):
    """An admin operation or a state file that makes no sense; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The parts every kind is given: where effects are written, the time, the faults."""

    journal: Journal
    clock: SkewedClock
    faults: Faults
    latency_s: float = 0.0


class Simulator(Protocol):
    """One kind of system. It holds its whole state in memory."""

    kind: str

    async def answer(self, call: Call) -> Reply:
        """Answer one request and apply its effects."""
        ...

    def label(self, call: Call) -> str:
        """Name the verb and the resource of a call, for the counters."""
        ...

    def subject(self, call: Call) -> str:
        """Name whom a call is about, for the journal, when it never came to an effect."""
        ...

    def dialect(self, fault: Fault) -> Reply:
        """Word an injected refusal as this kind of system would."""
        ...

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show the state as plain values."""
        ...

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Change the state behind everyone's back."""
        ...

    def reset(self) -> None:
        """Return to the state of the start."""
        ...

    async def start(self, url: str) -> None:
        """Begin background work; `url` is where the simulator can be reached."""
        ...

    async def stop(self) -> None:
        """End background work."""
        ...


Maker = Callable[[Stage, Mapping[str, Any]], Simulator]
Act = Callable[[Mapping[str, Any]], Awaitable[Any]]
