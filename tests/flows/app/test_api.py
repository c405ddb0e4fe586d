"""What an operator's own systems can do over HTTP, and how they are told when they cannot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.web.api.routes import API
from tests.flows.app.served import at_work, rest
from tests.flows.app.visitor import let_in

ORDER = {
    "contract": "300001",
    "name": "Flat 1, Pier Road",
    "plan": "HARBOUR",
    "addons": ["SPORT"],
    "bill_day": 1,
    "box": {"serial": "HT2-90001", "model": "HT-2", "mac": "00-1a-79-90-00-01"},
    "payment": {"provider": "cards", "customer": "cus_1", "method": "pm_1"},
}
BILLING = ("intake", "settle", "compose")


async def settled(house):
    """Let billing do its work; the portal is not there."""
    async with at_work(house):
        await rest(house, *BILLING)


async def test_a_household_is_signed_up_with_its_box(harbour, served):
    """A sign-up answers the whole household; billed, it is pending and says why it is dark."""
    status, account = await served.api("POST", "accounts", ORDER)
    assert status == 201
    assert account["boxes"] == [
        {"serial": "HT2-90001", "model": "HT-2", "mac": "00:1A:79:90:00:01", "state": "assigned"}
    ]
    await settled(harbour)
    status, account = await served.api("GET", "accounts/300001")
    assert (status, account["state"]) == (200, "pending")
    (invoice,) = account["invoices"]
    assert account["owed"] == invoice["open"] == invoice["total"]
    labels = [line["label"] for line in invoice["lines"]]
    assert len(labels) == 3
    assert any("HT2-90001" in label for label in labels)
    assert invoice["number"] in account["why_dark"][0]


async def test_a_rented_box_is_shown_with_what_came_of_it(harbour, served):
    """A household sees what it rents since when; a box returned the same day is credited whole."""
    await served.api("POST", "accounts", ORDER)
    await settled(harbour)
    _, account = await served.api("GET", "accounts/300001")
    (rented,) = account["rentals"]
    (line,) = [x for x in account["invoices"][0]["lines"] if "HT2-90001" in x["label"]]
    assert (rented["serial"], rented["offering"]) == ("HT2-90001", "BOX")
    assert (rented["since"], rented["until_on"]) == (line["period_start"], None)
    assert (rented["deposit"]["text"], account["credit_notes"]) == ("0.00", [])
    await served.api("POST", "boxes/HT2-90001/return", {"condition": "good"})
    await settled(harbour)
    _, account = await served.api("GET", "accounts/300001")
    (ended,) = account["rentals"]
    assert (ended["until_on"], ended["ending"]) == (rented["since"], "returned")
    (note,) = account["credit_notes"]
    (back,) = note["lines"]
    assert (back["label"], back["amount"]) == (line["label"], line["amount"])
    assert back["invoice"] == account["invoices"][0]["number"]
    owed = account["invoices"][0]["total"]["amount_minor"] - note["total"]["amount_minor"]
    assert account["owed"]["amount_minor"] == owed


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"contract": ""}, "contract"),
        ({"contract": "3000,01"}, "contract"),
        ({"contract": "300000000001"}, "contract"),
        ({"contract": 300001}, "contract"),
        ({"name": "  "}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"plan": "NO SUCH"}, "plan"),
        ({"addons": "SPORT"}, "addons"),
        ({"addons": [""]}, "addons.0"),
        ({"bill_day": 0}, "bill_day"),
        ({"bill_day": True}, "bill_day"),
        ({"locale": "English"}, "locale"),
        ({"box": {"serial": "x"}}, "box.model"),
        ({"payment": {"provider": "nobody", "customer": "c", "method": "m"}}, "payment.provider"),
        ({"balance": 5}, "balance"),
    ],
)
async def test_a_wrong_sign_up_names_the_field_and_leaves_nothing(harbour, served, wrong, field):
    """Whatever is wrong in an order is named, and nobody is signed up."""
    status, problem = await served.api("POST", "accounts", ORDER | wrong)
    assert (status, problem["field"]) == (400, field)
    assert (await served.api("GET", "accounts/300001"))[0] == 404
    assert (await served.api("GET", "accounts?search=3000"))[1]["items"] == []


async def test_what_exists_is_not_made_twice(harbour, served):
    """A contract, a box or a MAC that is taken is a conflict, and nothing of the order is kept."""
    assert (await served.api("POST", "accounts", ORDER))[0] == 201
    assert (await served.api("POST", "accounts", ORDER))[0] == 409
    taken = ORDER | {"contract": "300002"}
    assert (await served.api("POST", "accounts", taken))[0] == 409
    other = {"serial": "HT2-90002", "model": "HT-2", "mac": "00:1A:79:90:00:01"}
    assert (await served.api("POST", "accounts", taken | {"box": other}))[0] == 409
    assert (await served.api("GET", "accounts/300002"))[0] == 404


async def test_an_unknown_plan_and_an_addon_as_plan_are_refused(harbour, served):
    """What is not sold cannot be had, and an add-on is no plan."""
    assert (await served.api("POST", "accounts", ORDER | {"plan": "NOSUCH"}))[0] == 404
    assert (await served.api("POST", "accounts", ORDER | {"plan": "SPORT"}))[0] == 400


async def test_before_an_operator_there_is_nothing_to_sell(house, served):
    """Without an import a sign-up is refused with the way to mend it."""
    status, problem = await served.api("POST", "accounts", ORDER)
    assert status == 400
    assert "boxoffice import" in problem["detail"]


async def test_plans_change_and_contracts_end(harbour, served):
    """A change and a cancellation answer the household as it is now."""
    await served.api("POST", "accounts", ORDER)
    status, account = await served.api("POST", "accounts/300001/change", {"add": ["KIDS"]})
    assert status == 200
    assert {one["offering"] for one in account["subscriptions"]} == {"HARBOUR", "SPORT", "KIDS"}
    status, problem = await served.api("POST", "accounts/300001/change", {"remove": ["NOSUCH"]})
    assert status in {400, 404}
    status, account = await served.api("POST", "accounts/300001/cancel", {"when": "now"})
    assert status == 200
    assert all(one["until_on"] for one in account["subscriptions"])
    status, problem = await served.api("POST", "accounts/300001/cancel", {"when": "later"})
    assert (status, problem["field"]) == (400, "when")


async def test_cash_is_taken_once_per_receipt(harbour, served):
    """Money over the counter pays the debt; the same receipt again changes nothing."""
    await served.api("POST", "accounts", ORDER)
    await settled(harbour)
    _, account = await served.api("GET", "accounts/300001")
    cash = {"amount": account["owed"]["text"], "reference": "R-1"}
    for is_new in (True, False):
        told = {"taken": is_new, "receipt": "RCT-00000001"}
        assert await served.api("POST", "accounts/300001/payments", cash) == (201, told)
    await settled(harbour)
    _, account = await served.api("GET", "accounts/300001")
    assert (account["state"], account["owed"]["amount_minor"]) == ("active", 0)
    assert len(account["payments"]) == 1
    for contract, amount in (("300001", "3.00"), ("200001", cash["amount"])):
        other = {"amount": amount, "reference": "R-1"}
        status, problem = await served.api("POST", f"accounts/{contract}/payments", other)
        assert (status, "R-1" in problem["detail"]) == (409, True)
        assert problem["errors"] == [{"field": "reference", "why": problem["detail"]}]
    status, problem = await served.api("POST", "accounts/nosuch/payments", cash)
    assert (status, problem["field"]) == (404, "contract")
    for amount in ("0.00", "1.005", "-1", "5,00", "1e2", "\u0661"):
        body = {"amount": amount, "reference": "R-2"}
        status, problem = await served.api("POST", "accounts/300001/payments", body)
        assert (status, problem["field"]) == (400, "amount")
        assert "[" not in problem["detail"]


async def test_a_pay_link_needs_a_debt_and_a_provider_that_answers(harbour, served):
    """Nothing owed is 400; a provider that cannot be reached is 504 and no page."""
    status, problem = await served.api("POST", "accounts/200001/pay-link", {})
    assert (status, problem["field"]) == (400, "contract")
    await served.api("POST", "accounts", ORDER)
    await settled(harbour)
    status, problem = await served.api("POST", "accounts/300001/pay-link", {})
    assert (status, problem["title"]) == (504, "a system beside us does not answer")
    status, _ = await served.api("POST", "accounts/300001/pay-link", {"provider": "nobody"})
    assert status == 404
    status, problem = await served.api(
        "POST", "accounts/300001/pay-link", {"return_url": "javascript:alert(1)"}
    )
    assert (status, problem["field"]) == (400, "return_url")


async def test_accounts_are_listed_in_pages(harbour, served):
    """Pages follow each other without gap or repeat, and a search narrows them."""
    seen: list[str] = []
    after = ""
    while True:
        _, page = await served.api("GET", f"accounts?limit=10&after={after}")
        seen += [one["contract"] for one in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == sorted(set(seen))
    assert len(seen) == 25
    _, page = await served.api("GET", "accounts?search=subscriber%2007")
    assert [one["contract"] for one in page["items"]] == ["200007"]
    _, page = await served.api("GET", "accounts?search=%25")
    assert page["items"] == []


async def test_boxes_go_out_and_come_back(harbour, served):
    """A box is made known, handed over once and taken back."""
    box = {"serial": "HT2-90009", "model": "HT-2", "mac": "00:1A:79:90:00:09"}
    assert (await served.api("POST", "boxes", box))[0] == 201
    assert (await served.api("POST", "boxes", box))[0] == 201
    assert (await served.api("POST", "boxes", box | {"model": "HT-3"}))[0] == 409
    for day in ("1970-01-01", "2041-01-01"):
        wrong = {"contract": "200001", "on": day}
        status, problem = await served.api("POST", "boxes/HT2-90009/hand-over", wrong)
        assert (status, problem["field"]) == (400, "on")
    over = {"contract": "200001"}
    status, held = await served.api("POST", "boxes/HT2-90009/hand-over", over)
    assert (status, held["state"]) == (200, "assigned")
    other = {"contract": "200002"}
    assert (await served.api("POST", "boxes/HT2-90009/hand-over", other))[0] == 409
    status, held = await served.api("POST", "boxes/HT2-90009/return", {"condition": "good"})
    assert (status, held["state"]) == (200, "returned")
    assert (await served.api("POST", "boxes/HT2-99999/hand-over", over))[0] == 404
    nobody = {"contract": "999999"}
    assert (await served.api("POST", "boxes/HT2-00026/hand-over", nobody))[0] == 404


async def health(served) -> dict[str, str]:
    """How the portal is."""
    _, targets = await served.api("GET", "targets")
    return next(dict(one) for one in targets["items"] if one["name"] == "portal-north")


async def test_targets_tell_how_they_are(harbour, served):
    """A target nobody answers at is down with its reason, and a scan of it is 504."""
    _, before = await served.api("GET", "targets")
    assert {one["condition"] for one in before["items"]} == {"up"}
    async with at_work(harbour):
        await rest(harbour, *BILLING)
        async with asyncio.timeout(20):
            while (await health(served))["condition"] != "down":  # noqa: ASYNC110 - it is asked
                await asyncio.sleep(0.02)
    assert (await health(served))["reason"]
    assert (await served.api("POST", "targets/portal-north/scan", {}))[0] == 504
    assert (await served.api("POST", "targets/portal-north/probe", {}))[0] == 504
    assert (await served.api("POST", "targets/nosuch/scan", {}))[0] == 404
    for deed in ("repair", "approve", "reject", "release", "disable", "enable"):
        assert (await served.api("POST", f"targets/portal-north/{deed}", {}))[0] == 200
        assert (await served.api("POST", f"targets/nosuch/{deed}", {}))[0] == 404
    _, work = await served.api("GET", "work")
    (queue,) = [one for one in work["items"] if one["target"] == "portal-north"]
    assert queue["due"] == 25
    for deed, count, is_off in (("disable", 1, True), ("disable", 0, True), ("enable", 1, False)):
        told = await served.api("POST", f"targets/portal-north/{deed}", {})
        assert told == (200, {"count": count})
        assert ((await health(served))["condition"] == "disabled") is is_off


async def test_nothing_is_released_that_is_not_parked(harbour, served):
    """Releasing what is not parked is harmless, of an unknown kind a mistake."""
    release = {"kind": "reconcile", "key": "S@portal-north"}
    assert await served.api("POST", "parked/release", release) == (200, {"count": 0})
    status, _ = await served.api("POST", "parked/release", release | {"kind": "nosuch"})
    assert status == 404
    assert await served.api("GET", "parked") == (200, {"items": [], "next": None})


async def test_what_cannot_be_routed_is_shown_and_the_rest_goes_on(harbour, served):
    """A household whose rights no target can hold is parked with the reason; others are not."""
    await served.api("POST", "accounts", ORDER)
    async with harbour.store.begin() as tx:
        await tx.driver("DELETE FROM route WHERE code = 'sport'")
    await settled(harbour)
    _, parked = await served.api("GET", "parked")
    mine = [one for one in parked["items"] if one["contract"] == "300001"]
    assert "sport" in mine[0]["reason"]
    assert not mine[0]["releasable"]
    _, account = await served.api("GET", "accounts/300001")
    assert any("sport" in why for why in account["held_up"])


async def test_a_portal_that_is_away_is_no_reason_of_money(harbour, served):
    """Paid for and not on yet: who does not answer, since when in the operator's zone; no debt."""
    _, account = await served.api("POST", "accounts", ORDER)
    await settled(harbour)
    _, account = await served.api("GET", "accounts/300001")
    body = {"amount": account["owed"]["text"], "reference": "R-1"}
    assert (await served.api("POST", "accounts/300001/payments", body))[0] == 201
    await settled(harbour)
    async with harbour.store.begin() as tx:
        down = "UPDATE target SET down_since = 1700000000000000, down_reason = 'nobody is there'"
        await tx.driver(down)
    _, account = await served.api("GET", "accounts/300001")
    assert (account["state"], account["why_dark"]) == ("active", [])
    (why,) = account["held_up"]
    since = "nobody has answered there since 14 Nov 2023, 23:13 (Europe/Vienna)"
    assert why.startswith(f"portal-north cannot be reached: {since}. The picture is switched on")
    page = (await (await let_in(served)).get("/console/accounts/300001")).text
    assert "Why it is dark" not in page
    assert page.index("The service is wished on, and held up") < page.index(since)
    assert page.index(since) < page.index("Nothing is owed.")
    assert (page.count(since), page.count("nobody is there")) == (1, 1)
    assert page.index("In technical words") < page.index("nobody is there")


