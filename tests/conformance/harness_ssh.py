"""How the suite starts, reads and hurts boxes that speak SSH."""

# ruff: noqa: D102 - what each method is for stands at Harness

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from terms.errors import Retryable, TargetError
from tests.conformance.boxes import BoxHarness


class SshHarness(BoxHarness):
    """The SSH faces of a rack of boxes."""

    kind = "ssh"
    otherwise: ClassVar[Mapping[str, type[TargetError]]] = {
        **BoxHarness.otherwise,
        "conflict": Retryable,  # two who write at once are told that the box is busy
    }
    faults: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "cut": {"name": "half", "argument": "text"},
        "error": {"name": "error", "argument": "77"},
        "away": {"name": "crash"},
        "refused": {"name": "refused", "argument": "Operation not permitted"},
    }

    def options(self, deadline_s: float) -> Mapping[str, Any]:
        return {
            "models": ["RB-1"],
            "private_key": self.simulator.told["user_key"],
            "connect_deadline_s": deadline_s,
            "login_deadline_s": deadline_s,
            "exec_deadline_s": deadline_s,
        }

    def secrets(self) -> Sequence[str]:
        return [self.simulator.told["user_key"], "PRIVATE KEY"]
