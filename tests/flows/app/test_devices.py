"""A box is registered at a household, by command or over HTTP; what cannot be says what to do."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from app.desk import boxes, registration, stock
from app.desk.boxes import By
from app.desk.registration import Registration
from app.imports.load import import_boxes, import_good_boxes, import_paths
from gateway.inventory import models, sightings
from gateway.inventory.models import BoxModel
from gateway.inventory.quarantine import Sighting
from gateway.inventory.serials import SerialCheck
from runtime.store import audit, metadata
from runtime.work import work
from terms.errors import Conflict, DomainError, Forbidden
from tests.flows.app.visitor import added, hurry

CANARY = "cAnArY-7731"
RB1, RB2, RB3 = "RB00000018", "RB00000026", "RB00000034"
MODELS = "model,maker,serial_check,serial_prefix,protocol\n"
RB_MODEL = "RB-1,Reference,luhn,RB,ssh\nHT-2,Harbour,,HT2-,\n"
LIST = "serial,mac,model,contract,handed_over_on,place,address,username,password,auth_key\n"
BY = By(actor="office")


@pytest.fixture
async def yard(harbour):
    """The demonstration's operator, who has boxes with check digits, too."""
    async with harbour.store.begin() as tx:
        rb = BoxModel(model="RB-1", serial_check=SerialCheck.LUHN, serial_prefix="RB")
        await models.tell(tx, [rb, BoxModel(model="HT-2", serial_prefix="HT2-")])
    return harbour


async def register(house, by=BY, **given):
    """Register a box for a household in a transaction of its own."""
    wanted = Registration(**{"serial": RB1, "contract": "200001", **given})
    async with house.store.begin() as tx:
        return await registration.register(house, tx, wanted, by=by)


async def refused(house, by=BY, **given) -> str:
    """Try to register a box; returns why it cannot be."""
    with pytest.raises(DomainError) as caught:
        await register(house, by, **given)
    return str(caught.value)


async def test_a_registration_is_one_story(yard):
    """The box is known, handed over, reached, and may show its first key; its account is looked
    at.
    """
    box = await register(
        yard,
        model="RB-1",
        mac="00163E000001",
        place="Pier Road 1",
        address="10.0.0.7:22",
        secrets={"username": "oper-1"},
    )
    assert (box.state, box.place) == ("assigned", "Pier Road 1")
    access = await yard.logins.access(RB1)
    assert (access.address, access.secrets, access.may_pin) == (
        "10.0.0.7:22",
        {"username": "oper-1"},
        True,
    )
    async with yard.store.read() as tx:
        rows = await tx.rows(select(work.c.kind, work.c.key))
        holder = await boxes.holder_of(tx, "200001")
    marked = {(row.kind, row.key) for row in rows}
    assert {("settle", holder.account), ("compose", holder.service)} <= marked
    assert await register(yard, model="RB-1") == box


async def test_what_cannot_be_says_what_to_do(yard):
    """Wrong digit, unknown, wrong model, taken: each is a sentence for whoever stands there."""
    assert "the check digit of RB00000081 is wrong" in await refused(yard, serial="RB00000081")
    assert "was RB00000018 meant?" in await refused(yard, serial="RB00000081", model="RB-1")
    assert await refused(yard) == (
        f"no box with serial {RB1}: read the label again, or give its model"
    )
    assert "no model has serials like X1" in await refused(yard, serial="X1")
    assert "there is no model 'RB-9'" in await refused(yard, model="RB-9")
    assert "there is no contract '999999'" in await refused(yard, contract="999999")
    await register(yard, model="RB-1")
    assert await refused(yard, contract="200002") == (
        f"box {RB1} is with contract 200001: take it back there first, or read the label again"
    )
    told = await refused(yard, model="HT-2")
    assert told.startswith(f"model: box {RB1} is a RB-1, not a HT-2: compare the label")
    assert "has the MAC none" in await refused(yard, mac="00163E000001")
    async with yard.store.begin() as tx:
        await stock.lose(yard, tx, RB1, actor="office")
    assert "is lost: note it as found first" in await refused(yard)


async def test_a_technician_takes_from_his_own_van(yard):
    """What lies elsewhere, or is known to nobody, is not his to give; moved to him, it is."""
    hurry(yard)
    one = await added(yard, "ben", "technician")
    ben = By(actor=one.actor, stock=one.actor)
    told = await refused(yard, ben, serial="HT2-00026")
    assert told.startswith("box HT2-00026 is in stock at warehouse, not in yours")
    assert "have the office register it" in await refused(yard, ben, serial=RB1, model="RB-1")
    async with yard.store.begin() as tx:
        await stock.move(yard, tx, "HT2-00026", "ben", by=BY)
        with pytest.raises(Forbidden):
            await stock.move(yard, tx, "HT2-00027", "ben", by=ben)
    assert (await register(yard, ben, serial="HT2-00026")).is_held
    with pytest.raises(Forbidden):
        async with yard.store.begin() as tx:
            await boxes.swap(yard, tx, "HT2-00026", "HT2-00027", by=ben)


