"""The wallet on every face: what is in it, page by page, and what is paid out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.desk import paying, wallet
from app.settings import Settings
from app.wiring import build, closing
from billing.flows.settle import settle
from billing.reads import accounts
from terms.errors import Invalid
from terms.money import Money
from tests.flows.app.guest import household, visiting
from tests.flows.app.served import serving
from tests.flows.app.visitor import let_in

A, B = "200001", "200002"
WALLET = f"accounts/{A}/wallet"


@pytest.fixture
async def house(migrated_url, tmp_path, machine):
    """A house with two households, of which one has paid ahead three times."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    async with closing(build(settings, machine_now=machine)) as built:
        for contract in (A, B):
            await household(built, contract)
        for n in range(3):
            async with built.store.begin() as tx:
                amount = Money(10_000, "EUR")
                await paying.take_cash(built, tx, A, amount=amount, reference=f"R-{n}", actor="x:y")
            await settled(built)
        yield built


async def settled(house) -> None:
    """Settle the household that pays."""
    async with house.store.begin() as tx:
        holder = (await accounts.holders(tx, [A]))[A]
        await settle(house.desk, tx, [holder.account], await house.clock.business_now(tx))


@pytest.fixture
async def served(house):
    """That house behind its web server."""
    async with serving(house) as made:
        yield made


async def test_a_wallet_is_shown_page_by_page_and_paid_out(house, served, machine):
    """Each line once, with what was in it then; what is paid out is a refund, and audited."""
    whole = (await served.api("GET", WALLET))[1]
    assert [one["kind"] for one in whole["lines"]["items"]] == ["payment"] * 3
    assert whole["lines"]["items"][0]["balance"] == whole["balance"]
    there = whole["balance"]["amount_minor"]
    machine.forward(timedelta(minutes=1))
    paged: list[dict[str, Any]] = []
    after, part = "", dict[str, Any]()
    for _ in range(3):
        part = (await served.api("GET", f"{WALLET}?limit=1{after}"))[1]["lines"]
        paged += part["items"]
        after = f"&after={part['next']}"
    assert paged == whole["lines"]["items"]
    assert part["next"] is None
    body = {"amount": "1.00", "reason": "asked for", "reference": "W-1"}
    for _ in range(2):
        status, (one,) = await served.api("POST", f"{WALLET}/pay-out", body)
        assert (status, one["amount"]["text"], one["state"]) == (201, "1.00", "done")
    await settled(house)
    left = (await served.api("GET", WALLET))[1]
    assert left["balance"]["amount_minor"] == there - 100
    assert left["lines"]["items"][0]["kind"] == "reversal"
    too_much = body | {"amount": "999.00", "reference": "W-2"}
    assert (await served.api("POST", f"{WALLET}/pay-out", too_much))[1]["field"] == "amount"
    status, told = await served.api("POST", f"{WALLET}/top-up", {"amount": "0.00"})
    assert (status, told["field"]) == (400, "amount")
    status, told = await served.api("POST", f"{WALLET}/top-up", {"amount": "5.00"})
    assert (status, "no payment provider" in told["detail"]) == (404, True)
    for path in ("payments", "wallet/top-up"):
        reference = {"reference": "R-9"} if path == "payments" else {}
        for amount in ("10000000.01", "999999999999.99"):
            body = {"amount": amount, **reference}
            status, told = await served.api("POST", f"accounts/{A}/{path}", body)
            assert (status, told["field"]) == (400, "amount")
            assert "at most 10,000,000.00 EUR at once: 0.00 EUR is owed" in told["detail"]
    body = {"amount": "10000000.00", "reference": "R-9"}
    assert (await served.api("POST", f"accounts/{A}/payments", body))[0] == 201


async def test_all_goes_where_no_amount_is_said_and_nothing_for_an_empty_one(house, served):
    """Over the API what is left out, or null, is all; on the page it is a field left empty."""
    carla = await let_in(served, "cashier")
    there = (await served.api("GET", WALLET))[1]["balance"]
    out = {"reason": "moves away"}
    for amount in ("", " "):
        body = out | {"amount": amount, "reference": "W-1"}
        status, told = await served.api("POST", f"{WALLET}/pay-out", body)
        assert (status, told["field"]) == (400, "amount")
        assert "an amount like 5.00" in told["detail"]
    with pytest.raises(Invalid, match=r"^amount: not an amount"):
        async with house.store.begin() as tx:
            named = {"reason": "r", "reference": "W-1", "actor": "x:y"}
            await wallet.pay_out(house, tx, A, amount="", **named)
    assert (await served.api("GET", WALLET))[1]["balance"] == there
    for n, said in enumerate(({}, {"amount": None}), 2):
        asked = {**out, **said, "reference": f"W-{n}"}
        status, parts = await served.api("POST", f"{WALLET}/pay-out", asked)
        assert (status, sum(one["amount"]["amount_minor"] for one in parts)) == (201, 30_000)
        async with house.store.begin() as tx:
            more = Money(30_000, "EUR")
            await paying.take_cash(house, tx, A, amount=more, reference=f"S-{n}", actor="x:y")
        await settled(house)
    page = f"/console/accounts/{A}/wallet"
    await carla.get(page)
    sent = await carla.post(f"{page}/pay-out", once="w1", amount=" ", reason="asked for")
    assert "Paid out: 300.00 EUR handed over." in (await carla.get(sent.location)).text


async def test_what_is_not_in_a_wallet_is_told_by_the_amount(served):
    """More than it holds, and anything out of an empty one, however much was said."""
    out = {"reason": "moves away", "reference": "W-1"}
    for contract, said, status in (
        (A, {"amount": "300.01"}, 400),
        (B, {"amount": "1.00"}, 409),
        (B, {}, 409),
    ):
        found, told = await served.api("POST", f"accounts/{contract}/wallet/pay-out", out | said)
        assert (found, told["field"]) == (status, "amount")


async def test_staff_and_subscribers_see_it(house, served):
    """Staff pays out from the page; a subscriber sees what is their own, and nothing of others."""
    carla, one = await let_in(served, "cashier"), await visiting(served, A)
    page = f"/console/accounts/{A}/wallet"
    shown = (await carla.get(page)).text
    assert "has paid nothing yet" in shown
    assert "R-2" in shown
    sent = await carla.post(f"{page}/pay-out", once="w1", amount="2,00", reason="asked for")
    assert "Paid out: 2.00 EUR handed over." in (await carla.get(sent.location)).text
    mine = (await one.get("/portal/wallet")).text
    assert "R-2" in mine
    assert "How it came and went" in mine
    too_much = await carla.post(
        f"/console/accounts/{A}/cash", once="c1", amount="999999999999.99", reason=""
    )
    assert "at most 10,000,000.00 EUR" in (await carla.get(too_much.location)).text
    for amount, says in (
        ("0", "must be more than nothing"),
        ("x", "not an amount"),
        ("99999999999", "at most 10,000,000.00 eur"),
    ):
        sent = await one.post("/portal/wallet/top-up", once=f"t{amount}", amount=amount)
        assert says in sent.text.lower()
    two = await visiting(served, B)
    assert "R-2" not in (await two.get("/portal/wallet")).text
    odd = await two.get("/portal/wallet?after=!")
    assert (odd.status, "<strong>After</strong>" in odd.text) == (400, True)
    assert 'class="button" href="/portal/wallet"' in odd.text
    assert 'href="/portal/invoices"' in odd.text
