"""The ladder beyond the suspension: levels, the end of a contract, and what is given up."""

import json
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from billing.accounts.store import service
from billing.dunning.brake import BrakePolicy
from billing.dunning.level import Level
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.segment import Segment, Segments
from billing.dunning.store import dunning_brake, dunning_cut, dunning_held, hold
from billing.flows.dun import DebtFact, carry_out
from billing.flows.promise import promise
from billing.flows.publish import Publication
from billing.flows.recover import recover
from billing.flows.segment import put_in
from billing.flows.unbrake import release
from billing.payments.store import open_item, write_off
from billing.reads.dunning import preview
from runtime.log import log_entry
from runtime.work import work
from terms.entitlement import Entitlement, ServiceState
from terms.ids import AccountId
from tests.fixtures.billing import ZONE, Office
from tests.flows.billing.books import balances, check_books, open_items, rights, rows
from tests.flows.billing.test_dunning import RENEWAL
from tests.flows.billing.test_settle import pay, service_of

SD_ONLY = Level(name="sd_only", without=frozenset({"large"}), streams_max=1)
BARKER = Level(name="barker", only=frozenset(), adds=frozenset({"info"}))
STEPS = (
    Step(after_days=3, action=Action.NOTICE, notice="payment_reminder"),
    Step(after_days=5, action=Action.LIMIT, level=SD_ONLY),
    Step(after_days=7, action=Action.NOTICE, notice="suspension_warning"),
    Step(after_days=8, action=Action.LIMIT, level=BARKER),
    Step(after_days=10, action=Action.SUSPEND),
    Step(after_days=20, action=Action.TERMINATE),
    Step(after_days=40, action=Action.WRITE_OFF),
)
ALL = Segments({"": Segment(ladder=Ladder(STEPS)), "medical": Segment(is_exempt=True)})


async def owing(office: Office, *contracts: str, segments: Segments = ALL) -> list[AccountId]:
    """Make households that watch all there is, and have not paid their first whole month."""
    await office.publish(Publication(zone=ZONE, segments=segments))
    accounts = []
    for contract in contracts or ("100001",):
        account = await office.join(contract, method=None, plan="LARGE", streams=3)
        await pay(office, "50.40", f"R-{contract}", contract)
        await office.settle(account)
        accounts.append(account)
    await office.live(accounts, RENEWAL + timedelta(hours=1))
    return accounts


def told(one: Entitlement) -> tuple[str, str, tuple[str, ...], int]:
    """Say what may be watched, and why no more."""
    return one.state.value, one.reason, tuple(each.code for each in one.grants), one.streams


async def found(office: Office, table):
    """Read all rows of a table, by their names."""
    async with office.store.read() as tx:
        return await tx.rows(select(table))


async def carried_out(office: Office, account: AccountId) -> list[str]:
    """Carry out what the ladder has ordered, and settle what follows; returns what came of it."""
    async with office.store.begin() as tx:
        done = await carry_out(office.desk, tx, account, office.now)
    await office.settle(account)
    return [*done.ended, *(str(one.amount) for one in done.given_up)]


async def test_one_level_follows_the_other_and_all_comes_back_once(office: Office):
    """SD alone on day 5, the information channel on day 8, dark on day 10, all back by one pay."""
    (account,) = await owing(office)
    key = await service_of(office)
    seen: list[tuple[int, object]] = []
    for day in range(12):
        await office.live([account], RENEWAL + timedelta(days=day, hours=2))
        now = told(await rights(office.store, key))
        if not seen or seen[-1][1] != now:
            seen.append((day, now))
    everything = ("active", "", ("base", "large"), 3)
    assert seen == [
        (0, everything),
        (5, ("limited", "sd_only", ("base",), 1)),
        (8, ("limited", "barker", ("info",), 3)),
        (10, ("suspended", "dunning", ("base", "large"), 3)),
    ]
    before = (await rights(office.store, key)).revision
    await pay(office, "74.40", "R-2")
    await office.settle(account)
    back = await rights(office.store, key)
    assert (told(back), back.revision) == (everything, before + 1)
    assert (await rows(office.store, hold), await found(office, dunning_cut)) == ([], [])
    await office.settle(account)
    assert (await rights(office.store, key)).revision == before + 1
    await check_books(office.store)