async def test_a_registration_sent_twice_is_done_once(yard):
    """The same event is the same deed, even when the box has moved on since."""
    await register(yard, model="RB-1", event="e1")
    async with yard.store.begin() as tx:
        await boxes.take_back(yard, tx, RB1, actor="office")
        await stock.restock(yard, tx, RB1, actor="office")
    assert (await register(yard, model="RB-1", event="e1")).state == "in_stock"
    told = await refused(yard, contract="200002", event="e1")
    assert told == "event e1 was something else before"
    assert (await register(yard, event="e2")).is_held


async def test_a_life_over_http(yard, served):
    """Register, activate, swap, return, restock, move, lose, find, scrap: each answers the box."""
    hurry(yard)
    await added(yard, "ben", "technician")
    for serial in (RB1, RB2):
        new = {"serial": serial, "model": "RB-1", "place": "ben"}
        assert (await served.api("POST", "boxes", new))[0] == 201
    order = {
        "serial": RB1,
        "contract": "200001",
        "access": {"address": "10.0.0.7:22", "username": "cpe-1", "password": CANARY},
        "event": "e1",
    }
    status, box = await served.api("POST", "registrations", order)
    assert (status, box["state"], box["contract"]) == (200, "assigned", "200001")
    assert (await yard.logins.access(RB1)).secrets["password"] == CANARY
    steps: tuple[tuple[str, str, dict[str, str], str, str | None], ...] = (
        (RB1, "activate", {}, "active", "200001"),
        (RB1, "swap", {"new": RB2, "condition": "faulty", "place": "ben"}, "assigned", "200001"),
        (RB2, "lost", {}, "lost", "200001"),
        (RB2, "found", {"condition": "damaged", "note": "wet"}, "returned", None),
        (RB2, "restock", {}, "in_stock", None),
        (RB2, "move", {"place": "ben"}, "in_stock", None),
        (RB1, "scrap", {"note": "dead"}, "scrapped", None),
    )
    for serial, deed, body, state, contract in steps:
        status, box = await served.api("POST", f"boxes/{serial}/{deed}", body)
        assert (status, box["state"], box["contract"]) == (200, state, contract), deed
    _, story = await served.api("GET", f"boxes/{RB1}")
    assert {line["actor"] for line in story["history"]} == {"api:first"}
    assert [line["condition"] for line in story["history"]][3:] == ["faulty", None]
    told = [(line["action"], line["contract"], line["note"]) for line in story["history"]]
    assert told == [
        ("register", None, ""),
        ("hand_over", "200001", ""),
        ("activate", "200001", ""),
        ("swap", None, ""),
        ("scrap", None, "dead"),
    ]
    _, page = await served.api("GET", "boxes?place=ben&limit=1")
    assert [(one["serial"], one["state"]) for one in page["items"]] == [(RB1, "scrapped")]
    _, page = await served.api("GET", f"boxes?place=ben&state=in_stock&after={page['next']}")
    assert ([one["serial"] for one in page["items"]], page["next"]) == ([RB2], None)


async def test_a_sample_secret_is_refused_over_http(yard, served):
    """The field is named, the secret is not repeated, and nothing is left of it."""
    order = {
        "serial": "HT2-00026",
        "contract": "200001",
        "access": {"username": CANARY, "password": CANARY},
    }
    status, problem = await served.api("POST", "registrations", order)
    assert (status, problem["field"]) == (400, "password")
    assert CANARY not in json.dumps(problem)
    _, story = await served.api("GET", "boxes/HT2-00026")
    assert (story["box"]["state"], len(story["history"])) == ("in_stock", 1)


async def test_jobs_over_http(yard, served):
    """A job is opened once under its event, listed for whom it is, taken over and closed."""
    hurry(yard)
    await added(yard, "ben", "technician")
    cay = await added(yard, "cay", "technician")
    order = {"kind": "install", "contract": "200001", "assignee": "ben", "event": "e1"}
    _, job = await served.api("POST", "jobs", order)
    assert await served.api("POST", "jobs", order) == (200, job)
    assert (await served.api("POST", "jobs", order | {"contract": "999999"}))[0] == 404
    _, page = await served.api("GET", "jobs?assignee=ben&state=open")
    assert page["items"] == [job]
    _, taken = await served.api("POST", f"jobs/{job['id']}/assign", {"assignee": "cay"})
    assert taken["assignee"] == cay.actor
    _, done = await served.api("POST", f"jobs/{job['id']}/close", {"outcome": "done"})
    assert (done["state"], done["closed_by"]) == ("done", "api:first")
    cancelled = await served.api("POST", f"jobs/{job['id']}/close", {"outcome": "cancelled"})
    assert cancelled[0] == 409
    assert (await served.api("POST", "jobs/nosuch/close", {"outcome": "done"}))[0] == 404


