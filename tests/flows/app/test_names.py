"""Vans and people by the names they sign in with: at every door, in files, and in what is told."""

from __future__ import annotations

import pytest

from app.desk import jobs, stock
from app.desk.boxes import By
from app.identity import deeds
from app.imports.load import import_boxes
from gateway.inventory.store import by_serial
from terms.errors import Invalid
from tests.flows.app.visitor import added, hurry, named

BY = By(actor="office")
BOX, OTHER = "HT2-00026", "HT2-00027"
LIST = "serial,mac,model,contract,handed_over_on,place\n"


@pytest.fixture
async def staffed(harbour):
    """The demonstration's operator with technicians Ben and Cay; Cay is no longer let in."""
    hurry(harbour)
    await added(harbour, "ben", "technician")
    cay = await added(harbour, "cay", "technician")
    async with harbour.store.begin() as tx:
        await deeds.disable(harbour.keeper, tx, cay, "test")
    return harbour


async def place_of(house, serial: str) -> str:
    """Read where a box lies."""
    async with house.store.read() as tx:
        return (await by_serial(tx, [serial]))[serial].place


async def test_a_van_is_named_by_whoever_has_it(staffed, served):
    """By name in any case or by id it is the same van, over the API and in a list, too."""
    ben = await named(staffed, "ben")
    for given in ("ben", " Ben ", ben.id, ben.actor):
        async with staffed.store.begin() as tx:
            await stock.move(staffed, tx, BOX, "warehouse", by=BY)
            await stock.move(staffed, tx, BOX, given, by=BY)
        assert await place_of(staffed, BOX) == ben.actor, given
    status, box = await served.api("POST", f"boxes/{OTHER}/move", {"place": "ben"})
    assert (status, box["place"]) == (200, ben.actor)
    _, listed = await served.api("GET", "boxes?place=ben")
    assert [one["serial"] for one in listed["items"]] == [BOX, OTHER]
    async with staffed.store.begin() as tx:
        await stock.move(staffed, tx, BOX, "warehouse south", by=BY)
    assert await place_of(staffed, BOX) == "warehouse south"


async def test_a_van_of_nobody_is_refused(staffed, served):
    """Unknown, no longer let in, or empty: refused at every move, naming the field."""
    for given in ("bne", "Ben Nobody", "person:01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "cay"):
        with pytest.raises(Invalid, match=r"^place: "):
            async with staffed.store.begin() as tx:
                await stock.move(staffed, tx, BOX, given, by=BY)
    status, told = await served.api("POST", f"boxes/{BOX}/move", {"place": "cay"})
    assert (status, told["detail"]) == (
        400,
        "place: cay is no longer let in: give somebody else's name",
    )
    new = {"serial": "HT2-90001", "model": "HT-2", "place": "bne"}
    assert (await served.api("POST", "boxes", new))[0] == 400
    assert await place_of(staffed, BOX) == "warehouse"


async def test_a_job_is_given_by_name_and_back_to_anybody(staffed, served):
    """Who does a job is somebody that is let in, or anybody again; a wrong name is refused."""
    wanted = {"kind": "swap", "contract": "200001"}
    status, job = await served.api("POST", "jobs", {**wanted, "assignee": "ben"})
    assert (status, job["assignee"]) == (200, (await named(staffed, "ben")).actor)
    _, his = await served.api("GET", "jobs?assignee=ben")
    assert [one["id"] for one in his["items"]] == [job["id"]]
    assign = f"jobs/{job['id']}/assign"
    for wrong in ("bne", "cay"):
        status, told = await served.api("POST", assign, {"assignee": wrong})
        assert (status, told["detail"].split(":")[0]) == (400, "assignee")
        assert (await served.api("POST", "jobs", {**wanted, "assignee": wrong}))[0] == 400
    status, job = await served.api("POST", assign, {"assignee": ""})
    assert (status, job["assignee"]) == (200, "")
    async with staffed.store.begin() as tx:
        given = await jobs.assign(staffed, tx, job["id"], "ben", actor="test")
    assert given.assignee == (await named(staffed, "ben")).actor


async def test_a_purchase_list_names_vans(staffed, tmp_path):
    """A place of nobody is told by file, row and column; what is right lies in that van."""
    path = tmp_path / "new.csv"
    path.write_text(f"{LIST}HT2-90001,,HT-2,,,ben\nHT2-90002,,HT-2,,,bne\nHT2-90003,,HT-2,,,cay\n")
    outcome = await import_boxes(staffed, path)
    told = [(one.row, one.field) for one in outcome.problems]
    assert told == [(3, "place"), (4, "place")]
    path.write_text(f"{LIST}HT2-90001,,HT-2,,,Ben\nHT2-90002,,HT-2,,,\n")
    assert (await import_boxes(staffed, path)).taken
    assert await place_of(staffed, "HT2-90001") == (await named(staffed, "ben")).actor
    assert await place_of(staffed, "HT2-90002") == "warehouse"
    assert (await import_boxes(staffed, path)).taken, "the same again changes nothing"


async def test_a_hand_over_that_is_still_to_come_is_no_row(staffed, tmp_path):
    """Nobody has a box already from a day that has not come."""
    path = tmp_path / "new.csv"
    path.write_text(f"{LIST}HT2-90001,,HT-2,200001,2199-01-01,\n")
    (problem,) = (await import_boxes(staffed, path)).problems
    assert (problem.row, problem.field) == (2, "handed_over_on")
    assert "still to come" in problem.why
