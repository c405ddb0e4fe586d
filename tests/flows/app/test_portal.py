"""The portal over real HTTP: what a subscriber sees and does, and that nobody sees another's."""

from __future__ import annotations

import re
from datetime import date, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from app.desk import household_boxes
from app.identity import subscribers
from app.web.portal.paying import may_lead_to
from app.web.route import SAFE_METHODS, Policy, Route
from billing.flows.publish import Publication, publish
from billing.invoicing.store import credit_note
from runtime.store.audit import history
from terms.money import Money
from tests.fixtures.promotions import promotion
from tests.flows.app.guest import BROWSER, SIGN_IN, subscriber, visiting, with_password
from tests.flows.app.operator import contract_of
from tests.flows.app.served import at_work, serving
from tests.flows.app.shop import START, Shop, opened, settings_for
from tests.flows.app.simulated import portal, provider, running_portal, running_provider
from tests.flows.app.visitor import PASSWORD, Seen, Visitor, hurry, let_in

__all__ = ["portal", "provider", "running_portal", "running_provider"]

A, B = contract_of(1), contract_of(2)
NEW = "nine-blue-lanterns"
HALF = promotion("HALF", "50%")


@pytest.fixture
async def shop(migrated_url, tmp_path, portal, provider):
    """An operator with two households: one has paid a first month, the other owes it."""
    async with opened(settings_for(tmp_path / "data", migrated_url)) as house:
        hurry(house)
        found = Shop(house, portal, provider)
        await found.begin(tmp_path / "operator")
        for number in (1, 2):
            await found.sign_up(number, addons=("SPORT",))
        async with at_work(house):
            await found.rest()
            await found.pay_debt(2, "R-2")
            await found.rest()
        yield found


ON_SQLITE = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


@pytest.fixture
async def served(shop):
    """Its pages."""
    async with serving(shop.house) as one:
        yield one


@pytest.fixture
async def guest(served):
    """The browser of the household that owes."""
    return await visiting(served, A)


async def box_of(house, contract):
    """Find the box of a household and what it is called there."""
    async with house.store.read() as tx:
        found = await subscriber(tx, contract)
        ((box, name),) = await household_boxes.held(tx, found.service)
    return box, name


async def once_of(visitor: Visitor, path: str) -> str:
    """Open a page and take the key of its forms."""
    found = re.search(r'name="once" value="([^"]+)"', (await visitor.get(path)).text)
    return found[1] if found else ""


async def deeds_of(house, contract: str) -> list[str]:
    """Read what a subscriber did."""
    async with house.store.read() as tx:
        found = await history(tx, f"contract:{contract}")
    return [one.action for one in found if one.actor == f"subscriber:{contract}"]


@pytest.fixture
async def anothers(shop, served):
    """Give somebody else's ids of every kind, and the token of their sign-in."""
    house, about, (box, _) = shop.house, await shop.view(2), await box_of(shop.house, B)
    async with house.store.begin() as tx:
        note = {"id": "N2", "sequence": 1, "number": "CN-00000001", "issued_at": START}
        of = {"account_id": about.id, "currency": "EUR", "issued_on": date(2040, 1, 10)}
        sums = {"net_minor": 100, "tax_minor": 20, "total_minor": 120, "groups": "[]"}
        await tx.insert(credit_note, [note | of | sums])
        let = await house.subscribers.begin(tx, await subscriber(tx, B), label="theirs")
    invoice = about.invoices[0].number
    other = await visiting(served, B)
    for path in (f"/portal/invoices/{invoice}", "/portal/credit-notes/CN-00000001"):
        assert (await other.get(path)).status == 200
    things = (invoice, "CN-00000001", box.id, box.serial, let.sign_in.id)
    return (*things, about.id, about.service.id, B), let.token


async def ask_for(guest: Visitor, route: Route, one: str) -> Seen | None:
    """Ask a route with an id in each part and each field; None for a form without an id."""
    path = re.sub(r"\{[a-z_]+\}", one, route.path)
    if route.method in SAFE_METHODS:
        known = dict.fromkeys(route.query.model_fields if route.query else (), one[:20])
        return await guest.get(f"{path}?{urlencode(known)}" if known else path)
    if "{" not in route.path:
        return None
    form = {"once": "k", "name": "mine"}
    fields = route.form.model_fields if route.form else ()
    return await guest.post(path, **{name: form.get(name, one) for name in fields})


