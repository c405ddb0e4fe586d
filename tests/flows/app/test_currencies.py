"""Currencies of no, two and three decimals, from the catalogue to the paid invoice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.imports.load import import_paths
from billing.flows.settle import settle
from billing.reads import accounts
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, go_to, serving
from tests.flows.app.visitor import let_in

# The month's price, what 20 % tax on it make together, and an amount that is too fine.
MONEY = {
    "JPY": ("1205", "1446", "1.5"),
    "EUR": ("12.05", "14.46", "1.505"),
    "KWD": ("1.205", "1.446", "1.5055"),
}


def operator(folder: Path, currency: str, amount: str) -> Path:
    """Write an operator of one plan in a currency."""
    for name in ("operator.toml", "taxes.csv", "offerings.csv", "routes.csv"):
        (folder / name).write_text(
            (HARBOUR / name).read_text("utf-8").replace('"EUR"', f'"{currency}"')
        )
    rows = [line.split(",")[0] for line in (HARBOUR / "prices.csv").read_text().splitlines()[1:]]
    prices = [f"{code},2020-01-01,{currency},{amount}" for code in rows]
    (folder / "prices.csv").write_text(
        "\n".join(["offering,effective_from,currency,amount", *prices])
    )
    return folder


@pytest.mark.parametrize("currency", MONEY)
async def test_a_currency_keeps_its_decimals_all_the_way(house, tmp_path, currency: str):
    """Sold, invoiced, shown, paid: never more and never fewer decimals than the currency has."""
    amount, total, finer = MONEY[currency]
    await go_to(house, HARBOUR_BEGINS)
    folder = operator(tmp_path, currency, amount)
    taken = await import_paths(house, [folder], ENVIRONMENT)
    assert taken.taken, [str(one) for one in taken.problems]
    async with serving(house) as shop:
        body = {"contract": "500001", "name": "Flat", "plan": "HARBOUR", "bill_day": 1}
        assert (await shop.api("POST", "accounts", body))[0] == 201
        await _settled(house)
        _, shown = await shop.api("GET", "accounts/500001")
        (invoice,) = shown["invoices"]
        assert (invoice["net"]["text"], invoice["total"]["text"]) == (amount, total)
        assert invoice["lines"][0]["rate"]["currency"] == currency
        owner = await let_in(shop)
        page = (await owner.get("/console/accounts/500001")).text
        read = "1,446" if currency == "JPY" else total
        assert f"{read} {currency}" in page
        assert not re.search(rf"{re.escape(read)}[0-9.]", page)
        paid = {"amount": finer, "reference": "R-0"}
        status, told = await shop.api("POST", "accounts/500001/payments", paid)
        assert (status, told["field"]) == (400, "amount")
        assert "finer than the minor unit" in told["detail"] or "amount" in told["detail"]
        paid = {"amount": total, "reference": "R-1"}
        assert (await shop.api("POST", "accounts/500001/payments", paid))[0] == 201
        await _settled(house)
        _, shown = await shop.api("GET", "accounts/500001")
        assert shown["invoices"][0]["open"]["amount_minor"] == 0
        _, listed = await shop.api("GET", "catalogue")
        assert {row["amount"] for row in listed["prices"]} == {amount}


async def _settled(house) -> None:
    async with house.store.begin() as tx:
        holder = (await accounts.holders(tx, ["500001"]))["500001"]
        now = await house.clock.business_now(tx)
        await settle(house.desk, tx, [holder.account], now)
