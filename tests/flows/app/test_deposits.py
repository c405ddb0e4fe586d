"""Deposits that wait for a person, credit notes that explain themselves, jobs nobody opened."""

from __future__ import annotations

import re

import pytest
from lxml import html

from app.cli.explaining import explained
from app.desk import household
from billing.reads import credit_notes, explaining
from runtime.store import audit
from tests.flows.app.served import at_work, rest
from tests.flows.app.visitor import let_in

FLAT = "300001"
BOX, OTHER = "RB45194826", "RB09916149"


@pytest.fixture
async def flat(harbour, served):
    """A household that rents a box with a deposit since today; the product is at work."""
    async with at_work(harbour):
        order = {"contract": FLAT, "name": "Flat 1", "plan": "HARBOUR"}
        assert (await served.api("POST", "accounts", order))[0] == 201
        await register(served, BOX)
        yield served


async def register(served, serial: str) -> None:
    """Give the household a box."""
    order = {"serial": serial, "contract": FLAT}
    assert (await served.api("POST", "registrations", order))[0] == 200
    await rest(served.house, "settle", "compose")


async def come_back(served, serial: str, condition: str) -> None:
    """Take a box back."""
    path = f"boxes/{serial}/return"
    assert (await served.api("POST", path, {"condition": condition, "note": "fell"}))[0] == 200
    await rest(served.house, "settle", "compose")


async def waiting(served) -> list[str]:
    """Tell for which boxes a deposit waits for a person."""
    _, page = await served.api("GET", "deposits?waiting=true")
    return [one["rental"]["serial"] for one in page["items"]]


async def rented(served, serial: str):
    """Tell of the newest rental of a box."""
    _, account = await served.api("GET", f"accounts/{FLAT}")
    return next(one for one in account["rentals"] if one["serial"] == serial)


async def page_of(served) -> str:
    """Read the household's page, in one line."""
    page = await (await let_in(served)).get(f"/console/accounts/{FLAT}")
    return " ".join(" ".join(html.fromstring(page.text).itertext()).split())


async def test_a_person_gives_a_deposit_back(flat):
    """Held since the day it was charged, it waits when the box is back damaged; a part is kept."""
    one = await rented(flat, BOX)
    assert (one["deposit"]["text"], one["deposit_waiting"]) == ("10.00", False)
    assert one["deposit_since"] == one["since"]
    assert "10.00 EUR held as a deposit since" in await page_of(flat)
    assert await waiting(flat) == []
    release = f"deposits/{one['id']}/release"
    status, problem = await flat.api("POST", release, {"keep": "2.50"})
    assert (status, problem["detail"]) == (
        409,
        f"the deposit of {BOX} is held while its household has the box: take it back",
    )
    await come_back(flat, BOX, "scrap")
    assert await waiting(flat) == [BOX]
    assert f"{BOX} came back damaged" in await page_of(flat)
    assert "a person has to decide about it" in await page_of(flat)
    status, problem = await flat.api("POST", release, {"keep": "10.01"})
    assert (status, problem["field"]) == (400, "keep")
    assert "between 0.00 EUR and 10.00 EUR" in problem["detail"]
    for _ in range(2):
        status, done = await flat.api("POST", release, {"keep": "2.50", "reason": "screen"})
        assert (status, done["kept"]["text"], done["freed"]["text"]) == (200, "2.50", "7.50")
    status, problem = await flat.api("POST", release, {"keep": "0"})
    assert (status, problem["detail"]) == (
        409,
        f"of the deposit of {BOX} 2.50 EUR was kept already",
    )
    await rest(flat.house, "settle")
    assert await waiting(flat) == []
    assert (await rented(flat, BOX))["deposit"]["text"] == "0.00"
    async with flat.house.store.read() as tx:
        deeds = await audit.history(tx, f"contract:{FLAT}")
    (deed,) = [one for one in deeds if one.action == "deposit.release"]
    assert (deed.actor, deed.reason, deed.before, deed.after) == (
        "api:first",
        "screen",
        f"10.00 EUR held for {BOX}",
        "2.50 EUR kept, 7.50 EUR given back",
    )


async def test_a_deposit_that_nobody_can_decide_about_says_why(flat):
    """Given back on a good return, or of no rental at all: each is a sentence."""
    one = await rented(flat, BOX)
    await come_back(flat, BOX, "faulty")
    status, problem = await flat.api("POST", f"deposits/{one['id']}/release", {})
    assert (status, problem["detail"]) == (
        409,
        f"the deposit of {BOX} was given back when the box came back",
    )
    assert (await flat.api("POST", "deposits/nosuch/release", {}))[0] == 404
    status, problem = await flat.api("POST", f"boxes/{OTHER}/return", {"condition": "wet"})
    assert (status, problem["field"]) == (400, "condition")
    assert "'good', 'faulty', 'damaged' or 'scrap'" in problem["detail"]


