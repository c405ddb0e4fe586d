"""A whole base is billed: what would be, told before anything is written; what is; a recheck.

The cursor of a run is the work rows of its accounts: each is due until it is settled, in the same
transaction. So a run that stops goes on where it was, and what is done is not done again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from app.desk.auditing import note
from app.roles import crew
from app.roles import settle as settling
from app.wiring import House
from billing.flows.recheck import reopen_all
from billing.flows.settle import Foreseen, foresee
from billing.reads import bills
from runtime.memory import settle_down
from runtime.store import Tx
from runtime.work.due import due_count, due_keys
from terms.errors import BoxofficeError
from terms.ids import AccountId
from terms.money import Money

CHUNK_ROWS = 100
SHOWN_MAX = 100
SHOCK_PERCENT = 150
# A run has its process for itself, so that nobody waits for its event loop.
ALONE_S = 1.0

Tell = Callable[[int, int], None]


@dataclass(slots=True, kw_only=True)
class Sums:
    """What would be billed in one currency."""

    currency: str
    invoices: int = 0
    net: Money
    tax: Money
    total: Money
    given_back: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Shock:
    """A bill that is much larger than the account's usual one."""

    number: str
    name: str
    total: Money
    usual: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An account that cannot be billed, and why: a run parks it and goes on."""

    number: str
    why: str


@dataclass(slots=True, kw_only=True)
class BillPreview:
    """What a run at a moment would bill. The lists are cut at SHOWN_MAX; the counts are not."""

    at: datetime
    accounts: int = 0
    sums: dict[str, Sums] = field(default_factory=dict)
    shocks: list[Shock] = field(default_factory=list)
    shocks_count: int = 0
    broken: list[Broken] = field(default_factory=list)
    broken_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How many accounts a run has settled, and how many are due all the same: they wait or fail."""

    accounts: int
    left: int


async def preview(house: House, at: datetime | None, tell: Tell) -> BillPreview:
    """Tell what would be billed of all accounts that are due by a moment; writes nothing."""
    async with house.store.read() as tx:
        now = await house.clock.business_now(tx)
        moment = max(at or now, now)
        many = await due_count(tx, settling.KIND, moment)
    found = BillPreview(at=moment)
    async for accounts in _chunks(house, moment):
        await _rehearse(house, accounts, found, moment)
        tell(found.accounts, many)
    return found


async def run(house: House, tell: Tell, *, actor: str) -> Ran:
    """Settle all accounts that are due, also beside a process that does the same."""
    settle_down()
    lane = crew.settling(house, loop_s_max=ALONE_S)
    async with house.store.read() as tx:
        now = await house.clock.business_now(tx)
        many = await due_count(tx, settling.KIND, now)
    done = 0

    def count_on(count: int) -> None:
        nonlocal done
        done += count
        tell(done, max(many, done))

    await lane.drain(count_on)
    async with house.store.begin() as tx:
        left = await due_count(tx, settling.KIND, now)
        told = f"{done} accounts settled, {left} left"
        await note(house, tx, actor=actor, action="bill.run", subject="bill", after=told)
    return Ran(accounts=done, left=left)


async def recheck(house: House, since: datetime, tell: Tell) -> BillPreview:
    """Compute every period since a day again, of all accounts; what differs is what is found."""
    async with house.store.read() as tx:
        now = await house.clock.business_now(tx)
        many = await due_count(tx, settling.KIND, _FAR)
    found = BillPreview(at=now)
    async for accounts in _chunks(house, _FAR):
        async with house.store.rehearse() as tx:
            await reopen_all(house.desk, tx, accounts, since.date())
            await _add(tx, found, await foresee(house.desk, tx, accounts, now))
        tell(found.accounts, many)
    return found


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


async def _rehearse(
    house: House, accounts: Sequence[AccountId], found: BillPreview, at: datetime
) -> None:
    """Rehearse a batch; where one account breaks it, each by itself."""
    try:
        async with house.store.rehearse() as tx:
            await _add(tx, found, await foresee(house.desk, tx, accounts, at))
    except BoxofficeError as error:
        if len(accounts) == 1:
            await _broke(house, accounts[0], found, error)
            return
        for one in accounts:
            await _rehearse(house, [one], found, at)


async def _broke(
    house: House, account: AccountId, found: BillPreview, error: BoxofficeError
) -> None:
    found.accounts += 1
    found.broken_count += 1
    if len(found.broken) < SHOWN_MAX:
        async with house.store.read() as tx:
            number, _ = (await bills.names(tx, [account])).get(account, (account, ""))
        found.broken.append(Broken(number=number, why=str(error)))


async def _add(tx: Tx, found: BillPreview, foreseen: Sequence[Foreseen]) -> None:
    found.accounts += len(foreseen)
    for one in foreseen:
        _sum(found, one)
    invoices = {one.account: one.invoice.total for one in foreseen if one.invoice}
    usual = await bills.usual(tx, list(invoices))
    shocked = [
        account
        for account, total in invoices.items()
        if account in usual and _is_shock(total, usual[account])
    ]
    found.shocks_count += len(shocked)
    shown = shocked[: SHOWN_MAX - len(found.shocks)]
    named = await bills.names(tx, shown) if shown else {}
    found.shocks += [
        Shock(number=named[one][0], name=named[one][1], total=invoices[one], usual=usual[one])
        for one in shown
    ]


def _is_shock(total: Money, usual: Money) -> bool:
    return (
        total.currency == usual.currency
        and total.amount_minor * 100 > usual.amount_minor * SHOCK_PERCENT
    )


def _sum(found: BillPreview, one: Foreseen) -> None:
    if not (one.invoice or one.note):
        return
    zero = Money(0, one.currency)
    fresh = Sums(currency=one.currency, net=zero, tax=zero, total=zero, given_back=zero)
    sums = found.sums.setdefault(one.currency, fresh)
    if one.invoice:
        sums.invoices += 1
        sums.net += one.invoice.net
        sums.tax += one.invoice.tax
        sums.total += one.invoice.total
    if one.note:
        sums.given_back += one.note.total
