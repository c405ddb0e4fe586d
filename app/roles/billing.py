"""A whole base is billed: what would be, told before anything is written; what is; a recheck.

The cursor of a run is the work rows of its accounts: each is due until it is settled, in the same
transaction. So a run that stops goes on where it was, and what is done is not done again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.desk import business
from app.desk.auditing import note
from app.desk.documents import AHEAD_DAYS_MAX
from app.roles import crew
from app.roles import settle as settling
from app.roles.foretold import SHOCK_PERCENT, SHOWN_MAX, BillPreview, Broken, Rechecked, add, sum_up
from app.roles.pace import BY_ITSELF, longer_while_alone
from app.roles.possessions import take_waiting
from app.wiring import House
from billing.billdays.model import OPEN_GATE, DayState, state_of
from billing.flows import billdays as released
from billing.flows.recheck import reopen_all
from billing.flows.settle import foresee, settle
from billing.reads import billdays, bills
from runtime.memory import settle_down
from runtime.store import Tx
from runtime.work.due import due_among, due_count, due_keys
from terms.calendar import days_after, local_date, start_of_day
from terms.errors import BoxofficeError, DomainError, Invalid
from terms.ids import AccountId

CHUNK_ROWS = 100
_INSTANT = timedelta(microseconds=1)

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How many accounts a run has settled, and how many are due all the same: they wait or fail.

    `waiting` are the bill days that nobody has let go: what falls due on them is not charged yet.
    """

    accounts: int
    left: int
    waiting: Sequence[date] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a preview somebody wants: of which day, by which bounds, and of how many at most."""

    day: date | None = None
    shock_percent: int = SHOCK_PERCENT
    accounts_max: int | None = None


async def preview(house: House, asked: Asked, tell: Tell) -> BillPreview:
    """Tell what would be billed of all accounts that are due by the end of a day; bills nothing.

    What is handed over begins its rent first, as in a run, so that its rent is told, too.
    What is told of a day that waits for a person is kept, for whoever is to let it go.
    Raises Invalid for a day that is over or far ahead, DomainError where more accounts are looked
    at than somebody has the time for.
    """
    await take_waiting(house)
    async with house.store.read() as tx:
        now = await house.clock.business_now(tx)
        known = await business.find(tx)
        zone = known.zone if known else "UTC"
        today = local_date(now, zone)
        gate = await billdays.gate(tx)
        day = asked.day or today
        if day < today and state_of(day, gate, today) is not DayState.DRAFT:
            raise Invalid("day", f"{day} is over: whatever it billed is on invoices")
        last = days_after(today, AHEAD_DAYS_MAX)
        if day > last:
            raise Invalid("day", f"{day} is too far ahead: {last} is the last that can be told")
        moment = start_of_day(days_after(day, 1), zone) - _INSTANT
        # Whoever waits is looked at again only when the window is over.
        until = max(moment, now) + timedelta(days=gate.window_days)
        many = await due_count(tx, settling.KIND, until)
    if asked.accounts_max is not None and many > asked.accounts_max:
        raise DomainError(f"{many} accounts are due: use `boxoffice bill preview --on {day}`")
    found = BillPreview(at=moment, day=day, shock_percent=asked.shock_percent)

    async def rehearse(accounts: Sequence[AccountId]) -> None:
        """As if every day were let go."""
        async with house.store.rehearse() as tx:
            foreseen = await foresee(house.desk, tx, accounts, moment, gate=OPEN_GATE)
            await add(tx, found, foreseen)

    async for accounts in _chunks(house, until):
        await _each(house, accounts, found, rehearse)
        tell(found.accounts, many)
    await _gone(house, found, until)
    if gate.window_days and state_of(day, gate, today) is not DayState.RELEASED:
        async with house.store.begin() as tx:
            await released.keep_preview(tx, day, found.told(), now)
    return found


async def run(house: House, tell: Tell, *, actor: str) -> Ran:
    """Settle all accounts that are due, also beside a process that does the same."""
    settle_down()
    lane = crew.settling(house, BY_ITSELF)
    async with house.store.read() as tx:
        now = await house.clock.business_now(tx)
        many = await due_count(tx, settling.KIND, now)
    done = 0

    def count_on(count: int) -> None:
        nonlocal done
        done += count
        tell(done, max(many, done))

    async with longer_while_alone(house, lane):
        await lane.drain(count_on)
    async with house.store.begin() as tx:
        left = await due_count(tx, settling.KIND, now)
        told = f"settled: {done}, left: {left}"
        await note(house, tx, actor=actor, action="bill.run", subject="bill", after=told)
        known = await business.find(tx)
        today = local_date(now, known.zone if known else "UTC")
        waiting = tuple((await billdays.gate(tx)).waiting(today))
    return Ran(accounts=done, left=left, waiting=waiting)


async def recheck(house: House, since: datetime, tell: Tell) -> Rechecked:
    """Compute every period since a day again, of all accounts, and tell what differs.

    Raises Invalid for a day that is to come.
    """
    async with house.store.read() as tx:
        now = await house.clock.business_now(tx)
        known = await business.find(tx)
        many = await due_count(tx, settling.KIND, _FAR)
    today = local_date(now, known.zone if known else "UTC")
    if since.date() > today:
        raise Invalid("recheck", f"{since.date()} is to come: nothing is charged from it on yet")
    found = Rechecked(at=now, since=since.date())

    async def compare(accounts: Sequence[AccountId]) -> None:
        async with house.store.rehearse() as tx:
            await _compare(house, tx, accounts, found)
        found.accounts += len(accounts)

    async for accounts in _chunks(house, _FAR):
        await _each(house, accounts, found, compare)
        tell(found.accounts, many)
    return found


async def _compare(house: House, tx: Tx, accounts: Sequence[AccountId], found: Rechecked) -> None:
    """Settle what is due, and only then compute all again. Nothing of it may be kept."""
    keys = await due_among(tx, settling.KIND, accounts, found.at)
    foreseen = await foresee(house.desk, tx, [AccountId(key) for key in keys], found.at)
    due = [one for one in foreseen if one.invoices or one.note]
    if due:
        await settle(house.desk, tx, [one.account for one in due], found.at)
    await reopen_all(house.desk, tx, accounts, found.since)
    differs = await foresee(house.desk, tx, accounts, found.at)
    for sums, documents in ((found.due, due), (found.differs, differs)):
        for one in documents:
            sum_up(sums, one)


_FAR = datetime(9999, 1, 1, tzinfo=UTC)


async def _chunks(house: House, until: datetime) -> AsyncIterator[list[AccountId]]:
    after = ""
    while True:
        async with house.store.read() as tx:
            keys = await due_keys(tx, settling.KIND, until, after=after, rows_max=CHUNK_ROWS)
        if not keys:
            return
        yield [AccountId(key) for key in keys]
        after = keys[-1]


async def _each(
    house: House,
    accounts: Sequence[AccountId],
    found: BillPreview | Rechecked,
    rehearse: Callable[[Sequence[AccountId]], Awaitable[None]],
) -> None:
    """Rehearse a batch; where one account breaks it, each by itself."""
    try:
        await rehearse(accounts)
    except BoxofficeError as error:
        if len(accounts) == 1:
            await _broke(house, accounts[0], found, error)
            return
        for one in accounts:
            await _each(house, [one], found, rehearse)


async def _broke(
    house: House, account: AccountId, found: BillPreview | Rechecked, error: BoxofficeError
) -> None:
    found.accounts += 1
    found.broken_count += 1
    if len(found.broken) < SHOWN_MAX:
        async with house.store.read() as tx:
            named = (await bills.names(tx, [account])).get(account)
        number = named.number if named else account
        found.broken.append(Broken(number=number, why=str(error)))


async def _gone(house: House, found: BillPreview, until: datetime) -> None:
    """Add who is not even looked at and was billed a month before."""
    async with house.store.read() as tx:
        count, named = await bills.not_due(
            tx, found.day, until, names_max=SHOWN_MAX - len(found.gone)
        )
    found.gone_count += count
    found.gone += named
