"""The page of one household without a browser: each form does its deed once, for whoever may."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from billing.flows.publish import Publication, publish
from runtime.store.audit import Deed, history, record
from runtime.work import Parking
from terms.money import Money
from tests.fixtures.promotions import promotion
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work, serving
from tests.flows.app.shop import START, Shop, opened, settings_for
from tests.flows.app.simulated import portal, provider, running_portal, running_provider
from tests.flows.app.visitor import Visitor, let_in

__all__ = ["portal", "provider", "running_portal", "running_provider"]

CONTRACT = contract_of(1)
PAGE = f"/console/accounts/{CONTRACT}"
UNTIL = (START + timedelta(days=3)).date().isoformat()


@pytest.fixture
async def shop(sqlite_url, tmp_path, portal, provider):
    """An operator with a household that owes its first month; nobody works."""
    async with opened(settings_for(tmp_path / "data", sqlite_url)) as house:
        found = Shop(house, portal, provider)
        await found.begin(tmp_path / "operator")
        await found.sign_up(1)
        async with at_work(house):
            await found.rest()
        yield found


@asynccontextmanager
async def seen_by(shop: Shop, role: str = "owner"):
    """Give the browser of somebody of a role."""
    async with serving(shop.house) as served:
        yield await let_in(served, role)


async def once_of(visitor: Visitor) -> str:
    """Open the page and take the key of its forms."""
    seen = await visitor.get(PAGE)
    found = re.search(r'name="once" value="([^"]+)"', seen.text)
    return found[1] if found else ""


async def said(visitor: Visitor, path: str, **form: str) -> str:
    """Send a form and read what the page says of it."""
    seen = await visitor.post(path, **form)
    assert seen.status == 303, seen.text[:400]
    shown = (await visitor.get(seen.location)).text
    found = re.search(r'role="status">([^<]*)<', shown)
    return found[1] if found else ""


async def deeds(shop: Shop, action: str) -> list[Deed]:
    """Read what was done to the household under a name."""
    async with shop.house.store.read() as tx:
        found = await history(tx, f"contract:{CONTRACT}")
    return [one for one in found if one.action == action]


async def test_a_form_sent_twice_is_done_once(shop):
    """The second click takes no second payment and is told the same; another sum is refused."""
    async with seen_by(shop) as owner:
        once = await once_of(owner)
        first = await said(owner, f"{PAGE}/cash", once=once, amount="5,00")
        assert re.match(r"5.00 EUR is taken, receipt RCT-00000001\.", first)
        assert await said(owner, f"{PAGE}/cash", once=once, amount="5,00") == first
        other = await said(owner, f"{PAGE}/cash", once=once, amount="6.00")
        assert "Nothing was done again" in other
        await said(owner, f"{PAGE}/cash", once=await once_of(owner), amount="5,00")
    assert len(await deeds(shop, "payment.cash")) == 2


async def test_a_promise_from_the_page_and_over_the_api(shop):
    """It stands under the name of who took it, with the reason; the API refuses a second one."""
    async with serving(shop.house) as served:
        support = await let_in(served, "support")
        once = await once_of(support)
        told = await said(support, f"{PAGE}/promise", once=once, until=UNTIL, reason="wages")
        assert "is promised until 13 Jan 2040" in told
        status, refused = await served.api(
            "POST", f"accounts/{CONTRACT}/promises", {"until": UNTIL}
        )
        assert (status, "one stands until 2040-01-13" in refused["detail"]) == (400, True)
        _, document = await served.api("GET", f"accounts/{CONTRACT}")
        assert document["promise"]["state"] == "standing"
        again = await said(support, f"{PAGE}/promise", once=await once_of(support), until="")
        assert again == "Until: choose a day."
    (deed,) = await deeds(shop, "payment.promise")
    assert (deed.reason, deed.after) == ("wages", "14.40 EUR until 2040-01-13")


async def test_a_promotion_from_the_page(shop):
    """It stands under the name of who gave it; what cannot be had is said by its field."""
    async with shop.house.store.begin() as tx:
        await publish(tx, Publication(zone="UTC", promotions=(promotion("HALF", "50%"),)), START)
    async with seen_by(shop, "support") as support:
        told = await said(support, f"{PAGE}/redeem", once=await once_of(support), code="half")
        assert "Half is taken off" in told
        again = await said(support, f"{PAGE}/redeem", once=await once_of(support), code="half")
        assert again == "Code: it is redeemed already."
    (deed,) = await deeds(shop, "promotion.redeem")
    assert deed.after == "HALF"


async def test_the_api_takes_a_promise(shop):
    """A program promises for a household; the audit names its token."""
    async with serving(shop.house) as served:
        path = f"accounts/{CONTRACT}/promises"
        status, made = await served.api("POST", path, {"until": UNTIL, "reason": "told by phone"})
    assert (status, made["state"], made["until_on"]) == (201, "standing", UNTIL)
    (deed,) = await deeds(shop, "payment.promise")
    assert (deed.actor.partition(":")[0], deed.reason) == ("api", "told by phone")


async def test_the_api_tells_a_household_something(shop):
    """It stands on the screen of its box, is told by target and audited; a long text is refused."""
    mark = (await shop.portal.aadmin("/journal?limit=1"))["last"]
    async with serving(shop.house) as served:
        path = f"accounts/{CONTRACT}/message"
        status, told = await served.api("POST", path, {"text": "  Good\u00a0 evening "})
        assert (status, told["items"]) == (
            200,
            [{"target": "north", "outcome": "done", "error": ""}],
        )
        assert (await served.api("POST", path, {"text": "x" * 201}))[0] == 400
    sent = [one for one in await shop.writes(mark) if "/stb_msg/" in one["call"]]
    assert len(sent) == 1
    (deed,) = await deeds(shop, "account.message")
    assert (deed.actor, deed.after) == ("api:first", "Good evening")


@pytest.mark.parametrize(
    ("role", "forms"),
    [
        ("cashier", {"cash", "voucher", "pay-link", "method-link"}),
        (
            "support",
            {"contact", "pay-link", "promise", "redeem", "restore", "restart", "message", "swap"}
            | {"sell", "voucher", "method-link", "offers"},
        ),
    ],
)
async def test_the_page_has_the_forms_of_a_role_alone(shop, role, forms):
    """Who may not do something sees no form for it, and a form sent all the same does nothing."""
    async with seen_by(shop, role) as visitor:
        seen = await visitor.get(PAGE)
        assert set(re.findall(rf'action="{PAGE}/([a-z-]+)"', seen.text)) == forms
        other = "promise" if role == "cashier" else "cash"
        once = await once_of(visitor)
        refused = await visitor.post(f"{PAGE}/{other}", once=once, amount="5", until=UNTIL)
        assert refused.status in {400, 403}
    assert not await deeds(shop, "payment.cash")


async def test_a_box_of_another_household_is_not_swapped_here(shop):
    """The serial of somebody else's box, put into the form by hand, is refused by its name."""
    await shop.sign_up(2)
    async with seen_by(shop) as owner:
        form = {"once": await once_of(owner), "old": "SN000002", "new": "SN000009"}
        assert await said(owner, f"{PAGE}/swap", **form) == (
            f"Old: box SN000002 is not with contract {CONTRACT}."
        )


