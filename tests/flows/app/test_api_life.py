"""The life of a subscription over HTTP: what it would cost is told first, and is what it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.flows.app.test_api import ORDER, settled

ACCOUNT = "accounts/300001"


@pytest.fixture
async def home(house, harbour, served):
    """Return the day on which a household without a card was signed up, and charged."""
    await served.api("POST", "accounts", {**ORDER, "payment": None})
    await settled(house)
    async with house.store.read() as tx:
        return (await house.clock.business_now(tx)).date()


async def shown(served):
    """Show the household."""
    _, account = await served.api("GET", ACCOUNT)
    return account


async def test_a_preview_says_what_it_costs_and_does_nothing(house, home, served):
    """The documents that are foretold are those that follow, and asking alone changes nothing."""
    wish = {"plan": "HORIZON", "when": "now"}
    before = await shown(served)
    status, preview = await served.api("POST", f"{ACCOUNT}/change/preview", wish)
    assert status == 200
    assert await shown(served) == before
    await served.api("POST", f"{ACCOUNT}/change", wish)
    await settled(house)
    after = await shown(served)
    invoice = after["invoices"][0]
    assert invoice["total"] == preview["invoice"]["total"]
    assert [line["label"] for line in invoice["lines"]] == [
        line["label"] for line in preview["invoice"]["lines"]
    ]
    charged, back = (preview[name]["total"]["amount_minor"] for name in ("invoice", "credit_note"))
    assert preview["balance"]["amount_minor"] == charged - back
    owed = after["owed"]["amount_minor"] - before["owed"]["amount_minor"]
    assert owed == charged - back


async def test_a_service_rests_and_goes_on(house, home, served):
    """From today on it is dark and costs nothing; what that gives back was told before."""
    rest = {"begins": home.isoformat()}
    _, preview = await served.api("POST", f"{ACCOUNT}/pause/preview", rest)
    assert preview["invoice"] is None
    status, account = await served.api("POST", f"{ACCOUNT}/pause", rest)
    assert status == 200
    await settled(house)
    account = await shown(served)
    assert any("lets it rest" in why for why in account["why_dark"])
    assert account["credit_notes"][0]["total"] == preview["credit_note"]["total"]
    status, _ = await served.api("POST", f"{ACCOUNT}/pause", rest)
    assert status == 409
    status, account = await served.api("POST", f"{ACCOUNT}/resume", {})
    assert status == 200
    await settled(house)
    status, _ = await served.api("POST", f"{ACCOUNT}/resume", {})
    assert status == 404


@pytest.mark.parametrize(
    ("path", "wish", "field"),
    [
        ("change", {"quantity": 0}, "quantity"),
        ("change", {"quantity": "2"}, "quantity"),
        ("change", {"plan": "HORIZON", "when": "soon"}, "when"),
        ("cancel", {"when": "later"}, "when"),
        ("pause", {"begins": "2000-01-01"}, "begins"),
        ("pause", {"begins": "tomorrow"}, "begins"),
        ("resume", {"on": "2000-01-01"}, "on"),
    ],
)
async def test_what_is_wrong_is_named(home, served, path, wish, field):
    """A wrong field is named, by the deed and by its preview alike."""
    for way in (path, f"{path}/preview"):
        status, problem = await served.api("POST", f"{ACCOUNT}/{way}", wish)
        assert (status, problem["field"]) == (400, field)


async def test_a_rest_ends_after_it_begins(home, served):
    """Days that are none are refused."""
    wish = {"begins": home.isoformat(), "ends": (home - timedelta(days=1)).isoformat()}
    status, problem = await served.api("POST", f"{ACCOUNT}/pause", wish)
    assert (status, problem["field"]) == (400, "ends")
