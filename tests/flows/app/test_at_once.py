"""Two who do something with one box at the same time: one wins, the other is told what is."""

from __future__ import annotations

import asyncio

import pytest

from app.desk import boxes, registration
from app.desk.boxes import By
from app.desk.registration import Registration
from app.imports.load import import_paths
from app.settings import Settings
from app.wiring import build, closing
from gateway.inventory import store
from gateway.inventory.flows import NewBox
from terms.errors import DomainError
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, go_to

TIMES = 12
MODEL = "HT-2"
CONTRACTS = ("200001", "200002")
ANN, BEN = By(actor="ann"), By(actor="ben")


@pytest.fixture
async def two(migrated_url, tmp_path):
    """Two houses on one database, as two processes have them: each has connections of its own."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url, allow_time_travel=True)
    async with closing(build(settings)) as one, closing(build(settings)) as other:
        await go_to(one, HARBOUR_BEGINS)
        assert (await import_paths(one, [HARBOUR], ENVIRONMENT)).taken
        yield one, other


async def done(house, story) -> str:
    """Do something in a transaction of its own; gives the sentence of its refusal, if any."""
    try:
        async with house.store.begin() as tx:
            await story(house, tx)
    except DomainError as error:
        return str(error)
    return ""


async def both(two, *stories) -> list[str]:
    """Do two things at once, each in a house of its own."""
    return list(await asyncio.gather(*map(done, two, stories)))


def registering(serial: str, contract: str, by: By, *, mac: str = ""):
    """Tell how a box is registered for a household."""
    wanted = Registration(serial=serial, contract=contract, model=MODEL, mac=mac)

    async def story(house, tx):
        await registration.register(house, tx, wanted, by=by)

    return story


async def stocked(two, *serials: str) -> None:
    """Make boxes known, in stock."""
    for serial in serials:
        async with two[0].store.begin() as tx:
            await boxes.register(two[0], tx, NewBox(serial=serial, model=MODEL), "test")


async def told(two, serial: str):
    """Tell which contract has a box, and what happened to it."""
    async with two[0].store.read() as tx:
        box = (await store.by_serial(tx, [serial]))[serial]
        holder = await boxes.holder_at(tx, box)
        lines = await store.history(tx, serial)
    return holder.contract if holder else "", [line.action for line in lines]


def taken(serial: str, contract: str) -> str:
    """Give the sentence about a box that another household has."""
    return (
        f"box {serial} is with contract {contract}: take it back there first, "
        "or read the label again"
    )


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_box_that_two_register_has_one_household(two, is_known):
    """One of them has it; the other reads whose it is, whether it was known before or not."""
    winners = set()
    for n in range(TIMES):
        serial = f"HT2-8{n:04}"
        if is_known:
            await stocked(two, serial)
        answers = await both(
            two,
            *(
                registering(serial, contract, by)
                for contract, by in zip(CONTRACTS, (ANN, BEN), strict=True)
            ),
        )
        contract, history = await told(two, serial)
        winners.add(contract)
        assert sorted(answers) == ["", taken(serial, contract)]
        assert answers[CONTRACTS.index(contract)] == ""
        assert history == ["register", "hand_over"]
    assert winners <= set(CONTRACTS)


async def test_a_mac_that_two_register_is_of_one_box(two):
    """Two new boxes that show one address: one is known, the other is refused by its name."""
    for n in range(TIMES):
        serials, mac = (f"HT2-81{n:03}", f"HT2-82{n:03}"), f"00:16:3E:00:81:{n:02X}"
        answers = await both(
            two,
            *(
                registering(serial, contract, ANN, mac=mac)
                for serial, contract in zip(serials, CONTRACTS, strict=True)
            ),
        )
        winner = serials[answers.index("")]
        assert sorted(answers) == ["", f"mac {mac} belongs to the box with serial {winner}"]


async def test_a_box_that_two_give_in_exchange_goes_to_one(two):
    """Two technicians swap for the same box: one household has it, the other keeps its own."""
    for n in range(TIMES):
        old, new = (f"HT2-83{n:03}", f"HT2-84{n:03}"), f"HT2-85{n:03}"
        await stocked(two, *old, new)
        for serial, contract in zip(old, CONTRACTS, strict=True):
            assert await done(two[0], registering(serial, contract, ANN)) == ""

        def swapping(serial: str, new: str = new):
            async def story(house, tx):
                await boxes.swap(house, tx, serial, new, by=ANN)

            return story

        answers = await both(two, *map(swapping, old))
        contract, history = await told(two, new)
        lost = next(n for n, answer in enumerate(answers) if answer)
        assert answers[1 - lost] == ""
        assert answers[lost] == taken(new, contract)
        assert contract == CONTRACTS[1 - lost]
        assert history == ["register", "swap"]
        assert (await told(two, old[lost]))[0] == CONTRACTS[lost]


async def test_a_box_that_comes_back_while_it_is_swapped_left_once(two):
    """Taken back and swapped at once, it leaves its household by one of both, never by two."""
    for n in range(TIMES):
        old, new = f"HT2-86{n:03}", f"HT2-87{n:03}"
        await stocked(two, old, new)
        assert await done(two[0], registering(old, CONTRACTS[0], ANN)) == ""

        async def swap(house, tx, old=old, new=new):
            await boxes.swap(house, tx, old, new, by=ANN)

        async def take_back(house, tx, old=old):
            await boxes.take_back(house, tx, old, actor="ben")

        swapped, returned = await both(two, swap, take_back)
        assert returned == ""
        contract, history = await told(two, old)
        assert contract == ""
        assert history == ["register", "hand_over", "swap" if swapped == "" else "take_back"]
        assert swapped in {"", f"box {old} is back, not looked at: nobody has it to be swapped"}
        assert (await told(two, new))[0] == (CONTRACTS[0] if swapped == "" else "")


async def test_a_box_that_two_take_back_comes_back_once(two):
    """Both are told that it is back, and one line says who took it."""
    for n in range(TIMES):
        serial = f"HT2-88{n:03}"
        await stocked(two, serial)
        assert await done(two[0], registering(serial, CONTRACTS[0], ANN)) == ""

        def take_back(actor: str, serial: str = serial):
            async def story(house, tx):
                await boxes.take_back(house, tx, serial, actor=actor)

            return story

        assert await both(two, take_back("ann"), take_back("ben")) == ["", ""]
        assert (await told(two, serial))[1] == ["register", "hand_over", "take_back"]
