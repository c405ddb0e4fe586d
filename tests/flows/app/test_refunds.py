"""Refunds of two, from every side: asked for here, let go or declined there, told everywhere."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.desk import refunds
from app.desk.verifying import rules_of, verify
from app.identity import people, tokens
from app.identity.tokens import Scope
from app.settings import Settings
from app.wiring import build, closing
from billing.flows.publish import Publication, publish
from billing.payments.refunds import Alone
from runtime.store.audit import audit
from terms.errors import Invalid
from tests.flows.app.guest import household
from tests.flows.app.served import serving
from tests.flows.app.test_household_page import said
from tests.flows.app.visitor import Visitor, let_in

A = "200001"
REFUNDS, WAITING = f"accounts/{A}/refunds", "/console/waiting"
PAGE = f"/console/accounts/{A}"


@pytest.fixture
async def house(migrated_url, tmp_path, machine):
    """A house in which one person gives back 10.00 alone, and a household that has paid 50.00."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    async with closing(build(settings, machine_now=machine)) as built:
        await household(built, A)
        async with built.store.begin() as tx:
            alone = Alone(up_to_minor={"EUR": 1000})
            now = await built.clock.business_now(tx)
            await publish(tx, Publication(zone="UTC", alone=alone), now)
        yield built


@pytest.fixture
async def served(house):
    """That house behind its web server; the money is there."""
    async with serving(house) as made:
        paid = {"amount": "50.00", "reference": "R-1"}
        assert (await made.api("POST", f"accounts/{A}/payments", paid))[0] == 201
        yield made


async def asked(served, reference: str, amount: str):
    """Ask for a refund over the API."""
    body = {"payment": "R-1", "amount": amount, "reason": "two dark weeks", "reference": reference}
    status, made = await served.api("POST", REFUNDS, body)
    assert status == 201, made
    return made


async def another_token(served, name: str, *, later: timedelta = timedelta(0)) -> str:
    """Make a token as the command line does."""
    now, chance = served.house.clock.machine_now() + later, served.house.chance
    async with served.house.store.begin() as tx:
        return await tokens.add(tx, name, Scope.WRITE, actor="test", chance=chance, now=now)


async def deeds(house) -> list[tuple[str, str, str]]:
    """List what was done to refunds and wallets, and what of it is true since."""
    async with house.store.read() as tx:
        rows = await tx.rows(select(audit).order_by(audit.c.position))
    kinds = {"payment.refund", "refund.release", "refund.decline", "wallet.pay_out"}
    return [(row.action, row.after, row.reason) for row in rows if row.action in kinds]


async def test_over_the_api_another_token_or_person_decides(house, served):
    """What waits is listed page by page; who asked is refused, and once decided it is told so."""
    held, other = await asked(served, "B-1", "12.00"), await asked(served, "B-2", "13.00")
    assert (held["state"], held["owed_again"], held["decided_at"]) == ("waiting", True, None)
    assert (await asked(served, "B-1", "12.00"))["id"] == held["id"]
    first = (await served.api("GET", "refunds/waiting?limit=1"))[1]
    rest = (await served.api("GET", f"refunds/waiting?after={first['next']}"))[1]
    listed = first["items"] + rest["items"]
    assert {one["reference"]: one["amount"]["text"] for one in listed} == {
        "B-1": "12.00",
        "B-2": "13.00",
    }
    assert {(one["contract"], one["payment"], one["asked_by"]) for one in listed} == {
        (A, "R-1", held["asked_by"])
    }
    path = f"refunds/{held['id']}"
    for way, body in (("release", {}), ("decline", {"reason": "no"})):
        status, told = await served.api("POST", f"{path}/{way}", body)
        assert (status, "second person" in told["detail"]) == (403, True)
    assert (await served.api("POST", f"{path}/decline", {}))[1]["field"] == "reason"
    assert (await served.api("POST", "refunds/nobody/release", {}))[0] == 404
    carla = await let_in(served, "cashier")
    await carla.get(WAITING)
    told = await said(carla, f"{WAITING}/refunds/release", id=held["id"])
    assert told == "12.00 EUR is given back: whoever asked for it hands it over."
    told = await said(carla, f"{WAITING}/refunds/release", id=held["id"])
    assert "nothing changed" in told
    told = await said(carla, f"{WAITING}/refunds/decline", id=other["id"], reason="not agreed")
    assert told == "13.00 EUR is declined: nothing goes back."
    # Whoever asks again hears what was decided, and a program may look up by whom.
    status, (again,) = await served.api("POST", f"{path}/release", {})
    assert (status, again["state"], again["decided_by"][:7]) == (200, "done", "person:")
    assert (await asked(served, "B-2", "13.00"))["decided_why"] == "not agreed"
    status, told = await served.api("POST", f"refunds/{other['id']}/release", {})
    assert (status, told["detail"]) == (409, "the refund was declined: ask for another")
    states = {
        one["reference"]: one["state"] for one in (await served.api("GET", REFUNDS))[1]["items"]
    }
    assert states == {"B-1": "done", "B-2": "declined"}
    assert again["receipt"] == "RCT-00000002"
    assert await deeds(house) == [
        ("payment.refund", "12.00 EUR waits for a second person", "two dark weeks"),
        ("payment.refund", "13.00 EUR waits for a second person", "two dark weeks"),
        ("refund.release", "12.00 EUR goes back", ""),
        ("refund.decline", "13.00 EUR stays here", "not agreed"),
    ]
    judged = await verify(house, rules_of(["I4", "I8", "I11"]), lambda _: None, offences_max=1)
    assert [one.verdict.says for one in judged if not one.verdict.holds] == []