async def test_a_contract_ends_and_what_is_left_is_given_up(office: Office):
    """Dark, ended by its day, written off when all is due: each once, and handed out as a fact."""
    (account,) = await owing(office)
    key = await service_of(office)
    await office.live([account], RENEWAL + timedelta(days=20, hours=2))
    assert await carried_out(office, account) == ["100001"]
    ended = await rights(office.store, key)
    assert (ended.state, ended.reason) == (ServiceState.ENDED, "cancelled")
    assert await carried_out(office, account) == []
    owed = await open_items(office.store)
    await office.live([account], RENEWAL + timedelta(days=39))
    assert await rows(office.store, write_off) == []
    await office.live([account], RENEWAL + timedelta(days=40, hours=2))
    assert await carried_out(office, account) == ["49.60 EUR"]
    assert await carried_out(office, account) == []
    assert (sum(owed.values()), await open_items(office.store)) == (4960, {})
    async with office.store.read() as tx:
        c = log_entry.c
        query = select(c.kind, c.value).where(c.kind.in_(sorted(DebtFact))).order_by(c.position)
        facts = [(row.kind, json.loads(row.value)) for row in await tx.rows(query)]
    told_of = {"account": "100001", "invoice": "INV-00000002"}
    debts = [{"number": "INV-00000002", "due_on": "2026-04-01", "amount": "49.60 EUR"}]
    assert facts == [
        ("debt.terminated", {**told_of, "contracts": ["100001"]}),
        ("debt.written_off", {**told_of, "invoices": debts}),
    ]
    await check_books(office.store)
    # What comes all the same is income that was recovered; what is beyond that is credit.
    for amount, given_up, left in (("30.00", 1960, {}), ("50.00", 0, {"credit": 3040})):
        await pay(office, amount, f"R-{amount}")
        await office.settle(account)
        assert "recover" in {one.kind for one in await found(office, work)}
        for _ in range(2):
            async with office.store.begin() as tx:
                await recover(office.desk, tx, account, office.now)
            await office.settle(account)
        books = await balances(office.store)
        assert books.get(("write_off", "", "EUR"), 0) == given_up
        items = {row.kind: row.rest_minor for row in await found(office, open_item)}
        assert items == left
        await check_books(office.store)


async def test_whoever_pays_promises_or_is_exempt_meanwhile_keeps_the_contract(
    small_office: Office,
):
    """Between the order to end it and the end, money, a promise or another segment spares it."""
    office = small_office
    accounts = await owing(office, "1", "2", "3")
    await office.live(accounts, RENEWAL + timedelta(days=20, hours=2))
    await pay(office, "74.40", "R-9", "1")
    async with office.store.begin() as tx:
        await promise(office.desk, tx, "2", date(2026, 4, 24), office.now)
        await put_in(office.desk, tx, "3", "medical")
    for account in accounts:
        async with office.store.begin() as tx:
            done = await carry_out(office.desk, tx, account, office.now)
        assert (done.ended, done.given_up) == ((), ())
    await office.settle(*accounts)
    states = {(await rights(office.store, one.id)).state for one in await found(office, service)}
    assert states == {ServiceState.ACTIVE}
    # A broken promise: the ladder is where it would be, and goes on from there.
    await office.live(accounts, datetime(2026, 4, 24, 22, tzinfo=UTC))
    (cut,) = await found(office, dunning_cut)
    assert cut.rung == "terminate"


