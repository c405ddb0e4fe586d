"""The process is killed while a box that calls is in its session."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.flows.app.operation import Operation, operation, until

pytestmark = pytest.mark.timeout(300)  # it starts many processes

KIND = "cwmp"
ENABLE = "Device.Services.STBService.1.Enable"
MOMENTS = ("before it is told", "after it was told")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operation]:
    """An operator at rest: a household with a box for each moment, dark until it pays."""
    folder = tmp_path_factory.mktemp("session") / "operation"
    with operation(folder, boxes={KIND: len(MOMENTS)}) as running:
        running.product.start()
        running.sign_up(range(1, len(MOMENTS) + 1), KIND)
        for number in range(1, len(MOMENTS) + 1):
            until(partial(is_known, running, number), "the box has its first wish")
        running.product.rest()
        assert running.product.stop() == 0
        yield running


def is_known(operator: Operation, number: int) -> bool:
    """Tell whether a box holds its first wish, which is to be dark."""
    return bool(operator.box(number, KIND)["revision"] == "1")


def told(operator: Operation, number: int, after: int) -> list[dict[str, Any]]:
    """List what switched the box on or off."""
    return [one for one in operator.done_to(number, KIND, after) if ENABLE in one["after"]]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_in_the_session_of_a_box(operator: Operation, moment: str):
    """Killed before or after the box was told: it is on in the end, and was told once."""
    number = MOMENTS.index(moment) + 1
    product, serial = operator.product, operator.serial(number, KIND)
    mark, mark_of_box = operator.mark(), operator.mark_of(KIND)
    operator.racks[KIND].admin("/faults", {"spec": f"slow:800ms:match={serial}"})
    product.start()
    operator.pay(number)
    if moment == MOMENTS[0]:
        until(lambda: operator.box(number, KIND)["cwmp"]["in_session"], "the box calls")
    else:
        until(lambda: bool(told(operator, number, mark_of_box)), "the box was told")
    product.kill()
    operator.racks[KIND].admin("/faults", {"clear": True})
    product.start()
    until(lambda: operator.at_portal(number)["status"] == 1, "the picture is on")
    until(lambda: operator.box(number, KIND)["active"], "the box is on")
    product.rest()
    box = operator.box(number, KIND)
    assert box["packages"] == ["basic", "sport"]
    assert len(told(operator, number, mark_of_box)) == 1
    assert len({entry["call_id"] for entry in operator.writes(number, mark)}) <= 1
    assert len(operator.charges(number)) == len(operator.view(number)["payments"]) == 1
    assert product.stop() == 0