async def test_all_of_a_payment_goes_where_no_amount_is_said_and_nothing_for_an_empty_one(served):
    """Over the API what is left out, or null, is all; on the page it is a field left empty."""
    asks = {"payment": "R-1", "reason": "moves away", "reference": "B-1"}
    for amount in ("", " "):
        status, told = await served.api("POST", REFUNDS, asks | {"amount": amount})
        assert (status, told["field"]) == (400, "amount")
    assert (await served.api("GET", REFUNDS))[1]["items"] == []
    with pytest.raises(Invalid, match=r"^amount: not an amount"):
        async with served.house.store.begin() as tx:
            named = {"reason": "r", "reference": "B-1", "actor": "x:y"}
            await refunds.give_back(served.house, tx, A, "R-1", amount="", **named)
    _, held = await served.api("POST", REFUNDS, asks)
    status, again = await served.api("POST", REFUNDS, asks | {"amount": None})
    assert (status, again["id"], again["amount"]["text"]) == (201, held["id"], "50.00")
    body = {"reason": "asked once more"}
    served.token = await another_token(served, "second")
    assert (await served.api("POST", f"refunds/{held['id']}/decline", body))[0] == 200
    olga = await let_in(served)
    form = {"payment": "cash R-1", "owed_again": "yes", "reason": "moves away", "amount": ""}
    await olga.get(PAGE)
    told = await said(olga, f"{PAGE}/refund", once="o1", **form)
    assert told == "50.00 EUR waits for a second person: nothing has left."


async def test_why_it_was_let_go_is_told_and_why_it_cannot_be(served):
    """By the field that stands in the way, in a sentence."""
    held, other = await asked(served, "B-1", "30.00"), await asked(served, "B-2", "40.00")
    served.token = await another_token(served, "second")
    body = {"reason": "seen the contract"}
    status, (done,) = await served.api("POST", f"refunds/{held['id']}/release", body)
    assert (status, done["state"], done["decided_why"]) == (200, "done", "seen the contract")
    status, told = await served.api("POST", f"refunds/{other['id']}/release", {})
    assert (status, told["field"]) == (409, "amount")
    assert told["detail"] == (
        "it cannot go as it was asked for: the amount must be above nothing and no more than"
        " 20.00 EUR, which is left of R-1"
    )


async def offered(visitor: Visitor) -> tuple[int, int, list[str]]:
    """Count how many refunds can be given back and declined on the page; name who is gone."""
    page = (await visitor.get(WAITING)).text
    gone = re.findall(r"cannot be given back: (.+) may not take money any more\. Decline it", page)
    return page.count("Give it back"), page.count("Nothing goes back"), gone


