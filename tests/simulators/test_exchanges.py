"""The portal answers the recorded exchanges alike, in their order, over a real socket."""

import json
from typing import Any

from tests.simulators.conftest import FACTS
from tests.simulators.http import basic, call
from tests.simulators.process import RunningSimulator

CREDENTIALS: dict[str | None, dict[str, str]] = {
    "basic": basic("stalker", "secret_pass"),
    "bad": basic("stalker", "wrong"),
    None: {},
}


def test_recorded_exchanges(portal: RunningSimulator) -> None:
    """Every recorded exchange gets the recorded status, headers and JSON body."""
    recording = json.loads((FACTS / "stalker-exchanges.json").read_text())
    exchanges: list[dict[str, Any]] = recording["exchanges"]
    assert len(exchanges) == 33
    for exchange in exchanges:
        asked, expected = exchange["request"], exchange["response"]
        headers = {**asked["headers"], **CREDENTIALS[asked["auth"]]}
        answer = call(portal.url, asked["method"], asked["path"], asked["body"], headers)
        name = exchange["name"]
        assert (answer.status, answer.reason) == (expected["status"], expected["reason"]), name
        for header, value in expected["headers"].items():
            assert answer.headers[header] == value, name
        assert answer.json == expected["body"], name
