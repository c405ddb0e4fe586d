"""A page asks the database as many questions of much as of little, and shows no more than fits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Date, Integer, Table, select

from app.desk.boxes import holder_of
from app.identity.people import person
from app.identity.sign_ins import sign_in
from app.web.console.kept import Kept
from billing.accounts.store import account, customer, search_term, service
from billing.dunning.store import hold
from billing.equipment.store import rental
from billing.invoicing.store import credit_line, credit_note, invoice, invoice_line
from billing.payments.store import attempt, movement, open_item, payment_method, provider_event
from billing.reads.accounts import Holder
from billing.subscriptions.store import subscription
from gateway.adapters.state import ViewerState
from gateway.inventory.jobs import job
from gateway.inventory.reviews import review_case
from gateway.inventory.store import resource
from gateway.provisioning.tables import (
    darkening,
    drift,
    drift_scan,
    observed,
    service_order,
    target,
    wish,
    wish_problem,
)
from messages.store import delivery
from runtime.log import log_entry, snapshot
from runtime.store import Instant
from runtime.store.audit import audit
from runtime.work import work
from terms.entitlement import Entitlement, Grant, ServiceState
from terms.ids import ServiceId
from tests.flows.app.guest import visiting
from tests.flows.app.served import Served
from tests.flows.app.visitor import Visitor, let_in

CONTRACT = "200001"
LITTLE, MUCH = 2, 50
NOW = datetime(2039, 12, 1, 12, tzinfo=UTC)
PAGES = (
    "/console/",
    "/console/accounts",
    "/console/accounts?search=Many",
    f"/console/accounts/{CONTRACT}",
    f"/console/accounts/{CONTRACT}/history",
    "/console/search?q=Many",
    "/console/search?q=MANY-BOX-1",
    "/console/search?q=MANY-INV-1",
    "/console/waiting",
    "/console/work",
    "/console/audit",
    "/console/messages",
    "/console/notices",
    "/people",
    "/me",
    "/field/",
    "/field/jobs",
    "/field/stock",
)
OF_SUBSCRIBERS = ("/portal/", "/portal/shop", "/portal/invoices", "/portal/boxes", "/portal/me")
VALUE = ViewerState(ref="r", enabled=True).encode()


async def test_a_page_asks_as_much_of_fifty_as_of_two(counter: Served):
    """No page makes a statement more where there is more of everything, a subscriber's neither."""
    owner, guest = await let_in(counter), await visiting(counter, CONTRACT)
    looking = {**dict.fromkeys(PAGES, owner), **dict.fromkeys(OF_SUBSCRIBERS, guest)}
    async with counter.house.store.read() as tx:
        home = await holder_of(tx, CONTRACT)
    asked: list[dict[str, list[str]]] = []
    for first, end in ((0, LITTLE), (LITTLE, MUCH)):
        await fill(counter, home, range(first, end))
        for path, who in looking.items():  # what a process asks once alone is out of the way
            await statements(counter, who, path)
        found = {path: await statements(counter, who, path) for path, who in looking.items()}
        asked.append(found)
    little, much = asked
    for path in looking:
        assert len(much[path]) == len(little[path]), f"{path}: {told(much[path], little[path])}"


async def statements(served: Served, who: Visitor, path: str) -> list[str]:
    """Look at a page; the texts of the statements that it took."""
    console = served.site.console
    console.first = Kept(console._gather)  # nothing is told that was found before
    async with written_down(served) as made:
        seen = await who.get(path)
    assert seen.status == 200, (path, seen.status, seen.location)
    return made


@asynccontextmanager
async def written_down(served: Served) -> AsyncIterator[list[str]]:
    """Write down every statement that the store makes until the block is left."""
    made: list[str] = []
    async with served.house.store.read() as tx:
        kind: Any = type(tx._lease)
    originals = {
        name: getattr(kind, name) for name in ("execute", "fetch", "write", "put", "put_many")
    }

    def noting(call: Any) -> Any:
        async def note(lease: Any, statement: Any, *given: Any) -> Any:
            text = " ".join(str(statement).split())
            if not text.startswith(("BEGIN", "COMMIT")):
                made.append(text)
            return await call(lease, statement, *given)

        return note

    for name, call in originals.items():
        setattr(kind, name, noting(call))
    try:
        yield made
    finally:
        for name, call in originals.items():
            setattr(kind, name, call)