def refusal(route: Route) -> int:
    """Tell how a route answers an id that is nobody's here, or no place in a list."""
    if "{" in route.path:
        return 404
    return 400 if route.query and "after" in route.query.model_fields else 200


async def test_nobody_sees_anothers(shop, served, guest, anothers):
    """Each route of the portal refuses every id of somebody else, and tells nothing of theirs."""
    house, (ids, token) = shop.house, anothers
    held = await box_of(house, B)
    marks = {*ids, "Household 2"}
    asked = 0
    for route in served.site.portal.routes():
        if route.policy is not Policy.SUBSCRIBER or route.path.endswith(("events", "sign-out")):
            continue
        for one in ids:
            if (seen := await ask_for(guest, route, one)) is None:
                continue
            asked += 1
            assert [mark for mark in marks - {one} if mark in seen.text] == [], (route.path, one)
            assert seen.status == refusal(route), (route.path, one)
    assert asked > 40
    assert await box_of(house, B) == held
    assert await house.subscribers.who(token) is not None
    assert await deeds_of(house, B) == []


async def test_a_feed_tells_of_ones_own_household_alone(shop, served, guest):
    """Whatever parts are asked for, it sends those of who asks, with a form token of their own."""
    cookies = {"Cookie": f"{SIGN_IN}={guest.cookies[SIGN_IN]}"}
    url = f"{served.url}/portal/events?parts=portal_money,{B}%20portal_money"
    async with served.session.get(url, headers=cookies) as feed:
        told = (await feed.content.readuntil(b"\n\n")).decode()
    assert '"part":"portal_money"' in told
    assert guest.token in told
    assert B not in told


@ON_SQLITE
async def test_the_first_page_says_what_is_owed_and_why_it_is_dark(shop, served, guest):
    """In words that a subscriber knows; whoever has paid reads that it is on and owes nothing."""
    dark = (await guest.get("/portal/")).text
    assert "Not on yet" in dark
    assert "It comes on as soon as the first invoice, INV-00000001, is paid." in dark
    assert "Pay 20.40 EUR" in dark
    lit = (await (await visiting(served, B)).get("/portal/")).text
    assert "<strong>On</strong>" in lit
    assert "Nothing is owed" in lit
    assert "The next invoice comes on 10 Feb 2040." in lit
    for word in ("north", "ministra", "Basic", "Sport pack"):
        assert (word in lit) is word[0].isupper(), word


@ON_SQLITE
async def test_who_was_paused_reads_since_when_and_for_what(shop, served):
    """After a second month that nobody paid."""
    async with at_work(shop.house):
        for days in (35, 3, 7):
            await shop.advance(timedelta(days=days))
            await shop.rest()
    text = (await (await visiting(served, B)).get("/portal/")).text
    assert "<strong>Paused</strong>" in text
    assert re.search(r"because invoice INV-\d+ is not paid", text)
    assert 'data-tone="bad">overdue' in text


@ON_SQLITE
async def test_paying_leads_to_the_providers_page_and_back(shop, served, guest):
    """The form answers with a page that leads to the provider: that for what is owed by then."""
    once = await once_of(guest, "/portal/")
    seen = await guest.post("/portal/pay", once=once)
    urls = re.findall(r'content="0;url=([^"]+)"', seen.text)
    assert (seen.status, len(urls)) == (200, 1)
    assert urls[0].startswith(shop.provider.url)
    assert (
        re.findall(r'content="0;url=([^"]+)"', (await guest.post("/portal/pay", once=once)).text)
        == urls
    )
    async with served.session.get(urls[0]) as page:
        assert "2040" in re.sub(r"[.,]", "", await page.text())
    await shop.pay(1, Money(100, "EUR"), "R-1")
    async with at_work(shop.house):
        await shop.rest()
    again = (await guest.post("/portal/pay", once=once)).text
    assert re.findall(r'content="0;url=([^"]+)"', again) not in ([], urls)
    back = (await guest.get("/portal/?done=back")).text
    assert "Thank you. The payment stands here as soon as" in back
    other = await visiting(served, B)
    seen = await other.post("/portal/pay", once="k")
    assert (seen.status, seen.location) == (303, "/portal/?done=nothing")


