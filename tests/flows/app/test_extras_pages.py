"""What is bought once, used, earned and taken off: the subscriber's pages, and staff's of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from app.desk import metering
from app.desk.metering import Outcome
from billing.catalog.model import Offering, OfferingKind, Price
from billing.catalog.terms import Billed, SalesChannel, Terms
from billing.catalog.usage_price import UsagePrice
from billing.flows.change import Change
from billing.flows.publish import Publication, publish
from billing.invoicing.store import credit_note
from billing.loyalty.model import Program, Tier
from billing.loyalty.store import loyalty
from billing.purchases.store import purchase
from runtime.store.audit import history
from terms.money import Money, Rate
from tests.fixtures.billing import SINCE
from tests.fixtures.promotions import promotion
from tests.flows.app.guest import visiting
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work
from tests.flows.app.shop import START, Shop
from tests.flows.app.test_portal import ON_SQLITE, once_of, served, shop
from tests.flows.app.visitor import let_in

__all__ = ["served", "shop"]

A, B = contract_of(1), contract_of(2)
HERE = f"/console/accounts/{B}"
CLOUD = Offering(
    code="CLOUD",
    kind=OfferingKind.USAGE,
    name="Recorder",
    tax="standard",
    terms=Terms(meter="hours"),
)
PRICE = Price(offering="CLOUD", effective_from=SINCE, amount=Money(0, "EUR"))
METERED = replace(PRICE, usage=UsagePrice.parse("graduated 10=0 *=0.10"))
PROGRAM = Program(
    referral=Money(500, "EUR"), tiers=(Tier(name="all", from_minor=0, earns=Rate.parse("10%")),)
)


async def published(shop: Shop, **what) -> None:
    """Publish more of the operator."""
    async with shop.house.store.begin() as tx:
        await publish(tx, Publication(zone="UTC", **what), START)


async def count(shop: Shop, table) -> int:
    """Count the rows of a table."""
    async with shop.house.store.read() as tx:
        return int(await tx.scalar(select(func.count()).select_from(table)))


async def deeds(shop: Shop) -> list[tuple[str, str]]:
    """Tell who did what to the second household, but for what was done before."""
    async with shop.house.store.read() as tx:
        found = await history(tx, f"contract:{B}")
    return [(one.actor.partition(":")[0], one.action) for one in reversed(found)][2:]


async def test_a_title_is_bought_once_at_the_price_that_was_shown(shop, served):
    """With its tax; a click and a reload more buy nothing, and it says until when it is watched."""
    guest = await visiting(served, B)
    page = (await guest.get("/portal/shop")).text
    for told in ("Buy for 4.80 EUR", "for 2 days", "on your next invoice, by 10 Feb 2040"):
        assert told in page, told
    assert "Visit" not in page
    once, path = await once_of(guest, "/portal/shop"), "/portal/shop/PASS/buy"
    dearer = await guest.post(path, once="k0", price="4.00 EUR")
    assert (dearer.status, "It costs 4.80 EUR by now" in dearer.text) == (400, True)
    for _ in range(2):
        seen = await guest.post(path, once=once, price="4.80 EUR")
        assert (seen.status, seen.location) == (303, "/portal/shop?done=open")
    again = await guest.post(path, once="k1", price="4.80 EUR")
    assert (again.status, "has PASS already" in again.text) == (400, True)
    assert (await guest.post("/portal/shop/NONE/buy", once=once, price="1")).status == 404
    refused = await guest.post("/portal/shop/VISIT/buy", once="k2", price="36.00 EUR")
    assert (refused.status, "Visit is not sold here: ask us" in refused.text) == (400, True)
    assert await count(shop, purchase) == 1
    page = (await guest.get("/portal/shop?done=open")).text
    assert "It is yours. Below it says until when." in page
    assert "bought 10 Jan 2040, 10:00, until 12 Jan 2040, 10:00" in page
    async with at_work(shop.house):
        await shop.rest()
        await shop.advance(timedelta(days=2))
        await shop.rest()
    assert 'data-tone="off">over' in (await guest.get("/portal/shop")).text
    assert await deeds(shop) == [("subscriber", "purchase.sell")]
    dark = await visiting(served, A)
    assert "You can buy as soon as your picture is on." in (await dark.get("/portal/shop")).text
    assert (await dark.post(path, once="k", price="4.80 EUR")).status == 400
    for where in ("", f"?before={'Z' * 26}"):
        assert "Nothing yet." in (await dark.get(f"/portal/shop{where}")).text
    assert "PASS" not in (await guest.get("/portal/shop?q=visit")).text
    terms = Terms(billed=Billed.NEXT_INVOICE, sales_channel=SalesChannel.SELF_SERVICE)
    visit = Offering(
        code="VISIT", kind=OfferingKind.ONE_OFF, name="Visit", tax="standard", terms=terms
    )
    await published(shop, offerings=(visit,))
    assert "Buy for 36.00 EUR" in (await guest.get("/portal/shop?q=visit")).text


@ON_SQLITE
async def test_points_are_collected_and_spent_by_their_household(shop, served):
    """However often the form comes: once; more than there are is refused in words."""
    await published(shop, program=PROGRAM)
    guest = await visiting(served, B)
    assert "Collect points" in (await guest.get("/portal/")).text
    assert (
        await guest.post("/portal/points/join", once="j")
    ).location == "/portal/?done=joined#points"
    async with shop.house.store.begin() as tx:
        await tx.driver("UPDATE loyalty SET points = 700")
    assert "Worth 7.00 EUR of credit." in (await guest.get("/portal/")).text
    once = await once_of(guest, "/portal/")
    for _ in range(2):
        seen = await guest.post("/portal/points/spend", once=once, points="300")
        assert (seen.status, seen.location) == (303, "/portal/?done=spent#points")
    much = await guest.post("/portal/points/spend", once="m", points="401")
    assert (much.status, "There are 400." in much.text) == (400, True)
    assert (await guest.post("/portal/points/code", once="c")).status == 303
    (code,) = re.findall(r'class="mono">([A-Z2-9]{8})<', (await guest.get("/portal/")).text)
    others = (await (await visiting(served, A)).get("/portal/")).text
    assert "Collect points" in others
    assert code not in others
    async with shop.house.store.read() as tx:
        assert await tx.scalar(select(loyalty.c.points)) == 400
    told = ["loyalty.join", "loyalty.spend", "loyalty.code"]
    assert await deeds(shop) == [("subscriber", action) for action in told]


@ON_SQLITE
async def test_use_and_promotions_stand_on_the_first_page(shop, served):
    """What was used costs so much by now, with tax; a code says what it takes off, and of what."""
    half = promotion("HALF", "50%", "BASIC", periods_max=3)
    await published(shop, offerings=(CLOUD,), prices=(METERED,), promotions=(half,))
    await shop.change(2, Change(add=("CLOUD",)))
    guest = await visiting(served, B)
    assert "0 hours" in (await guest.get("/portal/")).text
    row = {"id": "1", "contract": B, "meter": "hours", "quantity": "25", "at": START.isoformat()}
    async with shop.house.store.begin() as tx:
        rows = [(1, row), (2, row | {"id": "2", "contract": "nobody"})]
        await metering.take(shop.house, tx, "rec", rows, actor="test", outcome=Outcome())
    await guest.post("/portal/redeem", once="r", code="half")
    page = (await guest.get("/portal/")).text
    for told in (
        "25 hours",
        "1.80 EUR",
        "50% off Basic for 3 periods",
        "0.00 EUR taken off so far",
    ):
        assert told in page, told
    owner = await let_in(served)
    for told in ("25 hours", "1.80 EUR", "50% off Basic for 3 periods"):
        assert told in (await owner.get(HERE)).text, told


@ON_SQLITE
async def test_usage_of_nobody_is_looked_at_again_or_set_aside(shop, served):
    """The page says why it waits and what can be done, and does it, under one's own name."""
    row = {
        "id": "7",
        "contract": "nobody",
        "meter": "hours",
        "quantity": "1",
        "at": START.isoformat(),
    }
    async with shop.house.store.begin() as tx:
        await metering.take(shop.house, tx, "rec", [(1, row)], actor="test", outcome=Outcome())
    cashier, support = await let_in(served, "cashier"), await let_in(served, "support")
    assert "1 used by nobody" in (await support.get("/console/")).text
    page = (await support.get("/console/waiting")).text
    for told in ("there is no such contract", "Sign the household up", "Look again", "Set aside"):
        assert told in page, told
    assert "Look again" not in (await cashier.get("/console/waiting")).text
    path = "/console/waiting/usage"
    assert (await cashier.post(f"{path}/dismiss", source="rec", id="7")).status == 403
    again = await support.post(f"{path}/release", contract="nobody")
    assert "0 records counted, 1 still wait." in (await support.get(again.location)).text
    gone = await support.post(f"{path}/dismiss", source="rec", id="7", reason="a test box")
    assert "rec 7 is set aside" in (await support.get(gone.location)).text
    assert "told by rec" not in (await support.get("/console/waiting")).text
    async with shop.house.store.read() as tx:
        found = await history(tx, "contract:nobody")
    assert {one.action for one in found} == {"usage.release", "usage.dismiss"}


