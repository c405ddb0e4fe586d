"""What a target should hold and what it was seen to hold: one type for both, so a plan is `==`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

import orjson

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerState:
    """One household at one middleware, in that target's own codes.

    `ref` is our key there. `tariff` is the one base package of targets that have such a thing.
    `devices` holds MAC addresses as AA:BB:CC:DD:EE:FF. `revision` fences and is carried along,
    `vendor` is what the adapter remembers between observe and apply; neither is compared.
    """

    ref: str
    enabled: bool
    tariff: str | None = None
    packages: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    streams: int | None = None
    expires_on: date | None = None
    label: str = ""
    revision: int = field(default=0, compare=False)
    vendor: Mapping[str, str] = field(default_factory=lambda: NOTHING, compare=False, repr=False)

    def encode(self) -> str:
        """Canonical JSON of everything compared: equal states give equal text."""
        fields = {
            "devices": sorted(self.devices),
            "enabled": self.enabled,
            "expires_on": self.expires_on,
            "label": self.label,
            "packages": sorted(self.packages),
            "ref": self.ref,
            "streams": self.streams,
            "tariff": self.tariff,
        }
        return orjson.dumps(fields).decode()

    @classmethod
    def decode(cls, text: str | bytes, *, revision: int) -> ViewerState:
        """Read what `encode` wrote; the revision travels beside the text."""
        row = orjson.loads(text)
        expires_on = row["expires_on"]
        return cls(
            ref=row["ref"],
            enabled=row["enabled"],
            tariff=row["tariff"],
            packages=frozenset(row["packages"]),
            devices=frozenset(row["devices"]),
            streams=row["streams"],
            expires_on=date.fromisoformat(expires_on) if expires_on else None,
            label=row["label"],
            revision=revision,
        )


def differences(wished: ViewerState, held: ViewerState | None) -> dict[str, tuple[str, str]]:
    """Field by field what is held and what is wished, as text for people: {field: (held, wished)}.

    Empty exactly when the two are equal.
    """
    if held is None:
        return {"account": ("missing", "present")}
    names = ("ref", "enabled", "tariff", "packages", "devices", "streams", "expires_on", "label")
    return {
        name: (_show(getattr(held, name)), _show(getattr(wished, name)))
        for name in names
        if getattr(held, name) != getattr(wished, name)
    }


def _show(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value in (None, "") else str(value)