@ON_SQLITE
@pytest.mark.parametrize(
    ("fault", "done", "says"),
    [
        ("refused:no", "never", "cannot be opened. Please call us"),
        ("error:500", "away", "cannot be opened just now. Try again in a few minutes"),
    ],
)
async def test_why_no_page_opens_is_told(shop, guest, fault, done, says):
    """Who has to wait is told so, and who would wait in vain is not."""
    await shop.provider.aadmin("/faults", {"spec": f"{fault}:count=2"})
    for path in ("pay", "cards/add"):
        seen = await guest.post(f"/portal/{path}", once="k")
        assert (seen.status, seen.location) == (303, f"/portal/?done={done}")
        assert says in (await guest.get(seen.location)).text


@ON_SQLITE
async def test_the_pace_of_pages_is_told_as_what_it_is(shop, served, guest):
    """What is mistyped makes no page and costs none; who has had ten reads how long to wait."""
    for n in range(12):
        seen = await guest.post("/portal/wallet/top-up", once=f"t{n}", amount="1e3")
        assert (seen.status, "not an amount" in seen.text.lower()) == (400, True)
        seen = await guest.post("/portal/cards/add", once=f"u{n}", method="nobody")
        assert (seen.status, "The account has no payment method" in seen.text) == (400, True)
    for n in range(10):
        seen = await guest.post("/portal/cards/add", once=f"c{n}")
        assert (seen.status, "0;url=" in seen.text) == (200, True)
    forms = {"pay": {}, "cards/add": {}, "wallet/top-up": {"amount": "5.00"}}
    for path, fields in forms.items():
        seen = await guest.post(f"/portal/{path}", once="k", **fields)
        told = re.search(r"Too many tries: wait (\d+) s, then try again", seen.text)
        assert (seen.status, told is not None) == (429, True), path
        assert "cannot be opened" not in seen.text


def test_only_a_safe_page_is_led_to():
    """TLS anywhere, plain HTTP on this machine, nothing else."""
    for url in (
        "https://pay.example/x",
        "http://127.0.0.1:1/x",
        "http://[::1]/",
        "http://localhost/",
    ):
        assert may_lead_to(url), url
    for url in (
        "http://pay.example/",
        "javascript:alert(1)",
        "https://",
        "data:text/html,x",
        "//x/",
        "",
        "http://[::1",
    ):
        assert not may_lead_to(url), url


async def test_a_promise_is_made_once_under_ones_own_name(shop, guest):
    """The page then tells of it and offers none; a second one is refused in words."""
    until = (START + timedelta(days=3)).date().isoformat()
    once = await once_of(guest, "/portal/")
    for _ in range(2):
        seen = await guest.post("/portal/promise", once=once, until=until)
        assert (seen.status, seen.location) == (303, "/portal/?done=promised")
    text = (await guest.get("/portal/")).text
    assert "20.40 EUR until 13 Jan 2040" in text
    assert 'name="until"' not in text
    again = await guest.post("/portal/promise", once="k2", until=until)
    assert (again.status, "One stands until 2040-01-13." in again.text) == (400, True)
    assert "Choose a day." in (await guest.post("/portal/promise", once="k3", until="")).text
    seen = await guest.post("/portal/promise", once="k4", until="x")
    assert (seen.status, "Must be a day like 2026-03-31." in seen.text) == (400, True)
    assert "Input" not in seen.text
    assert await deeds_of(shop.house, A) == ["payment.promise"]


@ON_SQLITE
async def test_a_code_is_redeemed_once_and_guessing_it_ends_soon(shop, guest, served):
    """It is written down under one's own name; after five tries one waits, whatever they were."""
    async with shop.house.store.begin() as tx:
        await publish(tx, Publication(zone="UTC", promotions=(HALF,)), START)
    once = await once_of(guest, "/portal/")
    for _ in range(2):
        seen = await guest.post("/portal/redeem", once=once, code=" half ")
        assert (seen.status, seen.location) == (303, "/portal/?done=redeemed")
    assert "The code is taken" in (await guest.get("/portal/?done=redeemed")).text
    assert await deeds_of(shop.house, A) == ["promotion.redeem"]
    again = await guest.post("/portal/redeem", once="k2", code="HALF")
    assert (again.status, "It is redeemed already." in again.text) == (400, True)
    told = [
        (await guest.post("/portal/redeem", once=f"g{n}", code="GUESS")).status for n in range(4)
    ]
    assert told == [400, 400, 429, 429]


