"""Lists are read page by page: each line once, in order, whatever is added meanwhile."""

from __future__ import annotations

import html
import re
from typing import get_origin

import pytest

from app.web.api.routes import API
from app.web.console import cashing, vouchers
from app.web.console import pages as pages_
from app.web.cursor import cursor
from app.web.routes import all_routes
from billing.cash.store import receipt, shift, till
from billing.catalog.store import catalog_version
from billing.payments.store import provider_event
from billing.vouchers.store import voucher_batch
from runtime.store import audit, from_micros
from tests.flows.app.guest import visiting
from tests.flows.app.visitor import let_in


async def pages(served, path: str, limit: int) -> list[list[dict]]:
    """Read a list to its end."""
    found, after = [], ""
    mark = "&" if "?" in path else "?"
    while True:
        asked = f"{path}{mark}limit={limit}" + (f"&after={after}" if after else "")
        status, page = await served.api("GET", asked)
        assert status == 200, page
        found.append(page["items"])
        if page["next"] is None:
            return found
        after = page["next"]


async def furnish(house) -> None:
    """Make something of everything that is listed; much of it at the same instant."""
    async with house.store.begin() as tx:
        service = (await tx.fetch("SELECT id FROM service ORDER BY contract"))[0][0]
        for n in range(7):
            at = 1_000_001 + n // 3
            await tx.driver(
                "INSERT INTO work (kind, key, marked_at, not_before, due_at, parked_at, error) "
                f"VALUES ('{'settle' if n % 2 else 'collect'}', 'K{n}', 0, 0, 0, {at}, 'why')"
            )
            event: dict[str, object] = {
                "id": f"E{n}",
                "provider": "cards",
                "event_id": f"evt_{n}",
                "body": b"{}",
            }
            event |= {"received_at": from_micros(at), "state": "unmatched", "reason": "why"}
            await tx.insert(provider_event, [event])
            await tx.driver(
                "INSERT INTO wish_problem (service, target, reason, found_at) "
                f"VALUES ('{service}', 'T{n}', 'why', {at})"
            )
            await tx.driver(
                "INSERT INTO delivery (id, service_id, via, to_address, kind, text, outcome, "
                f"begun_at, why) VALUES ('m{n}', '{service}', '{'sms' if n % 2 else 'screen'}', "
                f"'', 'receipt', 't', 'begun', {at}, '')"
            )
            await tx.driver(
                "INSERT INTO stranger VALUES "
                f"('S{n // 2}', 'O{n}', 'M', '', '192.0.2.1', {at}, {at}, 1)"
            )
            await tx.driver(
                "INSERT INTO review_case (id, kind, serial, reason, found_at, seen_at, count) "
                f"VALUES ('doubtful:S{n}', 'doubtful', 'S{n}', 'why', {at}, {at}, 1)"
            )
        await furnish_desk(tx)
        now = house.clock.machine_now()
        deeds = [
            audit.Deed(at=now, actor="t", action=f"a{n}", subject="contract:200001")
            for n in range(7)
        ]
        await audit.record(tx, deeds)


DIFF = "/catalogue/diff"  # from one version to another
# No text of a cursor, one of another list, and such with instants and days that there are not.
ODD = ("zz", cursor((1, 2, 3)), cursor(((1 << 62) - 1, "x")), cursor(("zz", "zz", "x", "y")))


