"""Lists are read page by page: each line once, in order, whatever is added meanwhile."""

from __future__ import annotations

import pytest

from app.web.cursor import cursor
from app.web.routes import all_routes
from billing.payments.store import provider_event
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
        now = house.clock.machine_now()
        deeds = [
            audit.Deed(at=now, actor="t", action=f"a{n}", subject="contract:200001")
            for n in range(7)
        ]
        await audit.record(tx, deeds)


DIFF = "/catalogue/diff"  # from one version to another
# No text of a cursor, one of another list, and such with instants and days that there are not.
ODD = ("zz", cursor((1, 2, 3)), cursor(((1 << 62) - 1, "x")), cursor(("zz", "zz", "x", "y")))

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
)
RISING = {"accounts", "boxes", "targets"}


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


async def test_what_is_added_in_front_moves_nothing(harbour, served):
    """A line that comes first while somebody reads shifts no page."""
    _, first = await served.api("GET", "accounts?limit=3")
    order = {"contract": "100000", "name": "Flat 1", "plan": "HARBOUR"}
    assert (await served.api("POST", "accounts", order))[0] == 201
    _, second = await served.api("GET", f"accounts?limit=3&after={first['next']}")
    seen = [one["contract"] for one in (*first["items"], *second["items"])]
    assert seen == [f"20000{n}" for n in range(1, 7)]