async def test_a_box_has_the_name_its_household_gives_it(shop, served, guest):
    """As long as it is with this household; an overlong one is refused by the field."""
    box, _ = await box_of(shop.house, A)
    path = f"/portal/boxes/{box.id}/name"
    assert (await guest.post(path, once="k1", name="  Living   room ")).status == 303
    assert await box_of(shop.house, A) == (box, "Living room")
    assert "Living room" in (await guest.get("/portal/boxes")).text
    seen = await guest.post(path, once="k2", name="x" * 41)
    assert (seen.status, "at most 40 characters" in seen.text.lower()) == (400, True)
    assert (await guest.post(path, once="k3", name="")).status == 303
    assert await box_of(shop.house, A) == (box, "")
    async with shop.house.store.read() as tx:
        found = await history(tx, f"box:{box.serial}")
    named = [(one.actor, one.after) for one in found if one.action == "box.name"]
    assert sorted(named) == [(f"subscriber:{A}", ""), (f"subscriber:{A}", "Living room")]


@ON_SQLITE
async def test_a_restart_reaches_the_box_and_not_again_at_once(shop, served):
    """It is asked for at the household's target, once for one form and once in five minutes."""
    other = await visiting(served, B)
    once = await once_of(other, "/portal/boxes")
    seen = await other.post("/portal/boxes/restart", once=once)
    assert (seen.status, seen.location) == (303, "/portal/boxes?done=restarted")
    assert (await other.post("/portal/boxes/restart", once=once)).location == seen.location
    again = await other.post("/portal/boxes/restart", once="another")
    assert again.location == "/portal/boxes?done=wait"
    assert "Wait five minutes" in (await other.get(again.location)).text
    assert await deeds_of(shop.house, B) == ["account.restart"]


@ON_SQLITE
async def test_an_invoice_explains_itself_and_lists_go_on(shop, served):
    """Each line is on its page; older ones are on the next page of the list, none twice."""
    async with at_work(shop.house):
        for month in range(30):
            await shop.advance(timedelta(days=31))
            await shop.rest()
            await shop.pay_debt(2, f"R-{month}-b")
            await shop.rest()
    other = await visiting(served, B)
    found, path = [], "/portal/invoices"
    while path:
        text = (await other.get(path)).text
        found += re.findall(r"</strong> (INV-\d+)<", text)
        link = re.search(r'href="(/portal/invoices\?behind=[^"]+)"', text)
        path = link[1] if link else ""
    assert len(found) == len(set(found)) > 24
    assert found == sorted(found, reverse=True)
    text = (await other.get(f"/portal/invoices/{found[0]}")).text
    for word in ("Basic", "Sport pack", "Set-top box", "Tax 20"):
        assert word in text, word


async def test_the_two_populations_open_nothing_of_each_other(shop, served, guest):
    """Neither's cookie is a sign-in at the other's door, under whichever name it is brought."""
    owner = await let_in(served)
    hers, theirs = owner.cookies["__Host-boxoffice"], guest.cookies[SIGN_IN]
    for cookies in ({SIGN_IN: hers}, {"__Host-boxoffice": hers}):
        seen = await Visitor(served, cookies=cookies).get("/portal/")
        assert (seen.status, seen.location) == (303, "/portal/sign-in?next=/portal/")
    for cookies in ({"__Host-boxoffice": theirs}, {SIGN_IN: theirs}):
        for path in ("/console/", "/me", "/field/", f"/console/accounts/{A}"):
            seen = await Visitor(served, cookies=cookies).get(path)
            assert (seen.status, seen.location) == (303, f"/sign-in?next={path}")
        assert (await Visitor(served, cookies=cookies).get("/api/v1/accounts")).status == 401