async def furnish_desk(tx) -> None:
    """Make shifts, receipts, batches of vouchers and catalogues."""
    owner = (await tx.fetch("SELECT account_id FROM service WHERE contract = '200001'"))[0][0]
    for name in ("t0", "t1"):
        new = {"name": name, "place": "", "tolerance_minor": 0, "made_at": from_micros(1)}
        await tx.insert(till, [new])
    for n in range(7):
        at = from_micros(1_000_001 + n // 3)
        one = {"id": f"F{n}", "till": f"t{n % 2}", "n": n, "cashier": "c", "state": "closed"}
        one |= {"opened_at": at, "entries": 0, "counted_by": "c", "closed_at": at, "closed_by": "c"}
        await tx.insert(shift, [one])
        paid = {"id": f"P{n}", "sequence": n + 1, "number": f"RCT-{n + 1:08}", "kind": "payment"}
        paid |= {"account_id": owner, "cause_id": f"M{n}", "amount_minor": 1, "currency": "EUR"}
        paid |= {"reference": f"R{n}", "cashier": "c", "issued_on": at.date(), "issued_at": at}
        await tx.insert(receipt, [paid])
        batch = {"name": f"V{n}", "prefix": "", "value_minor": 1, "currency": "EUR", "count": 1}
        batch |= {"valid_until": at.date(), "dealer": "d", "margin_ppm": 0, "state": "made"}
        await tx.insert(voucher_batch, [batch | {"made_at": at}])
        book = {"edition": 1_000 + n, "name": f"b{n}", "published_at": at, "document": "{}"}
        await tx.insert(catalog_version, [book])


# Lists without pages: what is in them does not grow with the days.
SHORT = {
    "tills",
    "debits/creditor",
    "debits/coming",
    "accounts/{contract}/mandates",
    "accounts/{contract}/methods",
    "catalogue/diff",
    "notices",
}

LISTS = (
    ("accounts", lambda one: one["contract"], 25),
    ("boxes", lambda one: one["serial"], None),
    ("parked", lambda one: (one["since"], one["kind"], one["key"]), 21),
    ("strangers", lambda one: (one["last_at"], one["serial"], one["oui"]), 7),
    ("reviews", lambda one: (one["seen_at"], one["id"]), 7),
    ("messages", lambda one: (one["begun_at"], one["id"]), 7),
    ("messages?channel=sms&contract=200001&outcome=begun", lambda one: one["id"], 3),
    ("accounts/200001/history", lambda one: one["action"], None),
    ("targets", lambda one: one["name"], 4),
    ("shifts", lambda one: (one["opened_at"], one["name"][3:]), 7),
    ("shifts?till=t1", lambda one: one["name"], 3),
    ("vouchers", lambda one: (one["made_at"], one["name"]), 7),
    ("catalogue/versions", lambda one: one["edition"], 8),
    ("accounts/200001/receipts", lambda one: one["number"], 7),
)
RISING = {"accounts", "boxes", "targets"}


def test_what_grows_is_read_page_by_page():
    """A list of the API has pages, unless it is one that does not grow with the days."""
    looks = {one.path.removeprefix("/api/v1/"): one for one in API if one.method == "GET"}
    assert {path for path, one in looks.items() if get_origin(one.answer) is list} == SHORT


async def test_every_list_is_whole_page_by_page(counter):
    """Whatever the size of a page, each line comes once and in the one order."""
    await furnish(counter.house)
    for path, key, count in LISTS:
        (whole,) = await pages(counter, path, 500)
        assert count in {None, len(whole)}, path
        for limit in (1, 2, 5):
            found = await pages(counter, path, limit)
            assert [one for page in found for one in page] == whole, (path, limit)
            assert {len(page) for page in found[:-1]} <= {limit}
        keys = [key(one) for one in whole]
        if path.partition("/")[2] == "":
            assert keys == sorted(keys, reverse=path not in RISING), path
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("other", ["parked", "reviews", "drift", "strangers"])
async def test_a_cursor_is_good_for_its_own_list(harbour, served, other):
    """The place of one list is refused by another, by name."""
    _, page = await served.api("GET", "accounts?limit=1")
    status, told = await served.api("GET", f"{other}?after={page['next']}")
    assert (status, told["field"]) == (400, "after")


async def test_what_is_no_cursor_is_refused_by_every_list(harbour, served):
    """Whatever has `after` names it where that cannot be read, over the API and on pages."""
    owner, guest = await let_in(served), await visiting(served, "200001")
    names = {"contract": "200001", "id": "X"}
    asked = []
    for route in all_routes(served.site, dict):
        if route.query is None or "after" not in route.query.model_fields or DIFF in route.path:
            continue
        path = f"{route.path.format(**names)}?after="
        asked.append(route.path)
        if route.path.startswith("/api/"):
            for odd in ODD:
                status, told = await served.api("GET", f"{path.removeprefix('/api/v1/')}{odd}")
                assert (status, told["field"]) == (400, "after"), (path, odd, told)
            continue
        here = guest if path.startswith("/portal") else owner
        for odd in ODD:
            seen = await here.get(f"{path}{odd}")
            assert (seen.status, "<strong>After</strong>" in seen.text) == (400, True), path
    assert len(asked) > 25


@pytest.mark.parametrize("path", ["/console/cash", "/console/vouchers", "/console/accounts"])
async def test_a_list_on_a_page_goes_on_behind_its_last(counter, monkeypatch, path):
    """From one page to the next each line is read once, and the last page leads nowhere."""
    for module, name in (
        (cashing, "SHIFTS_SHOWN"),
        (vouchers, "BATCHES_SHOWN"),
        (pages_, "LINES_MAX"),
    ):
        monkeypatch.setattr(module, name, 3)
    await furnish(counter.house)
    owner, at = await let_in(counter), path
    seen: list[str] = []
    marks = {
        "/console/cash": r'href="/console/cash/shifts/([^"]+)"',
        "/console/vouchers": r'<h2 id="h-\d+">([^<]+)<',
        "/console/accounts": r'href="/console/accounts/(\d+)"',
    }
    while at and len(seen) < 100:
        text = (await owner.get(at)).text
        seen += dict.fromkeys(re.findall(marks[path], text))
        onward = re.search(rf'href="({path}\?[^"]*after=[^"]+)"', text)
        at = html.unescape(onward[1]) if onward else ""
    assert len(seen) == len(set(seen)) >= 7
    assert at == ""


async def test_what_is_added_in_front_moves_nothing(harbour, served):
    """A line that comes first while somebody reads shifts no page."""
    _, first = await served.api("GET", "accounts?limit=3")
    order = {"contract": "100000", "name": "Flat 1", "plan": "HARBOUR"}
    assert (await served.api("POST", "accounts", order))[0] == 201
    _, second = await served.api("GET", f"accounts?limit=3&after={first['next']}")
    seen = [one["contract"] for one in (*first["items"], *second["items"])]
    assert seen == [f"20000{n}" for n in range(1, 7)]
