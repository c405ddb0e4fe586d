"""What the shared server, fault and admin code asks of one kind of simulated system."""

from collections.abc import Callable, Mapping
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
    """The parts every kind is given: where to listen, the journal, the time, the faults."""

    journal: Journal
    clock: SkewedClock
    faults: Faults
    latency_s: float = 0.0
    host: str = "127.0.0.1"
    port: int = 0


class System(Protocol):
    """What the admin face asks of a kind of system. It holds its whole state in memory."""

    kind: str

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show the state as plain values."""
        ...

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Change the state behind everyone's back."""
        ...

    def reset(self) -> None:
        """Return to the state of the start."""
        ...


class Simulator(System, Protocol):
    """One kind of system that answers HTTP."""

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

    async def start(self, url: str) -> None:
        """Begin background work; `url` is where the simulator can be reached."""
        ...

    async def stop(self) -> None:
        """End background work."""
        ...


class Faces(Protocol):
    """The sockets of one simulator process, and the system behind them."""

    @property
    def system(self) -> System:
        """What the admin face shows and changes."""
        ...

    async def start(self) -> None:
        """Listen, as far as the modes in force let it."""
        ...

    async def stop(self) -> None:
        """Give every socket back."""
        ...

    async def follow_modes(self) -> None:
        """Open and shut what the modes in force say; done when that is done."""
        ...

    def told(self) -> Mapping[str, Any]:
        """Tell where callers find it, for the line that says it is ready."""
        ...


Maker = Callable[[Stage, Mapping[str, Any]], Faces]