@ON_SQLITE
async def test_staff_sells_takes_back_and_spends_from_the_page(shop, served):
    """Each once for its form and audited; nothing of another household by its id."""
    await published(shop, program=PROGRAM)
    support = await let_in(served, "support")
    form = {"once": "s", "code": "VISIT", "quantity": "2", "reason": "called"}
    for _ in range(2):
        assert (await support.post(f"{HERE}/sell", **form)).status == 303
    page = (await support.get(HERE)).text
    assert "2 of Visit" in page
    assert "72.00 EUR" in page
    sale = re.search(r'name="sale" value="([^"]+)"', page)
    assert sale
    other = await support.post(f"/console/accounts/{A}/withdraw", once="w", sale=sale[1])
    assert f"not of contract {A}" in (await support.get(other.location)).text
    for name, more in (("withdraw", {"sale": sale[1]}), ("join", {}), ("join", {})):
        assert (await support.post(f"{HERE}/{name}", once="w", **more)).status == 303
    async with shop.house.store.begin() as tx:
        await tx.driver("UPDATE loyalty SET points = 700")
    spent = await support.post(f"{HERE}/spend", once="p", points="700")
    assert "700 points are credit now, 0 are left." in (await support.get(spent.location)).text
    told = ["purchase.sell", "purchase.give_back", "loyalty.join", "loyalty.spend"]
    assert await deeds(shop) == [("person", action) for action in told]