def told(much: list[str], little: list[str]) -> str:
    """Name a statement that was made more often."""
    return next((one for one in much if much.count(one) > little.count(one)), "")[:300]


async def fill(served: Served, home: Holder, numbers: range) -> None:
    """Let there be one more of everything that pages show, for each number."""
    async with served.house.store.begin() as tx:
        for number in numbers:
            for table, given in of_the_operator(number):
                await tx.insert(table, [row(table, **given)])
            for table, given in (*of_the_household(number, home), *beside_its_money(number, home)):
                await tx.insert(table, [row(table, **given)])
        wares = await tx.rows(select(subscription).where(subscription.c.service_id == home.service))
        for number in numbers:
            more = dict(wares[0]._asdict()) | {"id": f"subscription-{number}"}
            await tx.insert(subscription, [more])


def of_the_operator(n: int) -> list[tuple[Table, dict[str, Any]]]:
    """Say what there is once more: a household with a box, and what waits about it."""
    home, name, serial = f"many-{n}", f"Many {n}", f"MANY-BOX-{n}"
    of_account, of_customer = f"account-{n}", f"customer-{n}"
    target_name = f"many-{n}"
    rights = Entitlement(
        service=ServiceId(home),
        revision=1,
        state=ServiceState.ACTIVE,
        grants=(Grant(code="base"),),
        label=name,
    )
    return [
        (customer, {"id": of_customer, "name": name}),
        (account, {"id": of_account, "customer_id": of_customer, "number": f"A{n}", "zone": "UTC"}),
        (service, {"id": home, "account_id": of_account, "contract": f"9{n:05}", "label": name}),
        (search_term, {"service_id": home, "term": "w:many"}),
        (snapshot, {"topic": "entitlement", "key": home, "value": rights.encode()}),
        (resource, {"id": f"r{n}", "serial": serial, "service": home, "state": "assigned"}),
        (resource, {"id": f"s{n}", "serial": f"{serial}-S", "state": "in_stock", "place": "depot"}),
        (job, {"id": f"job-{n}", "kind": "swap", "service": home, "state": "open", "assignee": ""}),
        (review_case, {"id": f"other_mac:{serial}", "kind": "other_mac", "serial": serial}),
        (work, {"kind": "compose", "key": home, "target": "", "parked_at": n + 1, "error": "e"}),
        (wish_problem, {"service": home, "target": "", "reason": "no route"}),
        (
            drift,
            {"id": f"d{n}", "target": "portal", "ref": home, "kind": "differs", "fields": "{}"},
        ),
        (
            service_order,
            {"id": f"o{n}", "service": home, "target": "portal", "outcome": "done", "what": "{}"},
        ),
        (delivery, {"id": f"n{n}", "service_id": home, "via": "screen", "outcome": "sent"}),
        (
            target,
            {"name": target_name, "kind": "ministra", "options": "x", "enabled": True}
            | {"models": "[]", "drift_policy": "repair"},
        ),
        (drift_scan, {"target": target_name}),
        (darkening, {"target": target_name, "subject": home, "verdict": "stopped"}),
        (observed, {"target": target_name, "subject": home, "value": VALUE, "enabled": True}),
        (person, {"id": f"p{n}", "name": f"many.{n}", "display": name, "role": "support"}),
        (audit, {"actor": f"person:p{n}", "subject": f"contract:9{n:05}"}),
        (provider_event, {"id": f"e{n}", "event_id": f"e{n}", "state": "unmatched", "body": b"{}"}),
    ]


