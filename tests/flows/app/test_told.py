"""What people read off labels and tell later: serials in other letters, MACs, days."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.desk import boxes, registration, stock
from app.desk.boxes import By
from app.desk.registration import Registration
from app.imports.load import import_boxes
from gateway.inventory import models
from gateway.inventory.models import BoxModel
from gateway.inventory.serials import SerialCheck
from terms.errors import Invalid, NotFound
from tests.flows.app.served import HARBOUR_BEGINS

BY = By(actor="office")
BOX, OTHER = "HT2-00026", "HT2-00027"
TODAY = HARBOUR_BEGINS.date()
LIST = "serial,mac,model,contract,handed_over_on\n"


@pytest.fixture
async def yard(harbour):
    """The demonstration's operator, who has told how the serials of his models begin."""
    async with harbour.store.begin() as tx:
        rb = BoxModel(model="RB-1", serial_check=SerialCheck.LUHN, serial_prefix="RB")
        await models.tell(tx, [rb, BoxModel(model="HT-2", serial_prefix="HT2-")])
    return harbour


async def test_a_serial_in_other_letters_is_the_same_box(yard, served, tmp_path):
    """Typed small, at every door; a box that nobody knows yet is written as its model writes it."""
    async with yard.store.begin() as tx:
        wanted = Registration(serial="ht2-00026", contract="200001")
        assert (await registration.check(yard, tx, wanted, by=BY)).box.serial == BOX
        assert (await registration.register(yard, tx, wanted, by=BY)).serial == BOX
        new = Registration(serial="rb00000018", contract="200001", model="RB-1")
        assert (await registration.register(yard, tx, new, by=BY)).serial == "RB00000018"
    status, story = await served.api("GET", "boxes/ht2-00026")
    assert (status, story["box"]["serial"]) == (200, BOX)
    assert [line["action"] for line in story["history"]] == ["register", "hand_over"]
    path = tmp_path / "new.csv"
    path.write_text(f"{LIST}rb00000026,001a.7920.0093,RB-1,,\n")
    assert list((await import_boxes(yard, path)).problems) == []
    async with yard.store.read() as tx:
        assert (await boxes.known(tx, "RB00000026")).mac == "00:1A:79:20:00:93"
        with pytest.raises(NotFound):
            await boxes.known(tx, "ht2-99999")
    status, problem = await served.api("GET", f"boxes/{'%20' * 200}")
    assert (status, len(problem["detail"]) < 200) == (400, True)


async def test_nothing_happens_to_a_box_before_what_happened_to_it_last(yard):
    """A return, a swap, a loss that is told of a day before the hand-over is refused."""
    handed = TODAY - timedelta(days=5)
    before = handed - timedelta(days=1)
    async with yard.store.begin() as tx:
        wanted = Registration(serial=BOX, contract="200001", on=handed)
        await registration.register(yard, tx, wanted, by=BY)
    told = f"on: the last thing that happened to box {BOX} was on {handed}"

    async def refused(step) -> None:
        with pytest.raises(Invalid, match=told):
            async with yard.store.begin() as tx:
                await step(tx)

    await refused(lambda tx: boxes.take_back(yard, tx, BOX, actor="office", on=before))
    await refused(lambda tx: boxes.swap(yard, tx, BOX, OTHER, by=BY, on=before))
    await refused(lambda tx: boxes.activate(yard, tx, BOX, actor="office", on=before))
    await refused(lambda tx: stock.lose(yard, tx, BOX, actor="office", on=before))
    async with yard.store.begin() as tx:
        await boxes.take_back(yard, tx, BOX, actor="office", on=handed)
        await stock.restock(yard, tx, BOX, actor="office")
    await refused(lambda tx: boxes.hand_over(yard, tx, BOX, "200002", on=before, actor="office"))


async def test_a_number_of_rows_is_whole(yard, served):
    """In a query, where everything is text, 1.0 is no number of rows; what is said names it."""
    for path in ("boxes", "jobs", "reviews", "accounts"):
        status, problem = await served.api("GET", f"{path}?limit=1.0")
        assert (status, problem["field"]) == (400, "limit"), path
        assert (await served.api("GET", f"{path}?limit=1"))[0] == 200
