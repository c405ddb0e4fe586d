"""An operator's folder as an operator has it: who it is, and what its targets ask for.

What must become of it in the story stands elsewhere.
"""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.proof import StoryError

_FILES = (
    "operator.toml",
    "story.toml",
    "subscribers.csv",
    "boxes.csv",
    "simulators/portal.json",
    "simulators/provider.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A target that drives boxes of some models, and the file its simulated boxes begin with."""

    kind: str
    target: str
    models: tuple[str, ...]
    state: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The operator: the names its files use, and what its portal and its provider ask for."""

    folder: Path
    name: str
    zone: str
    currency: str
    target: str
    drivers: tuple[Driver, ...]
    payments: str
    portal_login: str
    portal_password: str
    provider_key: str
    subscribers: int
    email: str  # of the first household that has one, else empty


def read_operator(folder: Path) -> Operator:
    """Read who the operator is: one portal, one payment provider, and drivers of boxes, if any.

    Raises StoryError for a folder that is none, or lacks a file.
    """
    if not folder.is_dir():
        raise StoryError(f"there is no folder {folder}")
    _need(folder, _FILES)
    settings = tomllib.loads((folder / "operator.toml").read_text("utf-8"))
    portal = json.loads((folder / "simulators" / "portal.json").read_text("utf-8"))
    provider = json.loads((folder / "simulators" / "provider.json").read_text("utf-8"))
    login, password = portal["api"]["basic_auth"]
    (target,) = [name for name, one in settings["targets"].items() if "models" not in one]
    (payments,) = settings["payments"]
    text = (folder / "subscribers.csv").read_text("utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    return Operator(
        folder=folder,
        name=settings["operator"]["name"],
        zone=settings["operator"]["zone"],
        currency=settings["operator"]["currency"],
        target=target,
        drivers=_drivers(folder, settings["targets"]),
        payments=payments,
        portal_login=login,
        portal_password=password,
        provider_key=provider["api_keys"][0],
        subscribers=len(rows),
        email=next((row["email"] for row in rows if row.get("email")), ""),
    )


def _drivers(folder: Path, targets: Mapping[str, Mapping[str, Any]]) -> tuple[Driver, ...]:
    driving = {name: one for name, one in targets.items() if "models" in one}
    _need(folder, [f"simulators/{one['kind']}.json" for one in driving.values()])
    return tuple(
        Driver(
            kind=one["kind"],
            target=name,
            models=tuple(one["models"]),
            state=folder / "simulators" / f"{one['kind']}.json",
        )
        for name, one in driving.items()
    )


def _need(folder: Path, names: tuple[str, ...] | list[str]) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise StoryError(f"{folder} is no operator's folder: {name} is missing")