async def test_what_one_asked_who_may_not_any_more_is_declined(served):
    """A token that was revoked, a person who was disabled or does other things now: nothing of
    theirs goes back, and a new token of the name has asked for nothing.
    """
    house = served.house
    held = await asked(served, "B-1", "12.00")
    carla, olga = await let_in(served, "cashier"), await let_in(served)
    form = {"payment": "cash R-1", "owed_again": "yes", "reason": "moves away"}
    await carla.get(PAGE)
    told = await said(carla, f"{PAGE}/refund", once="c1", amount="13.00", **form)
    assert "waits for a second person" in told
    items = (await served.api("GET", "refunds/waiting"))[1]["items"]
    theirs = next(one for one in items if one["id"] != held["id"])
    await olga.get(WAITING)

    async def let_go(key: str) -> str:
        return await said(olga, f"{WAITING}/refunds/release", id=key)

    assert await offered(olga) == (2, 2, [])
    async with house.store.begin() as tx:
        person = await people.find(tx, "cashier")
        await people.set_disabled(tx, person.id, house.clock.machine_now())
    assert await offered(olga) == (1, 2, ["Cashier"])
    assert "may not any more: decline it" in await let_go(theirs["id"])
    async with house.store.begin() as tx:
        await people.set_disabled(tx, person.id, None)
        await people.set_role(tx, person.id, "support")
    assert await offered(olga) == (1, 2, ["Cashier"])
    assert "may not any more: decline it" in await let_go(theirs["id"])
    async with house.store.begin() as tx:
        await people.set_role(tx, person.id, "cashier")
    assert await offered(olga) == (2, 2, [])
    assert (await let_go(theirs["id"])).startswith("13.00 EUR is given back")
    async with house.store.begin() as tx:
        await tokens.revoke(tx, "first", actor="test", now=house.clock.machine_now())
    assert "may not any more: decline it" in await let_go(held["id"])
    await another_token(served, "first", later=timedelta(seconds=1))
    assert await offered(olga) == (0, 1, ["api:first"])
    assert "may not any more: decline it" in await let_go(held["id"])
    told = await said(olga, f"{WAITING}/refunds/decline", id=held["id"], reason="the token leaked")
    assert told == "12.00 EUR is declined: nothing goes back."


async def test_on_the_pages_who_asked_waits_for_somebody_else(served):
    """The form says how much one gives alone; who asked has no button, support has none either."""
    olga, carla = await let_in(served), await let_in(served, "cashier")
    form = {"payment": "cash R-1", "owed_again": "yes", "reason": "moves away"}
    page = (await olga.get(PAGE)).text
    assert "More than 10.00 EUR of one person within 24 hours" in page
    told = await said(olga, f"{PAGE}/refund", once="o1", amount="10,01", **form)
    assert told == "10.01 EUR waits for a second person: nothing has left."
    shown = (await olga.get(WAITING)).text
    assert "another person decides" in shown
    assert "Nothing goes back" not in shown
    assert "Owner asked for it" in shown
    assert "1 refund" in (await olga.get("/console/")).text
    assert "waits for a second person" in (await olga.get(PAGE)).text
    sam = await let_in(served, "support")
    shown = (await sam.get(WAITING)).text
    assert "10.01 EUR" in shown
    assert "Nothing goes back" not in shown
    assert (await sam.post(f"{WAITING}/refunds/release", id="x")).status == 403
    wallet = f"{PAGE}/wallet/pay-out"
    await carla.get(f"{PAGE}/wallet")
    told = await said(carla, wallet, once="c1", amount="20,00", reason="asked for")
    assert told == "20.00 EUR waits for a second person: nothing has left."
    shown = (await carla.get(WAITING)).text
    assert "Out of the wallet" in shown
    key = shown.split('name="id" value="')[1].split('"')[0]
    assert "is given back" in await said(carla, f"{WAITING}/refunds/release", id=key)
    shown = (await olga.get(PAGE)).text
    assert "let go by Cashier" in shown
    assert 'href="/console/receipts/RCT-00000002"' in shown
    key = (await olga.get(WAITING)).text.split('name="id" value="')[1].split('"')[0]
    assert (await olga.post(f"{WAITING}/refunds/decline", id=key)).status == 400
    told = await said(olga, f"{WAITING}/refunds/decline", id=key, reason="he owes us")
    assert "is declined" in told
    assert "declined by Owner: he owes us" in (await olga.get(PAGE)).text
    assert "Refunds" not in (await olga.get(WAITING)).text