async def test_what_waits_for_a_person_is_listed_over_http(yard, served):
    """Strangers and conflicts are shown; a case is resolved with a sentence."""
    seen = [Sighting(serial=RB1, model="RB-1"), Sighting(serial="HT2-00026", model="HT-9")]
    async with yard.store.begin() as tx:
        await sightings.hear(tx, seen, yard.clock.machine_now())
    _, strangers = await served.api("GET", "strangers")
    assert [one["serial"] for one in strangers["items"]] == [RB1]
    _, reviews = await served.api("GET", "reviews")
    (case,) = reviews["items"]
    assert case["reason"] == "box HT2-00026 is registered as HT-2 and calls itself HT-9"
    decision = {"id": case["id"], "resolution": "the label was wrong"}
    status, done = await served.api("POST", "reviews/resolve", decision)
    assert (status, done["resolved_by"]) == (200, "api:first")
    assert await served.api("GET", "reviews") == (200, {"items": [], "next": None})
    assert (await served.api("POST", "reviews/resolve", decision | {"id": "nosuch"}))[0] == 404


async def test_a_changed_key_is_let_in_by_a_person(yard, served):
    """Decided so, the pinned key is forgotten, once; what is no case of a key is no reason."""
    await register(yard, model="RB-1")
    await yard.logins.pin(RB1, "ssh-ed25519 one")
    with pytest.raises(Conflict):
        await yard.logins.pin(RB1, "ssh-ed25519 two")
    (case,) = (await served.api("GET", "reviews"))[1]["items"]
    assert case["kind"] == "host_key"
    decision = {"id": case["id"], "resolution": "a new board", "forget_key": True}
    assert (await served.api("POST", "reviews/resolve", decision))[0] == 200
    await yard.logins.pin(RB1, "ssh-ed25519 two")
    assert (await served.api("POST", "reviews/resolve", decision))[0] == 200
    assert (await yard.logins.access(RB1)).host_key == "ssh-ed25519 two"
    async with yard.store.read() as tx:
        deeds = await audit.history(tx, f"box:{RB1}")
    assert [one.action for one in deeds if one.action == "box.forget_key"] == ["box.forget_key"]
    async with yard.store.begin() as tx:
        seen = [Sighting(serial=RB1, model="RB-2")]
        await sightings.hear(tx, seen, yard.clock.machine_now())
    wrong = decision | {"id": f"other_model:{RB1}"}
    status, problem = await served.api("POST", "reviews/resolve", wrong)
    assert (status, problem["field"]) == (400, "forget_key")


async def test_who_told_how_to_reach_a_box_is_audited(yard):
    """The audit names what was told, and no secret."""
    await register(yard, model="RB-1", address="10.0.0.7:22", secrets={"password": CANARY})
    async with yard.store.read() as tx:
        deeds = await audit.history(tx, f"box:{RB1}")
    (deed,) = [one for one in deeds if one.action == "box.describe"]
    assert (deed.actor, deed.after) == ("office", "address, password")


async def told_models(house, tmp_path):
    """Import the models."""
    path = tmp_path / "models.csv"
    path.write_text(MODELS + RB_MODEL)
    return await import_paths(house, [path], {})


@pytest.fixture
async def rented(harbour, tmp_path):
    """The demonstration's operator, who rents both models out and is told how serials look."""
    outcome = await told_models(harbour, tmp_path)
    assert outcome.taken
    return harbour


async def test_a_purchase_list_is_taken_whole(rented, tmp_path):
    """Boxes lie where the list says and are reached as it says; the same list again is known."""
    hurry(rented)
    ben = await added(rented, "ben", "technician")
    path = tmp_path / "delivery 7.csv"
    path.write_text(
        f"{LIST}{RB1},,RB-1,,,ben,10.0.0.7:22,cpe-1,{CANARY}-1,{CANARY}-2\n{RB2},,RB-1,,,,,,,\n"
    )
    outcome = await import_boxes(rented, path)
    assert (list(outcome.problems), outcome.new) == ([], {"boxes.csv": 2})
    async with rented.store.read() as tx:
        assert [(await boxes.known(tx, one)).place for one in (RB1, RB2)] == [
            ben.actor,
            "warehouse",
        ]
    access = await rented.logins.access(RB1)
    assert access.address == "10.0.0.7:22"
    assert access.secrets == {
        "username": "cpe-1",
        "password": f"{CANARY}-1",
        "auth_key": f"{CANARY}-2",
    }
    outcome = await import_boxes(rented, path)
    assert (outcome.new, outcome.unchanged) == ({"boxes.csv": 0}, {"boxes.csv": 2})


