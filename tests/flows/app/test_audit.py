"""The audit: each route that changes something leaves its trace, and the traces can be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.desk.auditing import Sought, reading
from app.desk.household_boxes import held
from app.identity.sign_ins import sign_in
from app.roles.crew import lanes
from app.web.route import SAFE_METHODS
from app.web.routes import all_routes
from billing.flows.publish import Publication, publish
from billing.reads import accounts
from runtime.store.audit import Deed, Wanted, audit, lines, record
from runtime.work import Parking
from tests.flows.app.guest import subscriber, visiting
from tests.flows.app.served import HARBOUR_BEGINS
from tests.flows.app.visitor import PASSWORD, added, hurry, let_in, named

HERE, NEW = "200001", "300001"
PORTAL = "portal-north"
API, OWNER, TOM, GUEST = "api:first", "owner", "tom", "guest"
# Nothing of ours is changed: a provider's own word, a page of theirs, a question to a target.
ELSEWHERE = {  # done in tests of their own
    "/me/password",
    "/set-up",
    "/api/v1/accounts/{contract}/promises",
    "/console/accounts/{contract}/promise",
    "/portal/promise",
    "/api/v1/accounts/{contract}/promotions",
    "/api/v1/accounts/{contract}/loyalty",
    "/api/v1/accounts/{contract}/loyalty/spend",
    "/api/v1/accounts/{contract}/loyalty/code",
    "/console/accounts/{contract}/redeem",
    "/portal/redeem",
    *(f"/api/v1/bank/{deed}" for deed in ("statements", "assign", "return", "suspend", "aside")),
    *(f"/api/v1/{path}" for path in ("tills", "tills/{id}/retire", "shifts", "shifts/move")),
    *(f"/api/v1/shifts/{{id}}/{deed}" for deed in ("count", "approve", "recount")),
    *(f"/console/cash/{deed}" for deed in ("open", "move", "count", "approve", "recount")),
    *(f"/console/cash/{deed}" for deed in ("till", "retire")),
    *(f"{kind}/receipts/{{number}}/print" for kind in ("/api/v1", "/console")),
    "/api/v1/accounts/{contract}/wallet/pay-out",
    "/console/accounts/{contract}/wallet/pay-out",
    *(f"/console/bank/{deed}" for deed in ("take", "assign", "return", "suspend", "aside")),
    *(f"/api/v1/debits/{deed}" for deed in ("batches", "hand-in", "withdraw")),
    *(f"{kind}/bank/undo" for kind in ("/api/v1", "/console")),
    "/api/v1/debits/report",
    *(f"/console/bank/debits/{deed}" for deed in ("make", "file", "hand-in", "withdraw", "report")),
    *(f"/api/v1/accounts/{{contract}}/mandates{path}" for path in ("", "/account")),
    "/console/accounts/{contract}/mandate",
    "/portal/mandate",
    "/api/v1/vouchers",
    *(f"/api/v1/vouchers/{{id}}/{deed}" for deed in ("activate", "stop")),
    *(f"/console/vouchers/{deed}" for deed in ("make", "activate", "stop")),
    *(f"{kind}/accounts/{{contract}}/voucher" for kind in ("/api/v1", "/console")),
    "/portal/voucher",
    *(f"/portal/{deed}" for deed in ("shop/{code}/buy", "points/join", "points/spend")),
    "/portal/points/code",
    *(f"/console/accounts/{{contract}}/{deed}" for deed in ("sell", "withdraw", "join", "spend")),
    *(f"/console/waiting/usage/{deed}" for deed in ("release", "dismiss")),
    *(f"{kind}/lines/{{number}}/goodwill" for kind in ("/api/v1", "/console")),
    "/api/v1/accounts/{contract}/refunds",
    "/console/accounts/{contract}/refund",
    *(f"/api/v1/refunds/{{id}}/{deed}" for deed in ("release", "decline")),
    *(f"/console/waiting/refunds/{deed}" for deed in ("release", "decline")),
    *(f"/api/v1/accounts/{{contract}}/methods/{deed}" for deed in ("default", "remove")),
    *(f"/console/accounts/{{contract}}/method-{deed}" for deed in ("default", "remove")),
    *(f"/portal/cards/{deed}" for deed in ("default", "remove")),
    "/console/dunning/release",
    "/api/v1/announcements",
    "/console/announcements/send",
    "/api/v1/accounts/{contract}/declined",
    "/console/accounts/{contract}/offers",
    "/portal/me/offers",
    "/portal/unsubscribe/{token}",
    "/portal/me/password",
    "/portal/sign-in",
    "/portal/code",
    "/portal/code/check",
}
NO_DEEDS = {
    *(f"{at}/wallet/top-up" for at in ("/api/v1/accounts/{contract}", "/portal")),
    "/console/accounts/{contract}/wallet/top-up",
    "/hooks/payments/{provider}",
    "/api/v1/accounts/{contract}/pay-link",
    *(f"/api/v1/accounts/{{contract}}/{deed}/preview" for deed in ("change", "cancel")),
    *(f"/api/v1/accounts/{{contract}}/{deed}/preview" for deed in ("pause", "resume")),
    "/api/v1/accounts/{contract}/promotions/preview",
    "/api/v1/catalogue/check",
    "/console/accounts/{contract}/pay-link",
    "/api/v1/targets/{name}/probe",
    "/portal/pay",
    "/portal/cards/add",
    "/api/v1/accounts/{contract}/methods",
    "/console/accounts/{contract}/method-link",
    "/api/v1/bill-days/{day}/preview",
    "/console/billing/{day}/preview",
    "/api/v1/dunning/preview",
    "/console/dunning/try",
    *(f"{kind}/announcements/preview" for kind in ("/api/v1", "/console")),
}
# What nobody has used.
USED = {
    "id": "r-1",
    "contract": "nobody",
    "meter": "hours",
    "quantity": "1.5",
    "at": f"{HARBOUR_BEGINS - timedelta(days=1):%Y-%m-%dT%H:%MZ}",
}
# A deposit that waits for a person.
DEPOSIT = (
    f"""
    INSERT INTO rental (id, service_id, resource_id, serial, model, offering, from_on, until_on,
        charged_from, ending)
    SELECT 'K{{n}}', id, 'R{{n}}', 'SN{{n}}', 'M1', 'HARBOUR', '2030-01-01', '2030-01-01',
        '2030-01-01', 'damaged' FROM service WHERE contract = '{HERE}'
    """,
    f"""
    INSERT INTO invoice SELECT 'I{{n}}', 'INV', 80000{{n}}, 'INV-0080000{{n}}', account_id, 'EUR',
        '2030-01-01', 1, '2030-01-15', 3000, 0, 3000, '[]', FALSE FROM service
        WHERE contract = '{HERE}'
    """,
    f"""
    INSERT INTO invoice_line (invoice_id, n, service_id, subject, kind, period_start, period_end,
        take, measure, units_before, units, of_units, offering, price_from, quantity, rate_minor,
        amount_minor, net_minor, tax_minor, tax, label)
        SELECT 'I{{n}}', 1, id, 'K{{n}}', 'deposit', '2030-01-01', '2030-01-02', 0, 'day', 0, 1, 1,
        'HARBOUR', '2020-01-01', 1, 3000, 3000, 3000, 0, '', 'Box'
        FROM service WHERE contract = '{HERE}'
    """,
)

# A price to come.
PRICE = {"offering": "SPORT", "effective_from": "2099-01-01", "currency": "EUR", "amount": "9.90"}

# By whom, which route, with which parts of the path, and with what; {words} are found on the way.
STEPS: tuple[tuple[str, str, dict[str, str], dict[str, Any]], ...] = (
    (GUEST, "/portal/boxes/{id}/name", {"id": "{box}"}, {"once": "g1", "name": "Hall"}),
    (GUEST, "/portal/boxes/restart", {}, {"once": "g2"}),
    (GUEST, "/portal/me/sign-ins/{id}/revoke", {"id": "{other}"}, {}),
    (GUEST, "/portal/me/sign-ins/revoke", {}, {}),
    (GUEST, "/portal/sign-out", {}, {}),
    (
        API,
        "/api/v1/accounts",
        {},
        {"contract": NEW, "name": "Flat 1", "plan": "HARBOUR", "reason": "at the fair"},
    ),
    (API, "/api/v1/accounts/{contract}/change", {"contract": NEW}, {"add": ["SPORT"]}),
    (
        API,
        "/api/v1/accounts/{contract}/payments",
        {"contract": NEW},
        {"amount": "5.00", "reference": "R-1"},
    ),
    (
        API,
        "/api/v1/accounts/{contract}/purchases",
        {"contract": HERE},
        {"offering": "PASS", "ref": "S-1"},
    ),
    (API, "/api/v1/usage", {}, {"source": "recorder", "records": [USED]}),
    (API, "/api/v1/usage/release", {}, {}),
    (API, "/api/v1/usage/dismiss", {}, {"source": "recorder", "id": "r-1"}),
    (API, "/api/v1/purchases/{id}/watched", {"id": "{sale}"}, {}),
    (
        API,
        "/api/v1/accounts/{contract}/purchases",
        {"contract": HERE},
        {"offering": "VISIT", "ref": "S-2"},
    ),
    (API, "/api/v1/purchases/{id}/give-back", {"id": "{sale}"}, {"reason": "nobody came"}),
    (API, "/api/v1/accounts/{contract}/contact", {"contract": NEW}, {"email": "n@new.example"}),
    (API, "/api/v1/accounts/{contract}/jurisdiction", {"contract": NEW}, {"jurisdiction": "AT"}),
    (API, "/api/v1/accounts/{contract}/segment", {"contract": NEW}, {"segment": ""}),
    (API, "/api/v1/catalogue", {}, {"prices": [PRICE]}),
    (API, "/api/v1/dunning", {}, {"rules": {"least": "5.00"}, "reason": "small debts"}),
    (API, "/api/v1/accounts/{contract}/restore", {"contract": NEW}, {}),
    (API, "/api/v1/accounts/{contract}/restart", {"contract": HERE}, {}),
    (API, "/api/v1/accounts/{contract}/message", {"contract": HERE}, {"text": "Good evening"}),
    (API, "/api/v1/boxes", {}, {"serial": "HT2-90001", "model": "HT-2"}),
    (API, "/api/v1/boxes/{serial}/hand-over", {"serial": "{a}"}, {"contract": NEW}),
    (API, "/api/v1/boxes/{serial}/activate", {"serial": "{a}"}, {}),
    (API, "/api/v1/boxes/{serial}/swap", {"serial": "{a}"}, {"new": "{b}", "condition": "good"}),
    (API, "/api/v1/boxes/{serial}/restock", {"serial": "{a}"}, {}),
    (API, "/api/v1/boxes/{serial}/move", {"serial": "{a}"}, {"place": "warehouse shop"}),
    (API, "/api/v1/boxes/{serial}/return", {"serial": "{b}"}, {}),
    (API, "/api/v1/boxes/{serial}/lost", {"serial": "{b}"}, {}),
    (API, "/api/v1/boxes/{serial}/found", {"serial": "{b}"}, {}),
    (API, "/api/v1/boxes/{serial}/scrap", {"serial": "{b}"}, {"note": "corroded"}),
    (API, "/api/v1/registrations", {}, {"serial": "{a}", "contract": NEW}),
    (
        OWNER,
        "/console/accounts/{contract}/swap",
        {"contract": NEW},
        {"once": "k1", "old": "{a}", "new": "{e}", "condition": "good"},
    ),
    (API, "/api/v1/deposits/{rental}/release", {"rental": "K1"}, {"keep": "12.50"}),
    (API, "/api/v1/invoices/{number}/write-off", {"number": "{bill}"}, {"reason": "has gone"}),
    (API, "/api/v1/jobs", {}, {"kind": "install", "contract": NEW}),
    (API, "/api/v1/jobs/{id}/assign", {"id": "{job}"}, {"assignee": "tom"}),
    (API, "/api/v1/jobs/{id}/close", {"id": "{job}"}, {"outcome": "done"}),
    (API, "/api/v1/reviews/resolve", {}, {"id": "other_mac:S1", "resolution": "looked at it"}),
    (API, "/api/v1/targets/{name}/scan", {"name": PORTAL}, {}),
    (API, "/api/v1/targets/{name}/repair", {"name": PORTAL}, {}),
    (API, "/api/v1/targets/{name}/approve", {"name": PORTAL}, {}),
    (API, "/api/v1/targets/{name}/reject", {"name": PORTAL}, {}),
    (API, "/api/v1/targets/{name}/release", {"name": PORTAL}, {}),
    (API, "/api/v1/targets/{name}/disable", {"name": PORTAL}, {}),
    (API, "/api/v1/targets/{name}/enable", {"name": PORTAL}, {}),
    (API, "/api/v1/parked/release", {}, {"kind": "notify", "key": "ghost"}),
    (API, "/api/v1/reconcile", {}, {"contract": HERE}),
    (API, "/api/v1/clock/advance", {}, {"by": "1d", "reason": "a rehearsal"}),
    (API, "/api/v1/accounts/{contract}/proformas", {"contract": NEW}, {"billed_on": "{next}"}),
    (API, "/api/v1/invoices/{number}/void", {"number": "INV-00800001"}, {"reason": "a test"}),
    (API, "/api/v1/accounts/{contract}/pause", {"contract": NEW}, {}),
    (API, "/api/v1/accounts/{contract}/resume", {"contract": NEW}, {"reason": "is back"}),
    (API, "/api/v1/accounts/{contract}/cancel", {"contract": NEW}, {"reason": "moves away"}),
    (OWNER, "/console/accounts/{contract}/cash", {"contract": HERE}, {"once": "k2", "amount": "5"}),
    (
        OWNER,
        "/console/accounts/{contract}/contact",
        {"contract": HERE},
        {"once": "k6", "phone": "+43 1 5550199", "email": "new@harbour.example"},
    ),
    (OWNER, "/console/accounts/{contract}/segment", {"contract": HERE}, {"once": "k2s"}),
    (OWNER, "/console/accounts/{contract}/restore", {"contract": HERE}, {"once": "k3"}),
    (OWNER, "/console/accounts/{contract}/restart", {"contract": HERE}, {"once": "k4"}),
    (
        OWNER,
        "/console/accounts/{contract}/message",
        {"contract": HERE},
        {"once": "k5", "text": "Hi"},
    ),
    (
        OWNER,
        "/console/accounts/{contract}/deposit",
        {"contract": HERE},
        {"once": "k6", "rental": "K2", "keep": "12,50"},
    ),
    (API, "/api/v1/bill-days/{day}/release", {"day": "{tomorrow}"}, {"reason": "fits"}),
    (OWNER, "/console/billing/{day}/release", {"day": "{after}"}, {"reason": "fits"}),
    (OWNER, "/console/work/alike", {}, {"kind": "notify", "cause": "no such notice"}),
    (OWNER, "/console/targets/{name}/approve", {"name": PORTAL}, {"reason": "all are gone"}),
    (OWNER, "/console/targets/{name}/reject", {"name": PORTAL}, {"reason": "a mistake"}),
    (OWNER, "/console/targets/{name}/release", {"name": PORTAL}, {}),
    (OWNER, "/console/targets/{name}/disable", {"name": PORTAL}, {"reason": "it moves"}),
    (OWNER, "/console/targets/{name}/enable", {"name": PORTAL}, {"reason": "it has moved"}),
    (OWNER, "/console/parked/release", {}, {"kind": "notify", "key": "ghost"}),
    (OWNER, "/console/drift/repair", {}, {"id": "none"}),
    (OWNER, "/console/waiting/resolve", {}, {"id": "other_mac:S2", "resolution": "a typo"}),
    (OWNER, "/people", {}, {"name": "anna", "role": "cashier", "password": "nine-blue-lanterns"}),
    (OWNER, "/people/{id}/password", {"id": "{anna}"}, {}),
    (OWNER, "/people/{id}/role", {"id": "{anna}"}, {"role": "support", "reason": "she asked"}),
    (OWNER, "/people/{id}/disable", {"id": "{anna}"}, {"reason": "has left"}),
    (OWNER, "/people/{id}/enable", {"id": "{anna}"}, {}),
    (OWNER, "/people/{id}/revoke", {"id": "{anna}"}, {}),
    (OWNER, "/people/{id}/sign-ins/{sign_in}/revoke", {"id": "{tom}", "sign_in": "{spare}"}, {}),
    (OWNER, "/field/stock/move", {}, {"serial": "{c}", "place": "person:{tom}"}),
    (OWNER, "/field/stock/move", {}, {"serial": "{d}", "place": "person:{tom}"}),
    (OWNER, "/field/jobs", {}, {"event": "e1", "kind": "install", "contract": HERE}),
    (TOM, "/field/jobs/{id}/take", {"id": "{visit}"}, {}),
    (OWNER, "/field/jobs/{id}/assign", {"id": "{visit}"}, {"assignee": "person:{tom}"}),
    (TOM, "/field/register", {}, {"event": "e2", "serial": "{c}", "contract": HERE}),
    (TOM, "/field/box/ask", {}, {"serial": "{c}"}),
    (TOM, "/field/swap", {}, {"event": "e3", "old": "{c}", "new": "{d}", "condition": "good"}),
    (TOM, "/field/return", {}, {"event": "e4", "serial": "{d}", "condition": "good"}),
    (TOM, "/field/jobs/{id}/close", {"id": "{visit}"}, {}),
    (OWNER, "/field/jobs", {}, {"event": "e5", "kind": "install", "contract": HERE}),
    (OWNER, "/field/jobs/{id}/cancel", {"id": "{visit}"}, {}),
    (OWNER, "/field/stock/restock", {}, {"serial": "{c}"}),
    (OWNER, "/field/stock/lost", {}, {"serial": "{c}", "note": "nowhere"}),
    (OWNER, "/field/stock/scrap", {}, {"serial": "{d}", "note": "wet"}),
    (TOM, "/sign-in", {}, {"name": "tom", "password": PASSWORD}),
    (TOM, "/me/sign-ins/revoke", {}, {}),
    (TOM, "/me/sign-ins/{id}/revoke", {"id": "{mine}"}, {}),
    (OWNER, "/sign-out", {}, {}),
)


@pytest.fixture
async def world(harbour, served):
    """The demonstration's operator, with all that the steps are about."""
    hurry(harbour)
    await added(harbour, TOM, "technician")
    async with harbour.store.begin() as tx:
        await harbour.work.mark(tx, "notify", ["ghost"])
    (claim,) = await harbour.work.claim("notify")
    async with harbour.store.begin() as tx:
        await harbour.work.park(tx, [Parking(claim=claim, error="no such notice")])
        for serial in ("S1", "S2"):
            await tx.driver(
                "INSERT INTO review_case (id, kind, serial, reason, found_at, seen_at, count)"
                f" VALUES ('other_mac:{serial}', 'other_mac', '{serial}', 'another MAC', 1, 1, 1)"
            )
        for n in (1, 2):
            for statement in DEPOSIT:
                await tx.driver(statement.format(n=n))
    return served