async def test_goodwill_is_given_on_the_page_of_a_line_and_over_the_api(shop, served):
    """By who may care, with a reason, once; what is left of the line stands there."""
    support, cashier = await let_in(served, "support"), await let_in(served, "cashier")
    line = f"{(await shop.view(2)).invoices[0].number}.1"
    page = f"/console/lines/{line}"
    assert "10.00 EUR left of the line" in (await support.get(page)).text
    assert "Give back of it" not in (await cashier.get(page)).text
    form = {"once": "g", "amount": "2,50", "reason": "no <picture>"}
    assert (await cashier.post(f"{page}/goodwill", **form)).status == 403
    dones = [await support.post(f"{page}/goodwill", **form) for _ in range(2)]
    for told in [(await support.get(done.location)).text for done in dones]:
        assert "2.50 EUR is given back by CRN-00000001." in told
    told = (await support.get(page)).text
    assert "7.50 EUR left of the line" in told
    assert "Goodwill by Support: no &lt;picture&gt;" in told
    much = await support.post(f"{page}/goodwill", once="h", amount="80%", reason="r")
    assert "7.50 EUR, which is left of the line" in (await support.get(much.location)).text
    body = {"percent": "10%", "reason": "late", "reference": "T-1"}
    for _ in range(2):
        status, note = await served.api("POST", f"lines/{line}/goodwill", body)
        assert (status, note["total"]["text"], note["lines"][0]["goodwill"]) == (200, "1.20", True)
    status, refused = await served.api("POST", f"lines/{line}/goodwill", body | {"amount": "1"})
    assert (status, refused["field"]) == (400, "amount")
    for empty in ({"amount": ""}, {"percent": ""}):
        status, refused = await served.api("POST", f"lines/{line}/goodwill", body | empty)
        assert (status, refused["field"]) == (400, *empty)
    _, found = await served.api("GET", f"lines/{line}")
    assert [one["goodwill"]["reason"] for one in found["given_back"]] == ["no <picture>", "late"]
    assert await count(shop, credit_note) == 2
    assert await deeds(shop) == [("person", "goodwill.give"), ("api", "goodwill.give")]