async def test_a_credit_note_explains_itself(flat):
    """Of each line it tells what was charged, for which days, what stays and what is given back:
    by command, over the API and on the console.
    """
    await come_back(flat, BOX, "good")
    _, account = await flat.api("GET", f"accounts/{FLAT}")
    (short,) = account["credit_notes"]
    status, note = await flat.api("GET", f"credit-notes/{short['number']}")
    assert (status, note) == (200, short)
    assert (await flat.api("GET", "credit-notes/CRN-99999999"))[0] == 404
    rent = next(one for one in note["lines"] if one["rate"]["text"] == "4.00")
    assert rent["days"] + rent["used_days"] == rent["charged_days"] == rent["of_days"]
    assert rent["charged"]["amount_minor"] >= rent["amount"]["amount_minor"]
    (tax,) = note["taxes"]
    assert tax["net"] == rent["amount"]
    async with flat.house.store.read() as tx:
        view = await credit_notes.view(tx, note["number"])
        told = list(explained(view))
        whole = list(explained(await household.view(tx, FLAT)))
    assert (
        told[0] == f"credit note {note['number']} of {note['issued_on']}: {view.total} given back"
    )
    days, of = rent["days"], rent["of_days"]
    line = next(one for one in told if "days back" in one)
    assert f"{days} days back: 4.00 EUR charged for {of}/{of} days of 4.00 EUR" in line
    assert f"tax standard; line {rent['line']} of INV-" in line
    assert any("10.00 EUR charged once" in one for one in told)
    assert any(one.endswith(f"standard 20% of {view.lines[0].amount}") for one in told)
    # Who sold is told with the document, not again with all there is of a household.
    assert {one for one in told if not one.startswith("  sold by")} <= set(whole)
    shown = await page_of(flat)
    assert f"{note['number']} " in shown
    assert re.search(r"line \d of INV-\d+: 4\.00 charged, \d\.\d\d stays for \d+/\d+", shown)


async def test_each_line_is_explained_wherever_it_is_asked_for(flat):
    """A line tells its record, that it computes again, and its cause: by API, page and command."""
    await come_back(flat, BOX, "good")
    _, account = await flat.api("GET", f"accounts/{FLAT}")
    note = account["credit_notes"][0]
    lines = [one for one in note["lines"] if one["rate"]["text"] == "4.00"]
    name = f"{lines[0]['invoice']}.{lines[0]['line']}"
    status, line = await flat.api("GET", f"lines/{name}")
    assert (status, line["agrees"], line["executed"]) == (200, True, line["amount"])
    assert (line["sources"][0]["kind"], BOX in line["sources"][0]["detail"]) == ("rental", True)
    assert line["given_back"][0]["credit_note"] == note["number"]
    assert line["tax_group"]["tax"] == "standard"
    page = await (await let_in(flat)).get(f"/console/accounts/{FLAT}")
    assert f'href="/console/lines/{name}"' in page.text
    shown = (await (await let_in(flat)).get(f"/console/lines/{name}")).text
    assert "computes again" in shown
    assert BOX in shown
    async with flat.house.store.read() as tx:
        told = list(explained(await explaining.line(tx, name)))
    assert told[-1].endswith(f"from the record: {line['executed']['text']} EUR, agrees")
    assert any(one.startswith("  given back: ") and note["number"] in one for one in told)
    status, problem = await flat.api("GET", f"lines/{note['number']}.99")
    assert (status, "no line" in problem["detail"]) == (404, True)


async def test_a_job_opens_where_a_box_is_missing(flat):
    """Nobody opened it, anybody may take it; the console shows it, and a box ends it."""
    _, page = await flat.api("GET", "jobs?state=open")
    assert FLAT not in {one["contract"] for one in page["items"]}
    await come_back(flat, BOX, "good")
    _, page = await flat.api("GET", "jobs?state=open")
    (job,) = [one for one in page["items"] if one["contract"] == FLAT]
    assert (job["kind"], job["assignee"], job["opened_by"]) == ("install", "", "inventory")
    assert "Install a box anybody" in await page_of(flat)
    assert "has 0 of 1 boxes" in (await (await let_in(flat)).get("/console/")).text
    await register(flat, OTHER)
    _, page = await flat.api("GET", "jobs?state=done")
    assert [(one["id"], one["closed_by"]) for one in page["items"]] == [(job["id"], "inventory")]
    assert "Install a box" not in await page_of(flat)


async def test_a_deposit_is_decided_on_the_page_of_its_household(flat):
    """A cashier keeps a part, told once on the page and named in the audit; support may not."""
    one = await rented(flat, BOX)
    await come_back(flat, BOX, "scrap")
    page, path = f"/console/accounts/{FLAT}", f"/console/accounts/{FLAT}/deposit"
    cashier, support = await let_in(flat, "cashier"), await let_in(flat, "support")
    waits = (await cashier.get("/console/waiting")).text
    assert f'href="{page}#h-rented"' in waits
    assert f'action="{path}"' not in (await support.get(page)).text
    form = {"rental": one["id"], "keep": "2,50", "reason": "screen"}
    assert (await support.post(path, once="k", **form)).status == 403
    assert f'action="{path}"' in (await cashier.get(page)).text
    elsewhere = "/console/accounts/200001/deposit"
    refused = await cashier.post(elsewhere, once="k", **form)
    assert "it is not of contract 200001" in (await cashier.get(refused.location)).text
    for _ in range(2):
        done = await cashier.post(path, once="k", **form)
        told = (await cashier.get(done.location)).text
        assert f"Of the deposit of {BOX} 2.50 EUR is kept, 7.50 EUR given back." in told
    async with flat.house.store.read() as tx:
        deeds = await audit.history(tx, f"contract:{FLAT}")
    (deed,) = [one for one in deeds if one.action == "deposit.release"]
    assert (deed.actor.partition(":")[0], deed.reason) == ("person", "screen")
    await rest(flat.house, "settle")
    assert await waiting(flat) == []