async def test_no_secret_of_a_list_is_seen_anywhere(rented, tmp_path, capfd):
    """Neither the database nor what an import says, good or bad, holds a secret of the list."""
    path = tmp_path / "list.csv"
    good = f"{RB1},,RB-1,,,,,{CANARY},{CANARY}-1,{CANARY}-2\n"
    path.write_text(LIST + good)
    said = [repr(await import_boxes(rented, path))]
    path.write_text(LIST + good.replace(f"{CANARY}-1", f"{CANARY}-3"))
    outcome = await import_boxes(rented, path)
    (problem,) = outcome.problems
    assert (problem.row, problem.field) == (2, "password")
    path.write_text(f"{LIST}{RB2},,RB-1,,,,,{CANARY},{CANARY},x\n")
    bad = await import_boxes(rented, path)
    assert [one.field for one in bad.problems] == ["auth_key", "password"]
    said += [repr(outcome), repr(bad), *capfd.readouterr()]
    async with rented.store.read() as tx:
        for table in metadata.sorted_tables:
            said += [str(tuple(row)) for row in await tx.rows(select(table))]
    assert f"{CANARY}-" not in "\n".join(said)


async def test_all_problems_of_a_list_come_first(rented, tmp_path):
    """Wrong check digit, unknown model, sample secret: each by row and field; nothing is taken."""
    path = tmp_path / "list.csv"
    rows = (
        "RB00000081,,RB-1,,,,,,,",
        "RB00000026,,RB-9,,,,,,,",
        f"{RB1},,RB-1,,,,,cpe-1,changeme,short",
        "HT2-90001,,HT-2,,,,[2001:db8::zz]:22,,,",
        f"{RB3},,RB-1,,,,,,,",
    )
    path.write_text(LIST + "\n".join(rows) + "\n")
    outcome = await import_boxes(rented, path)
    assert not outcome.taken
    places = [(one.row, one.field) for one in outcome.problems]
    assert places == [
        (2, "serial"),
        (3, "model"),
        (3, "model"),
        (4, "auth_key"),
        (4, "password"),
        (5, "address"),
    ]
    assert "was RB00000018 meant?" in outcome.problems[0].why
    outcome = await import_good_boxes(rented, path)
    assert (outcome.taken, outcome.new) == (True, {"boxes.csv": 1})


async def test_shared_secrets_are_flagged(rented, tmp_path):
    """Boxes with one secret between them are named by their rows; they are taken all the same."""
    path = tmp_path / "list.csv"
    path.write_text(
        f"{LIST}{RB1},,RB-1,,,,,cpe-1,{CANARY},\n{RB2},,RB-1,,,,,cpe-2,{CANARY},\n"
        f"{RB3},,RB-1,,,,,cpe-3,another-one,\n"
    )
    outcome = await import_boxes(rented, path)
    assert outcome.taken
    (warning,) = outcome.warnings
    assert str(warning) == (
        "list.csv, row 2: password: the boxes of rows 2-3 have the same: "
        "give each a secret of its own"
    )


async def test_secrets_come_later_once(rented, tmp_path):
    """A list may bring the secrets of boxes it had none for; from then on they are known."""
    path = tmp_path / "list.csv"
    path.write_text(f"{LIST}{RB1},,RB-1,,,,,,,\n")
    await import_boxes(rented, path)
    path.write_text(f"{LIST}{RB1},,RB-1,,,,,,{CANARY},\n")
    assert (await import_boxes(rented, path)).taken
    assert (await rented.logins.access(RB1)).secrets == {"password": CANARY}
    path.write_text(f"{LIST}{RB1},,RB-1,,,,,,another-one,\n")
    (problem,) = (await import_boxes(rented, path)).problems
    assert problem.why.startswith("password changed since it was imported")


async def test_models_may_change_and_are_known_again(harbour, tmp_path):
    """The same file again is known; another maker is written over."""
    await told_models(harbour, tmp_path)
    assert (await told_models(harbour, tmp_path)).unchanged == {"models.csv": 2}
    (tmp_path / "models.csv").write_text(f"{MODELS}RB-1,Another,luhn,RB,\n")
    outcome = await import_paths(harbour, [tmp_path / "models.csv"], {})
    assert outcome.new == {"models.csv": 1}
    async with harbour.store.read() as tx:
        assert (await models.load(tx))["RB-1"].maker == "Another"