async def test_the_history_goes_on_page_by_page(shop):
    """Facts, orders and deeds stand in one line; each of many is on exactly one page."""
    at = shop.house.clock.machine_now()
    async with shop.house.store.begin() as tx:
        many = [
            Deed(
                at=at + timedelta(seconds=n // 2),
                actor="cli:ann",
                action=f"test.n{n}.",
                subject=f"contract:{CONTRACT}",
            )
            for n in range(120)
        ]
        await record(tx, many)
    found: list[str] = []
    async with seen_by(shop) as owner:
        path, shown, pages = f"{PAGE}/history", "", 0
        while path:
            shown = (await owner.get(path)).text
            found += re.findall(r"test\.n(\d+)\.", shown)
            pages += 1
            link = re.search(r'class="pager"><span></span><a class="button" href="([^"]+)"', shown)
            path = link[1].replace("&amp;", "&") if link else ""
        assert "knows the household" in shown
        assert (await owner.get("/console/accounts/999/history")).status == 404
    assert (sorted(map(int, found)), pages) == (list(range(120)), 3)


async def test_search_finds_by_all_that_people_say(shop):
    """Contract, name, serial, MAC however it is written: one field leads to the household."""
    async with seen_by(shop, "cashier") as cashier:
        for text, group in (
            (CONTRACT, "Contract"),
            ("household", "Name"),
            ("sn000001", "Serial of a box"),
            ("001a79100001", "MAC of a box"),
            ("INV-00000001", "Number of an invoice"),
        ):
            shown = (await cashier.get(f"/console/search?q={text}")).text
            assert f">{group}</h2>" in shown, text
            assert f'href="{PAGE}"' in shown
        nobody = (await cashier.get("/console/search?q=%3Cscript%3E")).text
        assert "&lt;script&gt;" in nobody
        assert "<script>" not in nobody


async def test_a_link_to_pay_can_be_opened_and_copied(shop):
    """The provider's address stands on the page as a link, also where the form is sent again."""
    async with seen_by(shop, "cashier") as cashier:
        once = await once_of(cashier)
        for _ in range(2):
            seen = await cashier.post(f"{PAGE}/pay-link", once=once)
            shown = (await cashier.get(seen.location)).text
            link = re.search(r'<a class="whole" href="(http[^"]+)"[^>]*>([^<]+)</a>', shown)
            assert link is not None
            assert link[1] == link[2]
            assert f'data-copy="{link[1]}" hidden' in shown


async def set_aside(house) -> None:
    """Set three notices aside: two for one cause, one for another."""
    keys = {"a": "no such notice", "b": "no such notice", "c": "another"}
    async with house.store.begin() as tx:
        await house.work.mark(tx, "notify", list(keys))
    claims = await house.work.claim("notify")
    async with house.store.begin() as tx:
        parkings = [Parking(claim=claim, error=keys[claim.key]) for claim in claims]
        await house.work.park(tx, parkings)


async def test_all_of_one_cause_are_tried_again(shop):
    """What was set aside for one cause goes on together; what has another cause stays."""
    await set_aside(shop.house)
    async with seen_by(shop, "support") as support:
        shown = (await support.get("/console/work?kind=notify")).text
        assert shown.count('action="/console/work/alike"') == 3
        assert "no such notice" not in (await support.get("/console/work?kind=settle")).text
        assert "no such notice" not in (await support.get("/console/work?target=north")).text
        told = await said(support, "/console/work/alike", kind="notify", cause="no such notice")
        assert told == "2 tried again."
        left = (await support.get("/console/work")).text
        assert (left.count('action="/console/work/alike"'), "another" in left) == (1, True)


async def test_the_api_lets_all_of_one_cause_go(shop):
    """Asked for one of them; a row that was let go already lets nothing else go."""
    await set_aside(shop.house)
    async with serving(shop.house) as served:
        for key, count in (("a", 2), ("b", 0), ("c", 1)):
            order = {"kind": "notify", "key": key, "alike": True}
            assert await served.api("POST", "parked/release", order) == (200, {"count": count})
        assert (await served.api("GET", "parked"))[1]["items"] == []


def at_targets(page: str) -> tuple[str, str]:
    """Read of the one target what was seen there and what is only wished."""
    (card,) = re.findall(r'data-live-part="account_holdings">(.*?)</section>', page, re.DOTALL)
    parts = [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in card.split("<p ")]
    (seen,) = [one for one in parts if "een there" in one and not one.startswith('class="wished')]
    wished = [one for one in parts if one.startswith('class="wished')]
    return seen, "".join(wished)


async def test_what_was_seen_at_a_target_is_told_from_what_is_wished(shop):
    """Paid while the portal is away: seen dark, wished on; when it is back, seen on."""
    await shop.portal.aadmin("/faults", {"spec": "down"})
    async with seen_by(shop) as owner:
        await shop.pay_debt(1, "the first month")
        async with at_work(shop.house):
            await shop.come_to_rest("intake", "settle", "compose")
        seen, wished = at_targets((await owner.get(PAGE)).text)
        assert "picture off" in seen
        assert "Wished, not seen there yet: picture on" in wished
        await shop.portal.aadmin("/faults", {"clear": True})
        async with at_work(shop.house):
            await shop.rest()
        seen, wished = at_targets((await owner.get(PAGE)).text)
        assert ("picture on" in seen, wished) == (True, "")


async def test_what_the_guard_holds_back_has_not_happened(shop):
    """It is dark by its rights and still on: page and history say who holds that back."""
    await shop.pay_debt(1, "the first month")
    async with at_work(shop.house):
        await shop.rest()
    async with shop.house.store.begin() as tx:
        await tx.driver("UPDATE target SET guard_share_percent = 0, guard_floor = 0")
    async with at_work(shop.house):
        for _ in range(10):
            await shop.advance(timedelta(days=7))
            await shop.come_to_rest()
    async with seen_by(shop) as owner:
        page = (await owner.get(PAGE)).text
        seen, wished = at_targets(page)
        assert "picture on" in seen
        assert "picture off" in wished
        assert "It still shows the picture." in page
        assert "Why it is to go dark" in page
        told = (await owner.get(f"{PAGE}/history")).text
    held = re.search(r"north: held back by the guard.*?wished: picture on → off<", told, re.DOTALL)
    assert held
    assert "picture on → off in" not in told
    row = await shop.at_portal(1)
    assert row is not None
    assert row["status"] == 1


async def test_of_a_partly_paid_invoice_what_is_open_stands_first(shop):
    """Its line on the page says what is open, of how much, before anybody unfolds it."""
    owed = (await shop.view(1)).owed
    await shop.pay(1, Money(100, owed.currency), "a part")
    async with at_work(shop.house):
        await shop.rest()
    rest = Money(owed.amount_minor - 100, owed.currency)
    async with seen_by(shop) as owner:
        page = (await owner.get(PAGE)).text
    line = re.search(r"<summary><strong>INV-00000001.*?</summary>", page, re.DOTALL)
    assert line
    told = " ".join(re.sub("<[^>]+>", " ", line[0]).split())
    assert told.endswith(f"partly paid {rest} open of {owed}")


async def test_a_card_that_its_provider_does_not_know_says_so(shop):
    """A charge finds it missing: it is charged no more, and no name of it is awaited."""
    await shop.sign_up(2, has_card=True)
    async with shop.house.store.begin() as tx:
        await tx.driver("UPDATE payment_method SET method_ref = 'pm_made_up'")
    async with at_work(shop.house):
        await shop.rest()
    async with seen_by(shop) as owner:
        page = (await owner.get(f"/console/accounts/{contract_of(2)}")).text
    assert "cards, which does not know it" in page
    assert "not charged any more" in page
    assert "not described by it yet" not in page
