"""Turns at a target with a rate: so many a second for all who ask, on either database."""

import asyncio

import pytest

from gateway.provisioning import targets
from gateway.provisioning.targets import Configuration
from gateway.provisioning.turns import Turns
from runtime.store import Store
from terms.errors import Invalid
from terms.ids import TargetName

RATE = 40.0
CALLS = 16


async def test_two_askers_share_one_rate(store: Store):
    """Asked by two at once, turns come one after the other at the target's pace."""
    both = [Turns(store, "north", RATE) for _ in range(2)]
    now_s = asyncio.get_running_loop().time
    came: list[float] = []

    async def ask(turns: Turns) -> None:
        await turns.come()
        came.append(now_s())

    await asyncio.gather(*(ask(turns) for turns in both for _ in range(CALLS)))
    came.sort()
    assert len(came) == 2 * CALLS
    # Nothing may come early; a machine with better things to do may be late.
    assert came[-1] - came[0] >= (2 * CALLS - 3) / RATE


async def test_turns_that_nobody_used_are_not_made_up_for(store: Store):
    """After a pause calls come at the pace as ever, not all that were missed at once."""
    turns = Turns(store, "north", RATE)
    now_s = asyncio.get_running_loop().time
    await turns.come()
    await asyncio.sleep(0.5)
    began_at = now_s()
    for _ in range(CALLS):
        await turns.come()
    assert now_s() - began_at >= (CALLS - 3) / RATE


@pytest.mark.parametrize("rate", [0.0, -1.0, 10_001.0])
def test_a_rate_that_is_none_is_refused(rate):
    """More than nothing, and not more than anybody answers."""
    wanted = Configuration(
        name=TargetName("north"),
        kind="ministra",
        options={"base_url": "http://127.0.0.1:9", "login": "a", "password": "b"},
        calls_per_s=rate,
    )
    with pytest.raises(Invalid, match="calls_per_s"):
        targets._checked_models(wanted)


def test_boxes_have_no_rate_together():
    """Each is a system of its own, called by itself."""
    wanted = Configuration(
        name=TargetName("boxes"), kind="cwmp", options={"models": ["RB-1"]}, calls_per_s=5.0
    )
    with pytest.raises(Invalid, match="calls_per_s"):
        targets._checked_models(wanted)