async def traces(house):
    """Read the whole audit."""
    async with house.store.read() as tx:
        return [row._asdict() for row in await tx.rows(select(audit).order_by(audit.c.position))]


def traced(new, actor: str, why: str | None) -> bool:
    """Whether somebody is named, with the reason where one was given."""
    reasons = {one["reason"] for one in new if one["actor"] == actor}
    return reasons == {why} if why else bool(reasons)


async def found_out(world, known, path, answer) -> None:
    """Learn the ids that later steps are about."""
    if path == "/api/v1/jobs":
        known["job"] = json.loads(answer)["id"]
    # What was paid is settled before a bill is written off.
    if path in {"/api/v1/accounts", "/api/v1/deposits/{rental}/release"}:
        while await lanes(world.house)["settle"].turn():
            pass
    if path == "/api/v1/accounts":
        _, page = await world.api("GET", f"accounts/{NEW}")
        known["bill"] = page["invoices"][0]["number"]
    if path == "/api/v1/accounts/{contract}/purchases":
        known["sale"] = json.loads(answer)["id"]
    if path == "/people":
        known["anna"] = (await named(world.house, "anna")).id
    if path == "/field/jobs":
        _, page = await world.api("GET", "jobs?state=open&limit=500")
        known["visit"] = page["items"][-1]["id"]
    if path == "/sign-in":
        async with world.house.store.read() as tx:
            rows = await tx.rows(select(sign_in).where(sign_in.c.ended_at.is_(None)))
        known["mine"] = max(row.id for row in rows if row.person_id == known["tom"])