async def test_every_deed_is_audited(harbour, served):
    """Who changed what is written down with what was done."""
    await served.api("POST", "accounts", ORDER)
    await served.api("POST", "accounts/300001/change", {"add": ["KIDS"]})
    await served.api("POST", "clock/advance", {"by": "1d"})
    async with harbour.store.read() as tx:
        deeds = await tx.fetch("SELECT actor, action, subject FROM audit WHERE actor LIKE 'api:%'")
    assert ("api:first", "account.sign_up", "contract:300001") in deeds
    assert ("api:first", "account.change", "contract:300001") in deeds
    assert ("api:first", "clock.advance", "clock") in deeds


NOBODY = {
    "contract": "nosuch",
    "serial": "HT2-99999",
    "id": "nosuch",
    "number": "INV-99999999",
    "rental": "nosuch",
    "name": "nosuch",
    "day": "2040-01-01",
}
# What is done to what is not there, and what its refusal names.
NOTHING: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("tills/nosuch/retire", {}, "till"),
    ("shifts/main-9/count", {"counts": ["0"]}, "shift"),
    ("shifts/main-9/approve", {}, "shift"),
    ("shifts/main-9/recount", {}, "shift"),
    ("receipts/R-9/print", {}, "receipt"),
    ("jobs/nosuch/close", {"outcome": "done"}, "job"),
    ("vouchers/nosuch/activate", {}, "batch"),
    ("vouchers/nosuch/stop", {}, "batch"),
    ("debits/hand-in", {"batch": "DDX"}, "batch"),
    ("bank/suspend", {"line": "nosuch"}, "line"),
    ("purchases/nosuch/watched", {}, "purchase"),
    ("purchases/nosuch/give-back", {}, "purchase"),
    ("deposits/nosuch/release", {"keep": "0"}, "rental"),
    ("invoices/INV-99999999/void", {"reason": "r"}, "invoice"),
    ("invoices/INV-99999999/write-off", {"reason": "r"}, "invoice"),
    ("targets/nosuch/repair", {}, "target"),
)


async def test_what_is_not_there_is_named(harbour, served):
    """Whatever a path leads to that is nowhere, the refusal says what was looked for."""
    for route in API:
        if route.method != "GET" or not route.named_parts:
            continue
        path = route.path.format(**NOBODY).removeprefix("/api/v1/")
        status, told = await served.api("GET", path)
        assert (status, "field" in told) == (404, True), (path, told)
        assert told["errors"] == [{"field": told["field"], "why": told["detail"]}]
    for path, body, field in NOTHING:
        status, told = await served.api("POST", path, body)
        assert (status, told.get("field")) == (404, field), (path, told)
