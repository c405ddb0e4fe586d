"""How a household pays and is paid back, from every side: pages, portal, API; lost messages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from sqlalchemy import select

from app.roles import describing
from app.roles.polling import Polls
from billing.payments.store import provider_event
from runtime.store.audit import history
from tests.flows.app.guest import visiting
from tests.flows.app.operator import contract_of, customer_of, method_of
from tests.flows.app.served import at_work, serving
from tests.flows.app.shop import Shop, opened, settings_for
from tests.flows.app.simulated import portal, provider, running_portal, running_provider
from tests.flows.app.test_household_page import said
from tests.flows.app.visitor import Visitor, let_in

__all__ = ["portal", "provider", "running_portal", "running_provider"]

CONTRACT = contract_of(1)
PAGE = f"/console/accounts/{CONTRACT}"
CARD = "4242424242424242"


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


@pytest.fixture
async def shop(sqlite_url, tmp_path, portal, provider):
    """A household that has paid its first month by card; nobody works."""
    async with opened(settings_for(tmp_path / "data", sqlite_url)) as house:
        found = Shop(house, portal, provider)
        await found.begin(tmp_path / "operator")
        await found.sign_up(1, has_card=True)
        async with at_work(house):
            await found.rest()
        yield found


async def submit(url: str, form: Mapping[str, str]) -> None:
    """Fill in a page of the provider; where it leads to is not followed."""

    def go() -> None:
        try:
            build_opener(_Stay).open(Request(url, data=urlencode(form).encode()), timeout=20)
        except OSError as error:
            assert "303" in str(error), error  # noqa: PT017 - it leads back to us

    await asyncio.to_thread(go)


async def fields(visitor: Visitor, path: str = PAGE) -> tuple[str, list[str]]:
    """Open a page; return the key of its forms and the methods on it."""
    text = (await visitor.get(path)).text
    found = re.search(r'name="once" value="([^"]+)"', text)
    return found[1] if found else "", re.findall(r'name="method" value="([^"]+)"', text)


async def asked(shop: Shop) -> None:
    """Ask the provider what happened, and do what follows."""
    await Polls(shop.house).look()
    async with at_work(shop.house):
        await shop.rest()


async def test_money_is_given_back_from_the_page_and_over_the_api(shop):
    """A cashier gives back a part, a program the rest; each stands in the history with its why."""
    (payment,) = (await shop.view(1)).payments
    line = f"{(await shop.view(1)).invoices[0].number}.1"
    async with serving(shop.house) as served:
        cashier = await let_in(served, "cashier")
        once, _ = await fields(cashier)
        form = {"payment": f"{payment.provider} {payment.charge}", "reason": "a dark evening"}
        form |= {"once": once, "amount": "1,00"}
        for chosen, named, wrong in (
            ("", line, "what follows"),
            ("no", "", "line"),
            ("yes", line, "line"),
        ):
            told = await said(cashier, f"{PAGE}/refund", owed_again=chosen, line=named, **form)
            assert told.lower().startswith(wrong), told
        told = await said(cashier, f"{PAGE}/refund", owed_again="no", line=line, **form)
        assert "goes back" in told
        assert "owed again" not in told
        async with at_work(shop.house):
            await shop.rest()
        assert (await shop.view(1)).owed.amount_minor == 0
        assert "given back" in (await cashier.get(PAGE)).text
        body = {"payment": payment.charge, "reason": "r", "reference": "B-1"}
        status, made = await served.api("POST", f"accounts/{CONTRACT}/refunds", body)
        assert (status, made["state"], made["owed_again"]) == (201, "open", True)
        async with at_work(shop.house):
            await shop.rest()
        _, listed = await served.api("GET", f"accounts/{CONTRACT}/refunds")
        assert [one["state"] for one in listed["items"]] == ["done", "done"]
        assert (await shop.view(1)).owed.amount_minor > 0
        again, problem = await served.api(
            "POST", f"accounts/{CONTRACT}/refunds", {**body, "reference": "B-2"}
        )
        assert (again, "nothing is left" in problem["detail"]) == (409, True)
    async with shop.house.store.read() as tx:
        deeds = [d for d in await history(tx, f"contract:{CONTRACT}") if "refund" in d.action]
    assert {(one.actor.partition(":")[0], one.reason) for one in deeds} == {
        ("person", "a dark evening"),
        ("api", "r"),
    }


async def test_a_subscriber_leaves_chooses_and_removes_cards(shop):
    """The number is typed at the provider alone: it is in no table, and no field of ours takes it.

    That a card was left is found by asking, where no message tells of it.
    """
    async with serving(shop.house) as served:
        guest = await visiting(served, CONTRACT)
        once, (old, *_) = await fields(guest, "/portal/")
        seen = await guest.post("/portal/cards/add", once=once, method=old)
        url = re.search(r'href="(http[^"]+)"', seen.text)
        assert url, seen.text
        await submit(url[1].replace("&amp;", "&"), {"card": CARD})
        await asked(shop)
        text = (await guest.get("/portal/")).text
        assert "visa 4242" in text
        once, (new, *_) = await fields(guest, "/portal/")
        assert new != old
        await guest.post("/portal/cards/remove", once=once, method=new)
        async with at_work(shop.house):
            await shop.rest()
        assert "No card is left" in (await guest.get("/portal/")).text
        _, listed = await served.api("GET", f"accounts/{CONTRACT}/methods")
        assert listed == []
        body = {"method": CARD[:20], "card": CARD}
        path = f"accounts/{CONTRACT}/methods/default"
        assert (await served.api("POST", path, body))[0] == 400
    assert CARD.encode() not in await everything(shop)
    state = await shop.provider.aadmin("/state")
    assert customer_of(1) not in [one["customer"] for one in state["payment_methods"]]


async def everything(shop: Shop) -> bytes:
    """Read the whole database, and what stands beside it, as bytes."""
    await shop.house.store.checkpoint()
    folder = shop.house.settings.data_dir
    files = [one for one in folder.parent.rglob("*") if one.is_file()]
    async with shop.house.store.read() as tx:
        bodies = [row.body for row in await tx.rows(select(provider_event.c.body))]
    return b"".join([*(one.read_bytes() for one in files), *bodies])


async def test_staff_chooses_and_removes_cards(shop):
    """What is charged is chosen on the page and over the API, under a name and with a reason."""
    async with serving(shop.house) as served:
        support = await let_in(served, "support")
        once, (one, *_) = await fields(support)
        told = await said(support, f"{PAGE}/method-link", once=once)
        assert told.startswith("A card can be left here")
        path = f"accounts/{CONTRACT}/methods"
        status, link = await served.api("POST", path, {})
        assert (status, link["url"][:4]) == (201, "http")
        _, listed = await served.api("POST", f"{path}/default", {"method": one, "reason": "r"})
        assert [(each["id"], each["charged"]) for each in listed] == [(one, True)]
        once, _ = await fields(support)
        told = await said(support, f"{PAGE}/method-default", once=once, method=one)
        assert "is charged from now on" in told
        told = await said(support, f"{PAGE}/method-remove", once=once, method=one, reason="asked")
        assert "never charged again" in told
        assert (await served.api("POST", f"{path}/remove", {"method": one}))[0] == 404
    async with shop.house.store.read() as tx:
        found = [d.action for d in await history(tx, f"contract:{CONTRACT}")]
    assert sorted(one for one in found if one.startswith("method")) == [
        *["method.prefer"] * 2,
        "method.remove",
    ]


async def test_a_card_that_came_by_its_reference_is_named_by_the_clock(shop):
    """A provider that is away is asked later; named, it shows so on the page and over the API."""
    async with serving(shop.house) as served:
        staff = await let_in(served)
        contract = contract_of(1)
        await shop.provider.aadmin("/faults", {"spec": "throttled:1:count=1"})
        await describing.describe_methods(shop.house)
        _, (one,) = await served.api("GET", f"accounts/{contract}/methods")
        assert (one["label"], one["named"], one["charged"]) == (method_of(1), "awaited", True)
        assert "not described by it yet" in (await staff.get(PAGE)).text
        await describing.describe_methods(shop.house)
        _, (one,) = await served.api("GET", f"accounts/{contract}/methods")
        assert one["named"] == "described"
        assert one["label"] != method_of(1)
        assert "not described" not in (await staff.get(PAGE)).text
