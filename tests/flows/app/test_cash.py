"""The cash desk by every door: a shift from opening to its report, receipts, who did what."""

from __future__ import annotations

import asyncio
import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.desk import business, cash
from app.desk.verifying import rules_of, verify
from app.identity import deeds as deeds_of_people
from app.identity import people
from app.identity.deeds import NewPerson
from app.imports import memory
from app.settings import Settings
from app.wiring import build, closing
from billing.reads import cash as reading
from runtime.store.audit import audit
from terms.errors import NotFound
from tests.flows.app.guest import household
from tests.flows.app.served import Served, serving
from tests.flows.app.visitor import Visitor, let_in

A = "200001"
DEEDS = [
    *["till.set_up"] * 5,
    *("shift.open", "payment.cash", "payment.refund", "shift.paid_out"),
    *("shift.count", "shift.recount", "shift.count", "shift.close"),
    *("receipt.print", "receipt.print", "till.retire"),
]


@pytest.fixture
async def house(migrated_url, tmp_path, machine):
    """A house with a household, on either engine."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    async with closing(build(settings, machine_now=machine)) as built:
        await household(built, A)
        yield built


@pytest.fixture
async def served(house):
    """That house behind its web server."""
    async with serving(house) as made:
        yield made


async def operated(house) -> None:
    """Have an operator, whose currency is euros."""
    cells = {"name": "TV", "currency": "EUR", "zone": "UTC", "locale": "en", "country": "MT"}
    async with house.store.begin() as tx:
        await memory.remember(tx, business.FILE, [("operator", cells)])


async def deeds(house) -> list[str]:
    """List what was done at the desk."""
    async with house.store.read() as tx:
        rows = await tx.rows(select(audit).order_by(audit.c.position))
    found = [(row.action, row.actor) for row in rows]
    return [
        name
        for name, actor in found
        if actor and name.partition(".")[0] in {"till", "shift", "payment", "receipt"}
    ]


async def asked(served: Served, path: str, **body: object) -> dict[str, Any]:
    """Ask for something that is done."""
    status, told = await served.api("POST", path, body)
    assert status in {200, 201}, (path, told)
    return told


async def no(served: Served, path: str, **body: object) -> tuple[int, str]:
    """Ask for something that is refused; returns how, and which field is wrong."""
    status, told = await served.api("POST", path, body)
    return status, told.get("field", "")


async def test_a_shift_over_the_api(house, served):
    """Each deed is in the audit; the report adds up; what is not possible is said by its field."""
    ask, refused = partial(asked, served), partial(no, served)
    await ask("tills", name="main", place="Desk", tolerance="0.50 EUR")
    assert (await ask("tills", name="main", place="Front desk"))["tolerance_minor"] == 50
    assert (await ask("tills", name="main", tolerance="0.60 EUR"))["place"] == "Front desk"
    assert (await ask("tills", name="main", place="", tolerance="0"))["tolerance_minor"] == 0
    assert (await ask("tills", name="main", tolerance="0.50 EUR"))["place"] == ""
    assert await refused(f"accounts/{A}/payments", amount="5.00", reference="R-1") == (409, "")
    assert [await refused("shifts", till="main", float=[one]) for one in ("100,00", "0")] == [
        (400, "float.0"),
        (400, "float"),
    ]
    assert await refused("shifts", till="none") == (404, "till")
    assert await refused("shifts", till="main", float=["3000 JPY"]) == (400, "currency")
    await household(house, "200002", currency="JPY")  # now somebody has it
    opened = await ask("shifts", till="main", float=["100.00 EUR", "3000 JPY"])
    assert (opened["name"], opened["state"]) == ("main-1", "open")
    assert await refused("shifts", till="main") == (409, "")
    taken = await ask(f"accounts/{A}/payments", amount="5.00", reference="R-1")
    assert taken == {"taken": True, "receipt": "RCT-00000001"}
    await ask(
        f"accounts/{A}/refunds", payment="R-1", amount="2.00", reason="too much", reference="B-1"
    )
    await ask("shifts/move", kind="paid_out", amount="50.00 EUR", reason="to the safe")
    assert await refused("shifts/move", kind="paid_out", amount="99 EUR", reason="x") == (409, "")
    assert await refused("shifts/move", kind="float", amount="9 EUR", reason="x") == (400, "kind")
    for kind in ("paid_in", "paid_out"):
        how = await refused("shifts/move", kind=kind, amount="5.00 ZZZ", reason="x")
        assert how == (400, "currency")
    counts = ["52.00 EUR", "3000 JPY", "0 ZZZ"]
    assert await refused("shifts/main-1/count", counts=counts) == (400, "currency")
    assert await refused("shifts/main-1/count", counts=["53.00 EUR"]) == (400, "counts")
    wrong = await ask("shifts/main-1/count", counts=["52.00 EUR", "3000 JPY"])
    assert (wrong["shift"]["state"], wrong["counted"][0]["difference"]["text"]) == (
        "counted",
        "-1.00",
    )
    assert await refused("shifts/main-1/approve") == (403, "")
    await ask("shifts/main-1/recount")
    await ask("shifts/main-1/count", counts=["52.00 EUR", "3000 JPY"])
    olga = await let_in(served)
    sent = await olga.post("/console/cash/approve", shift="main-1", once="a1", reason="seen")
    shown = (await olga.get(sent.location)).text
    assert "Shift main-1 is closed" in shown
    assert "Z report" in shown
    await report_of_a_shift(served)
    for prints in (1, 2):
        assert (await ask("receipts/RCT-00000001/print"))["prints"] == prints
    await ask("tills/main/retire")
    assert await deeds(house) == DEEDS


async def report_of_a_shift(served: Served) -> None:
    """Read the Z report of that shift, its receipts and its till."""
    report = (await served.api("GET", "shifts/main-1"))[1]
    assert report["shift"]["state"] == "closed"
    euros = report["totals"][0]
    assert {one["kind"]: one["amount"]["text"] for one in euros["kinds"]} == {
        "float": "100.00",
        "taken": "5.00",
        "given": "-2.00",
        "paid_out": "-50.00",
    }
    assert (euros["expected"]["text"], euros["difference"]["text"]) == ("53.00", "-1.00")
    assert (report["first_receipt"], report["last_receipt"]) == ("RCT-00000001", "RCT-00000002")
    receipts = (await served.api("GET", f"accounts/{A}/receipts"))[1]["items"]
    assert [one["kind"] for one in receipts] == ["refund", "payment"]
    judged = await verify(served.house, rules_of(["I11"]), lambda _: None, offences_max=1)
    assert [one.verdict.says for one in judged if not one.verdict.holds] == []
    _, refund = await served.api("GET", "receipts/RCT-00000002")
    assert (refund["of_payment"], refund["seller"]) == ("R-1", None)
    assert (await served.api("GET", "receipts/RCT-00000009"))[0] == 404
    assert [one["name"] for one in (await served.api("GET", "tills"))[1]] == ["main"]
    assert len((await served.api("GET", "shifts?till=main"))[1]["items"]) == 1
    async with served.house.store.read() as tx:
        assert await reading.shifts(tx, behind=await reading.place_of(tx, "main-1")) == []
        with pytest.raises(NotFound, match="main-9"):
            await reading.place_of(tx, "main-9")


async def said(visitor: Visitor, path: str, once: str, **form: str) -> str:
    """Send a form of the cash desk and read what is said of it."""
    sent = await visitor.post(path, **{"once": once, "reason": "", **form})
    assert sent.status == 303, sent.text[:400]
    found = re.search(r'role="status">([^<]*)<', (await visitor.get(sent.location)).text)
    return found[1] if found else ""


async def receipt_on_the_pages(carla: Visitor) -> None:
    """Find that receipt from the household and by its number, and print it twice."""
    receipt = "/console/receipts/RCT-00000001"
    for page in (f"/console/accounts/{A}", "/console/search?q=rct-00000001"):
        assert f'href="{receipt}"' in (await carla.get(page)).text
    shown = (await carla.get(receipt)).text
    assert "Prepare the original" in shown
    assert "<dt>Operator</dt><dd>TV</dd>" in shown  # nobody has told who sells
    first = (await carla.post(f"{receipt}/print", once="c4", reason="")).text
    assert "COPY" not in first
    assert "COPY 1" in (await carla.post(f"{receipt}/print", once="c5", reason="")).text


async def test_a_shift_on_the_pages(house, served):
    """An owner sets a till up, a cashier has a shift; a receipt printed again is a copy."""
    await operated(house)
    olga, carla = await let_in(served), await let_in(served, "cashier")
    for one in (olga, carla):
        await one.get("/console/cash")
    desk = "/console/cash"
    assert (await carla.post(f"{desk}/till", till="main", once="x")).status == 403
    told = await said(olga, f"{desk}/till", "o0", till="main", tolerance="0,05 EUR")
    assert "Till main is set up" in told
    told = await said(olga, f"{desk}/till", "o1", till="main", place="Door")
    assert "Till main is changed: Door, 0.05 EUR" in told
    assert "0.05 EUR" in (await olga.get(desk)).text
    pay = f"/console/accounts/{A}/cash"
    sent = await carla.post(pay, once="c0", reason="", amount="5.00")
    shown = (await carla.get(sent.location)).text
    assert "No shift of yours" in shown
    assert f'<a class="whole" href="{desk}"' in shown
    assert "main-1 is open" in await said(carla, f"{desk}/open", "c1", till="main", float="20 EUR")
    assert "receipt RCT-00000001" in await said(carla, pay, "c2", amount="5,00")
    told = await said(
        carla, f"{desk}/move", "c3", kind="paid_in", amount="1.50 EUR", reason="change"
    )
    assert "from the safe" in told
    shown = (await carla.get(desk)).text
    assert "26.50 EUR" in shown
    assert "RCT-00000001" in shown
    await receipt_on_the_pages(carla)
    waits = await said(carla, f"{desk}/count", "c6", shift="main-1", counts="26.40 EUR")
    assert "a second person" in waits
    page = (await carla.get(f"{desk}/shifts/main-1")).text
    assert "Close it as counted" not in page
    shown = (await carla.get(desk)).text
    assert "No till is free" in shown
    assert "waits for a second person: somebody who neither sat there nor counted" in shown
    assert "Close it as counted" in (await olga.get(f"{desk}/shifts/main-1")).text
    again = await said(carla, f"{desk}/recount", "c7", shift="main-1")
    assert "open again" in again
    closed = await said(carla, f"{desk}/count", "c8", shift="main-1", counts="26.50 EUR")
    assert "Shift main-1 is closed; it differs by 0.00 EUR." in closed
    assert "data:text/csv;base64," in (await olga.get(f"{desk}/shifts/main-1")).text
    assert "is retired" in await said(olga, f"{desk}/retire", "o2", till="main")
    assert (await olga.get(f"{desk}/shifts/main-2")).status == 404


async def test_the_drawer_of_somebody_who_is_gone_is_counted_by_another(house, served):
    """A shift stays open when its cashier may not come in any more: its page lets others count it,
    says whose it is, and is for whoever may take money.
    """
    await operated(house)
    olga, carla = await let_in(served), await let_in(served, "cashier")
    other, desk = await let_in(served, "cashier", "other"), "/console/cash"
    support = await let_in(served, "support")
    for one in (olga, carla, other, support):
        await one.get(desk)
    await said(olga, f"{desk}/till", "o0", till="main")
    await said(carla, f"{desk}/open", "c0", till="main", float="20 EUR")
    async with house.store.begin() as tx:
        (gone,) = [one for one in await people.listing(tx) if one.name == "cashier"]
        await deeds_of_people.disable(house.keeper, tx, gone, "test")
    shown = await other.get(f"{desk}/shifts/main-1")
    assert f'action="{desk}/count"' in shown.text
    assert "This is the drawer of Cashier: you count it in their place." in shown.text
    assert f'action="{desk}/count"' not in (await support.get(f"{desk}/shifts/main-1")).text
    told = await said(other, f"{desk}/count", "x0", shift="main-1", counts="20 EUR")
    assert "Shift main-1 is closed" in told
    assert f'action="{desk}/count"' not in (await other.get(f"{desk}/shifts/main-1")).text


def test_the_command_line_calls_a_cashier_by_name(boxoffice, tmp_path, sqlite_url):
    """Lists and reports tell whose shift it is as people do; JSON keeps the id."""
    assert boxoffice("cash", "till", "main")[0] == 0
    cashier = asyncio.run(_open_as_carla(tmp_path / "data", sqlite_url))
    code, shifts, _ = boxoffice("cash", "shifts")
    assert (code, "Carla" in shifts, cashier in shifts) == (0, True, False)
    code, report, _ = boxoffice("cash", "report", "main-1")
    assert (code, report.startswith("Shift main-1 of Carla, open")) == (0, True)
    assert json.loads(boxoffice("cash", "shifts", "--json")[1])[0]["cashier"] == cashier


async def _open_as_carla(data: Path, url: str) -> str:
    """Have a person open a shift, and tell how she is written down."""
    async with closing(build(Settings(data_dir=data, database_url=url))) as house:
        async with house.store.begin() as tx:
            new = NewPerson(name="carla", display="Carla", role="cashier")
            one = await deeds_of_people.add(house.keeper, tx, new, "no hash", "test")
            await cash.open_shift(house, tx, "main", [], actor=one.actor)
        return one.actor
