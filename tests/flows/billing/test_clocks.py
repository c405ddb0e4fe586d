"""Clocks that jump, stand still and go back: no period is skipped, none is charged twice."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from billing.invoicing.store import invoice, invoice_line
from runtime.store import Store
from tests.fixtures.billing import PUBLICATION, Office, make_office
from tests.flows.billing.books import check_books

# East and west of everybody, half an hour of summer time, summer time in the south, none at all.
ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe", "Europe/Vienna", "UTC")
# Before 29 February, the hours that are missing and come twice in the spring and autumn, New Year.
BEGINNINGS = (
    datetime(2028, 1, 30, 23, 30, tzinfo=UTC),
    datetime(2027, 3, 27, 23, 59, tzinfo=UTC),
    datetime(2027, 10, 30, 22, 1, tzinfo=UTC),
    datetime(2026, 12, 31, 9, 59, tzinfo=UTC),
)
HOUR = timedelta(hours=1)
# Back two hours, a second that takes a minute, a day and one that is too long, thirty-five days.
JUMPS = (-2 * HOUR, timedelta(seconds=61), 23 * HOUR, 25 * HOUR, timedelta(days=35))
ENDS_AFTER = timedelta(days=130)


async def charged(store: Store) -> list[tuple[str, date, date, int]]:
    """List what was charged for which period."""
    c = invoice_line.c
    query = select(c.offering, c.period_start, c.period_end, c.amount_minor).select_from(
        invoice_line.join(invoice, invoice.c.id == c.invoice_id)
    )
    async with store.read() as tx:
        return sorted(tuple(row) for row in await tx.rows(query))


async def lived(
    template: Path, place: Path, machine, zone: str, begins: datetime, jumps: list[timedelta] | None
) -> list[tuple[str, date, date, int]]:
    """Have a household whose bill day is the last of a month, with this clock or a good one."""
    shutil.copy(template, place)
    store = Store(f"sqlite:///{place}")
    try:
        office = make_office(store, machine)
        office.now = begins
        await office.publish(replace(PUBLICATION, zone=zone))
        account = await office.join(bill_day=31, method=None, zone=zone)
        for jump in jumps or ():
            office.now = min(office.now + jump, begins + ENDS_AFTER)
            await office.settle(account)
            await office.settle(account)
        await settle_to_the_end(office, account, begins)
        await check_books(store)
        return await charged(store)
    finally:
        await store.close()


async def settle_to_the_end(office: Office, account, begins: datetime) -> None:
    """Let the clock go as it should."""
    end = begins + ENDS_AFTER
    await office.live([account], end)
    office.now = end
    await office.settle(account)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    begins=st.sampled_from(BEGINNINGS),
    jumps=st.lists(st.sampled_from(JUMPS), max_size=8),
)
async def test_no_clock_charges_a_period_twice_or_never(
    sqlite_template, tmp_path, machine, zone, begins, jumps
):
    """What a good clock has charged at the end, a bad one has charged too, and nothing else."""
    good = await lived(sqlite_template, tmp_path / "good.db", machine, zone, begins, None)
    bad = await lived(sqlite_template, tmp_path / "bad.db", machine, zone, begins, jumps)
    assert bad == good
    periods = [(start, end) for _, start, end, _ in good]
    assert len(set(periods)) == len(periods) >= 4
    assert all(end == start for (_, end), (start, _) in pairwise(periods))