def of_the_household(n: int, home: Holder) -> list[tuple[Table, dict[str, Any]]]:
    """Say what one household owes, has paid and was given back once more."""
    mine, of = home.service, home.account
    day = date(2030, 1, 1) + timedelta(days=31 * n)
    period = {"period_start": day, "period_end": day + timedelta(days=30)}
    whole = {"measure": "day", "units_before": 0, "units": 30, "of_units": 30}
    line = {"service_id": mine, "offering": "HARBOUR", "tax": "vat", **whole}
    money = {"account_id": of, "currency": home.currency, "groups": "[]", "tax_minor": 0}
    return [
        (invoice, {"id": f"i{n}", "number": f"MANY-INV-{n}", "sequence": 90_000 + n, **money}),
        (
            invoice_line,
            {
                "invoice_id": f"i{n}",
                "n": 1,
                "subject": f"x{n}",
                "kind": "deposit",
                **line,
                **period,
            },
        ),
        (open_item, {"id": f"i{n}", "kind": "invoice", "account_id": of, "currency": "EUR"}),
        (credit_note, {"id": f"c{n}", "number": f"C-{n}", "sequence": 90_000 + n, **money}),
        (
            credit_line,
            {"note_id": f"c{n}", "n": 1, "invoice_id": f"i{n}", "invoice_n": 1, **period},
        ),
        (movement, {"id": f"m{n}", "account_id": of, "ref": f"m{n}", "kind": "cleared"}),
        (payment_method, {"id": f"w{n}", "account_id": of, "provider": "cards"}),
        (
            attempt,
            {"id": f"a{n}", "account_id": of, "invoice_id": f"i{n}", "method_id": f"w{n}"}
            | {"state": "failed"},
        ),
    ]


def beside_its_money(n: int, home: Holder) -> list[tuple[Table, dict[str, Any]]]:
    """Say what else one household has once more."""
    mine, of = home.service, home.account
    fact = f'{{"account":"{CONTRACT}","amount_minor":1,"currency":"EUR","provider":"cash"}}'
    return [
        (rental, {"id": f"x{n}", "service_id": mine, "offering": "HARBOUR", "until_on": None}),
        (hold, {"id": f"h{n}", "service_id": mine, "kind": "dunning"}),
        (resource, {"id": f"b{n}", "serial": f"B-{n}", "service": mine, "state": "assigned"}),
        (
            wish,
            {
                "subject": f"b{n}",
                "service": mine,
                "target": "portal",
                "value": VALUE,
                "state": "active",
            },
        ),
        (observed, {"subject": f"b{n}", "target": "portal", "value": VALUE}),
        (job, {"id": f"own-{n}", "kind": "swap", "service": mine, "state": "open"}),
        (
            drift,
            {
                "id": f"own-{n}",
                "target": "portal",
                "ref": f"own-{n}",
                "kind": "differs",
                "fields": "{}",
            },
        ),
        (
            service_order,
            {"id": f"p{n}", "service": mine, "target": "portal", "outcome": "done", "what": "{}"},
        ),
        (delivery, {"id": f"own-{n}", "service_id": mine, "via": "screen", "outcome": "sent"}),
        (log_entry, {"id": f"f{n}", "kind": "payment.cleared", "key": of, "value": fact}),
        (audit, {"actor": "test", "subject": f"contract:{CONTRACT}"}),
        (sign_in, {"id": f"s{n}", "person_id": f"p{n}", "token_hash": f"t{n}"}),
    ]


def row(table: Table, **given: Any) -> dict[str, Any]:
    """Make a row of what is given; whatever else it must have is filled in."""
    return {
        column.name: given.get(column.name, None if column.nullable else filler(column.type))
        for column in table.columns
        if column.name in given or column.autoincrement is not True
    }


def filler(kind: Any) -> Any:
    """Give something of a type."""
    if isinstance(kind, Instant):
        return NOW
    if isinstance(kind, Date):
        return NOW.date()
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, Integer):
        return 1
    return "EUR" if getattr(kind, "length", 0) == 3 else "x"
