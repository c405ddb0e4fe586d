"""What is counted for the monitoring: by route, by provider, from a payment to its picture."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.desk.asking import ask
from app.roles.pictures import Pictures
from billing.payments.model import PaymentFact
from billing.reads import accounts
from gateway.provisioning.tables import drift, observed
from runtime import log
from runtime.log import Entry
from runtime.metrics import metrics
from runtime.store import to_micros
from runtime.work import Parking
from terms.entitlement import ServiceState
from terms.errors import Unreachable
from terms.facts import ServiceStateChanged
from terms.ids import TargetName

PROVEN = "boxoffice_payment_proven_seconds"
TARGET = "portal-north"
A_MINUTE_S = 60.0
PAYS_DARK, PAYS_LIT, PAYS_LESS = "200001", "200002", "200003"


def number(line: str) -> float:
    """What is told of one number now; 0 where nothing was."""
    told = dict(one.rsplit(" ", 1) for one in metrics().decode().splitlines() if one[:1] != "#")
    return float(told.get(line, 0))


async def test_requests_are_counted_by_route_and_never_by_path(served):
    """A path that names a household is counted under its route; what is no route is one."""
    known = 'boxoffice_http_requests_total{route="GET /api/v1/accounts/{contract}",status="404"}'
    stray = 'boxoffice_http_requests_total{route="none",status="404"}'
    took = 'boxoffice_http_request_seconds_count{route="GET /api/v1/accounts/{contract}"}'
    before = [number(line) for line in (known, stray, took)]
    assert (await served.api("GET", "accounts/Q8811"))[0] == 404
    assert (await served.raw("GET", "/nothing/Q8812"))[0] == 404
    assert (await served.raw("DELETE", "/healthz?Q8813"))[0] == 405
    assert [number(line) for line in (known, stray, took)] == [one + 1 for one in before]
    _, body, _ = await served.raw("GET", "/metrics")
    assert b"Q881" not in body


async def test_what_is_looked_up_in_the_database_is_so(harbour, served):
    """How old what is due is, what is set aside, what differs, and which target is up."""
    now, work = harbour.clock.machine_now(), harbour.work
    async with harbour.store.begin() as tx:
        came_at = now + await harbour.clock.offset(tx) - timedelta(seconds=90)
        long_ago, due_at = to_micros(now - timedelta(days=30)), to_micros(came_at)
        asked = "UPDATE work SET is_scheduled = 1, marked_at = ?, due_at = ?"
        await tx.driver(asked, (long_ago, due_at))
        await work.mark(tx, "notify", ["a", "b"])
        await tx.driver("UPDATE target SET down_since = ?", (to_micros(now),))
        found = {"id": "d", "target": TARGET, "ref": PAYS_DARK, "kind": "differs", "fields": "{}"}
        await tx.insert(drift, [found | {"found_at": now, "scan_at": now}])
    claim, _ = await work.claim("notify")
    async with harbour.store.begin() as tx:
        await work.park(tx, [Parking(claim=claim, error="no such notice")])
    await served.raw("GET", "/metrics")
    age = 'boxoffice_work_oldest_seconds{kind="settle",target=""}'
    assert 90 <= number(age) < 90 + A_MINUTE_S
    assert number('boxoffice_work_parked{kind="notify",target=""}') == 1
    assert number('boxoffice_work_due{kind="notify",target=""}') == 1
    assert number(f'boxoffice_target_up{{target="{TARGET}"}}') == 0
    assert number(f'boxoffice_drift_open{{target="{TARGET}"}}') == 1
    async with harbour.store.begin() as tx:
        await tx.driver("UPDATE work SET due_at = due_at + ?", (to_micros(now) // 2,))
        ((key,),) = await tx.fetch("SELECT min(key) FROM work WHERE kind = 'settle'")
        await work.mark(tx, "settle", [key])  # long scheduled, and now somebody wishes for it
        await tx.driver("UPDATE target SET down_since = NULL")
        await tx.driver("UPDATE drift SET repaired_at = ?", (to_micros(now),))
    await served.raw("GET", "/metrics")
    assert number('boxoffice_work_due{kind="settle",target=""}') == 1
    assert number(age) < A_MINUTE_S
    assert number(f'boxoffice_target_up{{target="{TARGET}"}}') == 1
    assert number(f'boxoffice_drift_open{{target="{TARGET}"}}') == 0


async def test_providers_are_counted_by_what_they_answer():
    """An answer and an error are both counted, with the time they took."""

    async def page() -> str:
        return "https://pay.example/1"

    async def away() -> str:
        raise Unreachable("nobody")

    assert await ask("till", page()) == "https://pay.example/1"
    with pytest.raises(Unreachable):
        await ask("till", away())
    for outcome in ("page", "unreachable"):
        line = f'boxoffice_provider_calls_total{{outcome="{outcome}",provider="till"}}'
        assert number(line) == 1
    assert number('boxoffice_provider_call_seconds_count{provider="till"}') == 2


async def test_a_household_that_was_dark_is_timed_until_its_picture(harbour):
    """From the newest payment to the first target that shows it; who was lit already is not timed.

    Neither is one whose payment was too little until more has come.
    """
    now = harbour.clock.machine_now()
    async with harbour.store.begin() as tx:
        holders = await accounts.holders(tx, [PAYS_DARK, PAYS_LIT, PAYS_LESS])
        homes = {contract: one.service for contract, one in holders.items()}
        seen = {"target": TARGET, "value": "", "revision": 1, "enabled": True, "seen_at": now}
        await tx.insert(observed, [{"subject": homes[PAYS_LIT], **seen}])
    pictures = Pictures(harbour)
    await pictures.look()
    before = number(f"{PROVEN}_count"), number(f"{PROVEN}_sum")

    def paid(contract: str, at_s: float) -> Entry:
        at = now + timedelta(seconds=at_s)
        id_ = f"{contract}{at_s}"
        kind = PaymentFact.CLEARED.value
        return Entry(id=id_, kind=kind, key=holders[contract].account, value="{}", at=at)

    def shown(contract: str, state: ServiceState, at_s: float) -> Entry:
        home = homes[contract]
        fact = ServiceStateChanged(
            service=home, target=TargetName(TARGET), revision=2, state=state
        ).encode()
        at = now + timedelta(seconds=at_s)
        id_ = f"{home}{at_s}"
        return Entry(id=id_, kind=ServiceStateChanged.KIND, key=home, value=fact, at=at)

    async with harbour.store.begin() as tx:
        await log.append(tx, [paid(PAYS_DARK, 0), paid(PAYS_LIT, 0), paid(PAYS_LESS, 0)])
    await pictures.look()
    later = [
        shown(PAYS_DARK, ServiceState.ACTIVE, 2),
        shown(PAYS_DARK, ServiceState.ACTIVE, 9),
        shown(PAYS_LIT, ServiceState.ACTIVE, 50),
        shown(PAYS_LESS, ServiceState.SUSPENDED, 60),
        paid(PAYS_LESS, 100),
        shown(PAYS_LESS, ServiceState.ACTIVE, 103),
    ]
    async with harbour.store.begin() as tx:
        await log.append(tx, later)
    await pictures.look()
    assert number(f"{PROVEN}_count") - before[0] == 2
    assert number(f"{PROVEN}_sum") - before[1] == pytest.approx(2 + 3)
