"""The operator's settings of boxes that share a tree of objects."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.adapters.sdk import BoxOptions, Options
from runtime.options import formed

_Oid = Annotated[str, formed(r"[0-9]+(\.[0-9]+)+", "numbers apart by points, like 1.3.6.1")]


class Objects(Options):
    """Where a model keeps things: a root, and below it one scalar for each."""

    root: _Oid = "1.3.6.1.4.1.32473.1"
    serial: _Oid = "1.1.0"
    boot: _Oid = "1.5.0"
    active: _Oid = "2.1.0"
    packages: _Oid = "2.2.0"
    revision: _Oid = "2.3.0"
    message_text: _Oid = "3.1.0"
    message_seconds: _Oid = "3.2.0"
    message_show: _Oid = "3.3.0"
    reboot_key: _Oid = "4.1.0"
    last_key: _Oid = "4.2.0"

    def __str__(self) -> str:
        return "the reference box"

    def oid(self, name: str) -> tuple[int, ...]:
        """Give the whole OID of a thing."""
        below: str = getattr(self, name)
        return tuple(map(int, f"{self.root}.{below}".split(".")))


class SnmpOptions(BoxOptions):
    """Boxes of one tree; each has keys of its own."""

    deadline_s: float = Field(3.0, gt=0, le=8, description="for one call, everything included")
    retries: int = Field(
        2, ge=0, le=4, description="how often a lost read is asked again within its deadline"
    )
    engine_boxes_max: int = Field(
        2_000, ge=1, le=10_000, description="boxes known to one engine before it is replaced"
    )
    objects: Objects = Field(Objects(), description="where these models keep things")
