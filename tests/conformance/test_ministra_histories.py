"""Random histories: wishes, hands in the portal and faults in any order end as the last wish."""

import contextlib
import random
from collections.abc import Iterator

import pytest

from gateway.adapters.conformance import Trial, trial
from gateway.adapters.state import ViewerState, differences
from terms.errors import TargetError
from tests.conformance.harness_ministra import MinistraHarness

REFS = ("1001", "1002", "X7")
TURNS = 40
HANDS = (
    {"status": 0},
    {"status": 1},
    {"tariff_plan": "premium"},
    {"stb_mac": ""},
    {"stb_mac": "02000000000a"},
    {"subscribed": ["kids"]},
    {"comment": "VIP"},
    {"full_name": "Somebody"},
)
FAULTS = ("lost", "half", "reset", "error", "throttled", "garbage")


@pytest.fixture(scope="module")
def harness() -> Iterator[MinistraHarness]:
    """Start one portal for all histories."""
    portal = MinistraHarness("4.9.35")
    portal.start()
    yield portal
    portal.stop()


def wish(dice: random.Random, harness: MinistraHarness, turn: int) -> ViewerState:
    """Throw a wish."""
    ref, tariff = dice.choice(REFS), dice.choice(["basic", "premium"])
    options = ["sport", "kids"] if tariff == "basic" else []
    boxes = [harness.device(ref, number) for number in range(4)]
    return ViewerState(
        ref=ref,
        enabled=dice.random() < 0.6,
        tariff=tariff,
        packages=frozenset(dice.sample(options, dice.randint(0, len(options)))),
        devices=frozenset(dice.sample(boxes, dice.randint(0, 4))),
        label=dice.choice(["", "Ada", "Ада"]),
        revision=turn,
    )


async def meddle(dice: random.Random, harness: MinistraHarness, ref: str) -> None:
    """Let a hand change or delete one row of the account."""
    rows = await harness.accounts(ref)
    if not rows:
        return
    login = dice.choice(rows)["login"]
    operation = {"op": "set", "login": login, "fields": dice.choice(HANDS)}
    if dice.random() < 0.2:
        operation = {"op": "delete", "login": login}
    await harness.admin("/tamper", operation)


async def hurt_turn(dice: random.Random, t: Trial, wanted: ViewerState) -> None:
    """Let one turn of the queue meet a fault somewhere in its writes."""
    held = await t.adapter.observe(wanted.ref)
    async with t.harness.fault(dice.choice(FAULTS), skip=dice.randint(0, 5)):
        with contextlib.suppress(TargetError):
            await t.adapter.apply(wanted, held)


@pytest.mark.parametrize("seed", range(6))
async def test_any_history_ends_as_the_last_wish(harness: MinistraHarness, seed: int) -> None:
    """After every wish the account is as wished with one row per box, whatever happened before."""
    dice = random.Random(seed)
    await harness.admin("/reset", {})
    async with trial(harness) as t:
        for turn in range(TURNS):
            wanted = wish(dice, harness, turn)
            if dice.random() < 0.4:
                await meddle(dice, harness, wanted.ref)
            if dice.random() < 0.5:
                await hurt_turn(dice, t, wanted)
            held = await t.held((await t.converge(wanted)).ref)
            assert not differences(wanted, held)
            assert await harness.copies(wanted.ref) == max(1, len(wanted.devices))