async def test_each_route_that_changes_something_leaves_a_trace(world):
    """Whoever does something is named in the audit, in the transaction that does it."""
    house = world.house
    _, page = await world.api("GET", "boxes?state=in_stock&limit=500")
    serials = [one["serial"] for one in page["items"] if one["serial"].startswith("HT2")]
    known = dict(zip("abcde", serials, strict=False))
    tom = await named(house, TOM)
    browsers = {OWNER: await let_in(world), TOM: await let_in(world, "technician", TOM)}
    browsers[GUEST] = await visiting(world, HERE)
    actors = {OWNER: (await named(house, OWNER)).actor, TOM: tom.actor, API: API}
    async with house.store.begin() as tx:
        known |= {"tom": tom.id, "spare": (await house.keeper.begin(tx, tom)).sign_in.id}
        guest = await subscriber(tx, HERE)
        actors[GUEST] = guest.actor
        known["other"] = (await house.subscribers.begin(tx, guest)).sign_in.id
        known["box"] = (await held(tx, guest.service))[0][0].id
        now = await house.clock.business_now(tx)
        await publish(tx, Publication(zone="Europe/Vienna", window_days=1), now)
        for word, ahead in (("tomorrow", 3), ("after", 4), ("next", 60)):
            known[word] = (now + timedelta(days=ahead)).date().isoformat()
    done = set()
    for who, path, parts, fields in STEPS:
        there = path
        for name, value in parts.items():
            there = there.replace(f"{{{name}}}", value.format(**known))
        given = {
            name: value.format(**known) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        before = len(await traces(house))
        if who == API:
            headers = {"Authorization": f"Bearer {world.token}", "Content-Type": "application/json"}
            body = json.dumps(given).encode()
            status, answer, _ = await world.raw("POST", there, headers=headers, data=body)
        else:
            seen = await browsers[who].post(there, **given)
            status, answer = seen.status, seen.text.encode()
        assert status in {200, 201, 303} or there.endswith("scan"), (path, status, answer[:900])
        new = (await traces(house))[before:]
        assert traced(new, actors[who], fields.get("reason")), (path, new)
        await found_out(world, known, path, answer)
        if path == "/sign-in":
            await browsers[who].get("/me")
        done.add(path)
    routes = all_routes(world.site, dict)
    changing = {one.path for one in routes if one.method not in SAFE_METHODS}
    assert changing - done == NO_DEEDS | ELSEWHERE


async def told(house, **sought) -> list[str]:
    """Read the actions of deeds, the newest first."""
    async with house.store.read() as tx:
        return [one.action for one in await reading(tx, Sought(**sought), deeds_max=50)]


async def test_deeds_are_found_as_people_call_them(house):
    """By contract, serial or name of whom it was done to; by name of who did it; by time."""
    olga = await added(house, "olga", "owner")
    now = house.clock.machine_now()
    rows = (
        ("cli:root", "account.change", "contract:77", 3),
        (olga.actor, "box.move", "box:S7", 2),
        ("api:first", "person.role", olga.actor, 1),
    )
    async with house.store.begin() as tx:
        deeds = [
            Deed(at=now + timedelta(hours=5 - ago), actor=actor, action=action, subject=subject)
            for actor, action, subject, ago in rows
        ]
        await record(tx, deeds)
    assert await told(house, subject="77") == ["account.change"]
    assert await told(house, subject="S7") == ["box.move"]
    assert await told(house, subject="olga") == ["person.role", "person.add"]
    assert await told(house, actor="olga") == ["box.move"]
    assert await told(house, actor="api:first", subject="olga") == ["person.role"]
    assert await told(house, since=now + timedelta(hours=2.5)) == ["person.role", "box.move"]
    assert await told(house, since=now + timedelta(days=2)) == []
    assert await told(house, actor="nobody") == []


async def test_deeds_name_people_and_contracts(harbour):
    """What is written down by an id is told by the name or the contract; another id stays."""
    olga = await added(harbour, "olga", "owner")
    async with harbour.store.begin() as tx:
        home = (await accounts.holders(tx, [HERE]))[HERE].service
        deed = Deed(
            at=harbour.clock.machine_now(),
            actor=olga.actor,
            action="box.hand_over",
            subject=f"reconcile:{home}@{PORTAL}",
            before=f"in_stock at {olga.actor}",
            after=f"assigned at {home}, {'0' * 26}",
        )
        await record(tx, [deed])
        found, *_ = await reading(tx, Sought(), deeds_max=1)
    assert (found.subject, found.whom) == (deed.subject, f"reconcile:{HERE}@{PORTAL}")
    assert (found.before, found.after) == ("in_stock at Olga", f"assigned at {HERE}, {'0' * 26}")


@pytest.mark.parametrize("migrated_url", ["sqlite", "postgres"], indirect=True)
async def test_a_page_of_deeds_reads_no_more_than_it_shows(counter):
    """Each page goes on behind the last one, over the API and in the browser, on both engines."""
    house, at = counter.house, datetime(2041, 1, 1, tzinfo=UTC)
    async with house.store.begin() as tx:
        deeds = [
            Deed(at=at, actor="cli:ann", action=f"test.{n}", subject="clock", reason=f"<b>{n}</b>")
            for n in range(120)
        ]
        await record(tx, deeds)
    found, after = [], ""
    while True:
        _, page = await counter.api("GET", f"audit?actor=cli:ann&limit=50&after={after}")
        found += [one["action"] for one in page["items"]]
        if not (after := page["next"] or ""):
            break
    assert found == [f"test.{n}" for n in reversed(range(120))]
    async with house.store.read() as tx:
        assert len(await lines(tx, Wanted(since=at), lines_max=500)) == 120
    owner = await let_in(counter)
    seen = await owner.get("/console/audit?actor=cli:ann")
    assert "&lt;b&gt;119&lt;/b&gt;" in seen.text
    assert "test.69" not in seen.text
    link = seen.text.partition('class="pager"')[2].partition('href="')[2].partition('"')[0]
    seen = await owner.get(link.replace("&amp;", "&"))
    assert "test.69" in seen.text
    assert (await (await let_in(counter, "support")).get("/console/audit")).status == 403
    assert (await owner.get("/console/audit?since=&subject=&actor=")).status == 200
    assert (await owner.get("/console/audit?since=yesterday")).status == 400