async def test_a_password_lets_in_and_ends_as_staffs_does(shop, served):
    """By contract or e-mail; where one comes from, and to a page of the portal alone."""
    await with_password(shop.house, A, PASSWORD)
    visitor = Visitor(served)
    seen = await visitor.get("/portal/invoices")
    assert seen.location == "/portal/sign-in?next=/portal/invoices"
    form = {"name": A, "password": PASSWORD, "next": "/portal/invoices"}
    seen = await visitor.post("/portal/sign-in", **form)
    assert (seen.status, seen.location) == (303, "/portal/invoices")
    assert {SIGN_IN, BROWSER} <= set(seen.cookies)
    assert seen.cookies[SIGN_IN]["httponly"]
    assert seen.cookies[SIGN_IN]["secure"]
    for elsewhere in ("/console/", "//evil.example/", "https://evil.example/"):
        seen = await Visitor(served).post("/portal/sign-in", **(form | {"next": elsewhere}))
        assert seen.location == "/portal/"
    await visitor.get("/portal/me")
    assert (await visitor.post("/portal/sign-out")).location == "/portal/sign-in?done=out"
    assert (await visitor.get("/portal/")).status == 303


async def test_a_password_is_changed_with_the_one_before(shop, served):
    """All sign-ins end with it, but the new one of this browser."""
    await with_password(shop.house, A, PASSWORD)
    guest, second = await visiting(served, A), await visiting(served, A)
    form = {"new": NEW, "again": NEW}
    await guest.get("/portal/me")
    seen = await guest.post("/portal/me/password", current="wrong", **form)
    assert (seen.status, "this is not your password" in seen.text) == (400, True)
    assert (await guest.post("/portal/me/password", current=PASSWORD, **form)).status == 303
    assert (await guest.get("/portal/")).status == 200
    assert (await second.get("/portal/")).status == 303
    assert (await Visitor(served).post("/portal/sign-in", name=A, password=NEW)).status == 303


async def test_without_a_code_nobody_sets_a_first_password(served, guest):
    """Whoever finds an open page cannot make it their own."""
    assert "come in by a code" in (await guest.get("/portal/me")).text
    seen = await guest.post("/portal/me/password", new=NEW, again=NEW)
    assert (seen.status, "come in by a code" in seen.text) == (400, True)


async def test_sign_ins_are_listed_and_ended(served, guest):
    """One by one, or all but this one."""
    others = [await visiting(served, A) for _ in range(3)]
    text = (await guest.get("/portal/me")).text
    ids = re.findall(r'action="/portal/me/sign-ins/(\w+)/revoke"', text)
    assert len(ids) == 3
    assert (await guest.post(f"/portal/me/sign-ins/{ids[0]}/revoke")).status == 303
    assert sorted([(await one.get("/portal/")).status for one in others]) == [200, 200, 303]
    assert (await guest.post("/portal/me/sign-ins/revoke")).status == 303
    assert {(await one.get("/portal/")).status for one in others} == {303}
    assert (await guest.get("/portal/")).status == 200


@ON_SQLITE
async def test_a_form_from_elsewhere_does_nothing(shop, guest):
    """Without our page's token, or from another site, nothing is done."""
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        seen = await guest.post("/portal/promise", headers, once="k", until="2040-01-12")
        assert seen.status == 403
    seen = await guest.post("/portal/promise", once="k", until="2040-01-12", token="x")
    assert seen.status == 403
    assert await deeds_of(shop.house, A) == []


@ON_SQLITE
async def test_nobody_learns_who_is_a_subscriber(served):
    """The same pages, word for word, for a contract, an address and a name that nobody has."""
    for path, given in (("/portal/sign-in", "wrong"), ("/portal/code", "")):
        more = {"password": given} if given else {}
        seen = [
            await Visitor(served).post(path, name=name, **more)
            for name in (A, "nobody", "x@y.example", "")
        ]
        assert len({(one.status, one.location) for one in seen}) == 1
        texts = {re.sub(r' value="[^"]*"', "", one.text) for one in seen}
        assert len(texts) == 1
        assert {tuple(sorted(one.cookies)) for one in seen} == {tuple(sorted(seen[0].cookies))}
    async with served.house.store.read() as tx:
        assert await tx.rows(select(subscribers.subscriber_password)) == []