async def test_after_five_days_of_outage_each_step_comes_once_and_in_order(office: Office):
    """Nothing ran from day 2 to day 30: a notice first, and from there on all keep their days."""
    (account,) = await owing(office)
    await office.live([account], RENEWAL + timedelta(days=2))
    office.now = RENEWAL + timedelta(days=30, hours=1)
    await office.settle(account)
    seen: dict[str, int] = {}
    for _ in range(40):
        for cut in await found(office, dunning_cut):
            seen.setdefault(cut.rung, (office.now.date() - RENEWAL.date()).days)
        await office.live([account], office.now + timedelta(days=1))
        await carried_out(office, account)
    async with office.store.read() as tx:
        c = log_entry.c
        given = await tx.rows(select(c.value).where(c.kind == "notice").order_by(c.position))
    assert [json.loads(row.value)["kind"] for row in given] == [
        "payment_reminder",
        "suspension_warning",
    ]
    days = [seen[rung] for rung in ("limit:sd_only", "limit:barker", "suspend", "terminate")]
    assert days == [32, 35, 37, 47]


async def test_a_preview_tells_each_rung_on_its_day(small_office: Office):
    """Whoever owes is told, limited, suspended, ended and written off on the days of the ladder."""
    office = small_office
    await owing(office)
    async with office.store.read() as tx:
        seen = (await preview(tx, ALL, ALL, office.now, days=60)).published
    names = ("told", "limited", "suspended", "terminated", "written_off")
    days = [(getattr(seen, f"first_{name}")[0].on - date(2026, 4, 1)).days for name in names]
    assert days == [3, 5, 10, 20, 40]
    assert [getattr(seen, name) for name in names] == [1] * 5


async def test_a_brake_stops_a_mass_cut_off_until_it_is_released(office: Office):
    """Beyond the share nobody climbs; whoever pays comes back, whoever waits goes once released."""
    six = [str(n) for n in range(1, 7)]
    accounts = await owing(office, *six)
    await office.publish(Publication(zone=ZONE, brake=BrakePolicy(share_percent=50, floor=2)))
    await office.live(accounts, RENEWAL + timedelta(days=3, hours=1))
    office.now = RENEWAL + timedelta(days=5, hours=1)
    await office.settle(*accounts[:3])
    assert len(await rows(office.store, hold)) == 3
    await office.settle(*accounts[3:])
    assert len(await rows(office.store, hold)) == 3
    assert {row.account_id for row in await found(office, dunning_held)} == {*accounts[3:]}
    (brake,) = await found(office, dunning_brake)
    assert (brake.counted, brake.stopped_at) == (3, office.now)
    await pay(office, "74.40", "R-9", "1")
    await office.settle(*accounts)
    assert len(await rows(office.store, hold)) == 2
    # Days go by, and still nobody climbs, those on the ladder neither.
    await office.live(accounts, RENEWAL + timedelta(days=9))
    assert {one.level for one in await found(office, hold)} == {"sd_only"}
    async with office.store.begin() as tx:
        assert await release(office.desk, tx, office.now, by="second") == 5
    marked = [one.key for one in await found(office, work) if one.kind == "settle"]
    assert set(accounts[1:]) <= set(marked)
    await office.settle(*accounts)
    assert sorted(one.level for one in await found(office, hold)) == [
        "barker",
        "barker",
        "sd_only",
        "sd_only",
        "sd_only",
    ]
    assert await found(office, dunning_held) == []
    await check_books(office.store)


async def test_the_debt_of_one_contract_never_cuts_another(small_office: Office):
    """A person has television and the line under a contract each: what is owed for one, what is
    paid for the other and what is left over stay where they belong.
    """
    office = small_office
    tv, line = await owing(office, "tv", "line")
    await pay(office, "100.00", "R-9", "line")
    await office.live([tv, line], RENEWAL + timedelta(days=12))
    states = {}
    for one in await found(office, service):
        states[one.contract] = (await rights(office.store, one.id)).state.value
    assert states == {"tv": "suspended", "line": "active"}
    owed = {(row.account_id, row.kind): row.rest_minor for row in await found(office, open_item)}
    assert owed == {(tv, "invoice"): 7440, (line, "credit"): 2560}
