"""What the operator's files do not hold: addresses, users and keys, new at every start.

The boxes tell theirs when they are delivered; they go into the purchase list, which is imported
instead of the one in the operator's folder. All of it lies in the story's own folder alone.
"""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.operator import Driver, Operator

BOXES_FILE = "boxes.csv"
SEED_BYTES = 16
NOBODY = "http://127.0.0.1:9/"  # where boxes that call do call until they are told better: discard
# Which of a box's papers stands in which column of the list.
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "ssh": {"address": "address", "host_key": "host_key"},
    "snmp": {
        "address": "address",
        "username": "user",
        "auth_key": "auth_key",
        "priv_key": "priv_key",
    },
    "cwmp": {
        "username": "acs_username",
        "password": "acs_password",
        "connection_username": "request_username",
        "connection_password": "request_password",
    },
}
# A box in stock shows its first key to the technician who registers it.
_NOT_IN_STOCK = frozenset({"host_key"})


def state_of(driver: Driver, folder: Path) -> Path:
    """Write the state a driver's boxes begin with: the operator's, with keys of its own."""
    state = json.loads(driver.state.read_text("utf-8"))
    state["seed"] = secrets.token_hex(SEED_BYTES)
    if driver.kind == "cwmp":
        state["acs"] = NOBODY
    return _written(folder / f"{driver.kind}.json", json.dumps(state))


def purchase_list(
    operator: Operator, papers: Mapping[str, Mapping[str, Mapping[str, Any]]], folder: Path
) -> Path:
    """Write the operator's list of boxes with their papers, which are known by kind and serial."""
    path = _written(folder / BOXES_FILE, "")
    columns = dict.fromkeys(name for each in _COLUMNS.values() for name in each)
    rows = _rows(operator)
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, [*rows[0], *columns], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, **_of(row, papers)} for row in rows)
    return path


def files(operator: Operator, boxes: Path) -> Sequence[str]:
    """Name the files to import: the operator's, but for the list of boxes."""
    own = sorted(operator.folder.glob("*.csv"))
    return [
        str(operator.folder / "operator.toml"),
        *(str(path) for path in own if path.name != BOXES_FILE),
        str(boxes),
    ]


def at_home(operator: Operator) -> frozenset[str]:
    """List the serials of the boxes that households have at the start."""
    return frozenset(row["serial"] for row in _rows(operator) if row["contract"])


def _rows(operator: Operator) -> list[dict[str, str]]:
    with (operator.folder / BOXES_FILE).open(encoding="utf-8-sig", newline="") as source:
        return list(csv.DictReader(source))


def _of(
    row: Mapping[str, str], papers: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> dict[str, str]:
    for kind, boxes in papers.items():
        if row["serial"] in boxes:
            hidden = frozenset() if row["contract"] else _NOT_IN_STOCK
            told = boxes[row["serial"]]
            return {
                column: str(told[name])
                for column, name in _COLUMNS[kind].items()
                if column not in hidden
            }
    return {}


def _written(path: Path, text: str) -> Path:
    """Write a file that only we may read."""
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return path
