"""What a fault of a box means to the queue (TR-069, A.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from terms.errors import Permanent, Retryable, TargetError, untouched

TOLD_CHARS_MAX = 120
INVALID_VALUE = 9007

# Repeating these is in vain; of all others the box may think better.
PERMANENT: Mapping[int, str] = {
    9000: "the box does not know the method",
    9003: "the box refuses the arguments",
    9005: "the box has no such parameter",
    9006: "the box wants another type",
    INVALID_VALUE: "the box refuses the value",
    9008: "the box does not let that be written",
    9013: "the box does not know the protocol",
    9019: "the box cannot prove the file",
}
PERMANENT_FROM, PERMANENT_TO = 9022, 9026  # deployment units


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedParameter:
    """Why one parameter was refused."""

    name: str
    code: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxFault:
    """A fault as a box told it; the box says that nothing of the call was done."""

    code: int
    text: str = ""
    parameters: tuple[RefusedParameter, ...] = field(default=())

    @property
    def is_permanent(self) -> bool:
        """Whether the same call will never do better."""
        codes = [one.code for one in self.parameters] or [self.code]
        return any(is_permanent(code) for code in codes)


class Faulted(Exception):
    """A call that a box answered with a fault."""

    def __init__(self, fault: BoxFault) -> None:
        super().__init__(f"fault {fault.code}")
        self.fault = fault


def is_permanent(code: int) -> bool:
    """Tell whether repeating a call with this fault is in vain."""
    return code in PERMANENT or PERMANENT_FROM <= code <= PERMANENT_TO


def error_of(fault: BoxFault) -> TargetError:
    """Turn a fault into the error it stands for, naming the parameters that were refused."""
    if not fault.is_permanent:
        return Retryable(f"the box cannot do it now: {_words(fault.code, fault.text)}")
    told = "; ".join(f"{one.name}: {_words(one.code, one.text)}" for one in fault.parameters)
    return untouched(Permanent(told or _words(fault.code, fault.text)))


def _words(code: int, text: str) -> str:
    known = PERMANENT.get(code)
    shown = "".join(char if char.isprintable() else " " for char in text[:TOLD_CHARS_MAX])
    return f"{known} ({code})" if known else f"fault {code} {shown}".strip()
