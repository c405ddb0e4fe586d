"""Random lives of a few households: the books hold, and what is derived can be thrown away."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from billing.accounts.store import service
from billing.catalog.terms import When
from billing.dunning.store import dunning_notice, hold
from billing.flows import collect
from billing.flows.cancel import cancel
from billing.flows.change import Change, change
from billing.flows.equip import equip
from billing.flows.goodwill import Goodwill, give
from billing.flows.movements import Told, hear
from billing.flows.pause import pause, resume
from billing.flows.pay import take_cash
from billing.flows.settle import settle
from billing.invoicing.store import invoice, invoice_line
from billing.payments.model import Decline, Moved, MovementKind
from billing.payments.provider import Charged, Declined, Lost, Outcome
from billing.payments.store import movement
from runtime.log import log_entry, snapshot
from runtime.store import Store
from runtime.work import work
from terms.errors import DomainError
from terms.facts import Condition, Possession, PossessionChanged
from terms.ids import AccountId, ResourceId, ServiceId
from terms.money import Money
from tests.fixtures.billing import Office, household, make_office
from tests.flows.billing.books import MONEY, check_books, counting, everything, rows
from tests.flows.billing.days import each_day_once

HOUSEHOLDS = ("100001", "100002", "100003")
ADDONS = ("SPORT", "KIDS")
EXAMPLES = int(os.environ.get("BOXOFFICE_TEST_HISTORIES", "15"))

who = st.sampled_from(HOUSEHOLDS)
acts = st.one_of(
    st.tuples(st.just("days"), who, st.integers(1, 45)),
    st.tuples(st.just("cash"), who, st.integers(1, 9000)),
    st.tuples(st.just("collect"), who, st.sampled_from(["ok", "soft", "hard", "lost"])),
    st.tuples(st.just("add"), who, st.sampled_from(ADDONS)),
    st.tuples(st.just("remove"), who, st.sampled_from(ADDONS)),
    st.tuples(st.just("plan"), who, st.sampled_from(["BASIC", "LARGE"])),
    st.tuples(st.just("quantity"), who, st.integers(1, 3)),
    st.tuples(st.just("rest"), who, st.tuples(st.integers(0, 20), st.none() | st.integers(1, 50))),
    st.tuples(st.just("resume"), who, st.integers(0, 20)),
    st.tuples(st.just("cancel"), who, st.sampled_from(list(When))),
    st.tuples(st.just("box"), who, st.tuples(st.sampled_from(Possession), st.booleans())),
    st.tuples(st.just("kind"), who, st.tuples(st.integers(0, 30), st.integers(1, 4000))),
    st.tuples(st.just("back"), who, st.sampled_from(list(MovementKind)[1:])),
)


class History:
    """One life, act by act. What the product refuses is refused; everything else is settled."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.services: dict[str, ServiceId] = {}
        self.accounts: list[AccountId] = []
        self.count = 0

    async def begin(self) -> None:
        """Sign the households up: one imported, one paying by card, one by cash."""
        orders = [
            household(HOUSEHOLDS[0]),
            household(HOUSEHOLDS[1], method=None, bill_day=31, addons=("SPORT",)),
            household(HOUSEHOLDS[2], terms_days=14, bill_day=11),
        ]
        made = await self.office.sign_up(*orders)
        self.services = {one.contract: one.service for one in made}
        self.accounts = [one.account for one in made]
        await self.office.settle(*self.accounts)

    async def act(self, name: str, contract: str, value) -> None:
        """Do one thing and settle."""
        self.count += 1
        with suppress(DomainError):
            await getattr(self, f"_{name}")(contract, value)
        await self.office.settle(*self.accounts)

    async def _days(self, _: str, count: int) -> None:
        await self.office.live(self.accounts, self.office.now + timedelta(days=count))

    async def _cash(self, contract: str, amount: int) -> None:
        office = self.office
        async with office.store.begin() as tx:
            await take_cash(
                office.desk,
                tx,
                contract,
                office.now,
                amount=Money(amount, "EUR"),
                reference=f"R-{self.count}",
            )

    async def _collect(self, _: str, result: str) -> None:
        office = self.office
        async with office.store.begin() as tx:
            marked = await tx.rows(select(work.c.key).where(work.c.kind == "collect"))
            charges = await collect.prepare(office.desk, tx, [row.key for row in marked])
        outcomes: list[tuple[collect.Charge, Outcome]] = [
            (one, self._outcome(one, result)) for one in charges
        ]
        async with office.store.begin() as tx:
            await collect.record(office.desk, tx, outcomes, office.now)

    def _outcome(self, one: collect.Charge, result: str) -> Outcome:
        if result == "ok":
            return Charged(charge=f"pi_{one.order.attempt}", amount=one.order.amount)
        if result == "lost":
            return Lost(reason="no answer")
        decline = Decline.HARD if result == "hard" else Decline.SOFT
        return Declined(charge="", code=result, decline=decline)

    async def _add(self, contract: str, code: str) -> None:
        await self._change(contract, Change(add=(code,)))

    async def _remove(self, contract: str, code: str) -> None:
        await self._change(contract, Change(remove=(code,)))

    async def _plan(self, contract: str, code: str) -> None:
        await self._change(contract, Change(plan=code))

    async def _quantity(self, contract: str, quantity: int) -> None:
        await self._change(contract, Change(quantity=quantity, when=When.NOW))

    async def _rest(self, contract: str, days: tuple[int, int | None]) -> None:
        begins, count = days
        since = self.office.now.date() + timedelta(days=begins)
        until = None if count is None else since + timedelta(days=count)
        async with self.office.store.begin() as tx:
            now = self.office.now
            await pause(self.office.desk, tx, contract, now, from_on=since, until_on=until)

    async def _resume(self, contract: str, later: int) -> None:
        async with self.office.store.begin() as tx:
            day = self.office.now.date() + timedelta(days=later)
            await resume(self.office.desk, tx, contract, self.office.now, on=day)

    async def _change(self, contract: str, wish: Change) -> None:
        async with self.office.store.begin() as tx:
            await change(self.office.desk, tx, contract, wish, self.office.now)

    async def _cancel(self, contract: str, when: When) -> None:
        async with self.office.store.begin() as tx:
            await cancel(self.office.desk, tx, contract, when, self.office.now)

    async def _box(self, contract: str, what: tuple[Possession, bool]) -> None:
        kind, is_other = what
        number = 2 if is_other else 1
        fact = PossessionChanged(
            kind=kind,
            resource=ResourceId(f"R-{number}"),
            service=self.services[contract],
            serial=f"S-{number}",
            model=f"RB-{number}",
            on=self.office.now.date(),
            old_resource=ResourceId(f"R-{3 - number}"),
            condition=Condition.DAMAGED if is_other else None,
        )
        async with self.office.store.begin() as tx:
            await equip(self.office.desk, tx, [(f"fact-{self.count}", fact)])

    async def _kind(self, _: str, what: tuple[int, int]) -> None:
        """Give goodwill for some line of somebody."""
        place, amount = what
        office = self.office
        async with office.store.begin() as tx:
            columns = (invoice.c.number, invoice_line.c.n)
            joined = invoice_line.join(invoice, invoice.c.id == invoice_line.c.invoice_id)
            lines = await tx.rows(select(*columns).select_from(joined).order_by(*columns))
            line = lines[place % len(lines)]
            wish = Goodwill(of=Money(amount, "EUR"), reason="kind", reference=f"G-{self.count}")
            await give(office.desk, tx, f"{line.number}.{line.n}", wish, office.now, by="ann")

    async def _back(self, contract: str, kind: MovementKind) -> None:
        async with self.office.store.begin() as tx:
            one = await tx.first(
                select(movement)
                .where(movement.c.kind == "cleared")
                .order_by(movement.c.id.desc())
                .limit(1)
            )
            if one is None:
                return
            amount = Money(max(1, one.amount_minor // 2), one.currency)
            moved = Moved(charge=one.charge, ref=f"x-{self.count}", amount=amount, kind=kind)
            told = Told(account=one.account_id, number="", provider=one.provider, moved=moved)
            await hear(self.office.desk, tx, [told], [], self.office.now)


@contextmanager
def scratch(template: Path, folder: Path) -> Iterator[Callable[[str], str]]:
    """Give addresses of copies of a database; all are gone afterwards."""

    def copy(name: str, source: Path = template) -> str:
        shutil.copy(source, folder / name)
        return f"sqlite:///{folder / name}"

    try:
        yield copy
    finally:
        shutil.rmtree(folder)


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # A shorter example would cost more minutes than it is worth.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@example(history=[("days", "100003", 43), ("rest", "100002", (19, 48)), ("resume", "100002", 18)])
@given(history=st.lists(acts, min_size=1, max_size=12))
async def test_histories_keep_the_books_and_rebuild_what_is_derived(
    sqlite_template, tmp_path_factory, machine, history
):
    """After any life the books agree; holds, rights and work that are deleted return alike."""
    with scratch(sqlite_template, tmp_path_factory.mktemp("life")) as copy:
        store = Store(copy("life.db"))
        try:
            office = make_office(store, machine)
            await office.publish()
            life = History(office)
            await life.begin()
            for one in history:
                await life.act(*one)
            await check_books(store)
            await each_day_once(store, office.now.date())
            await no_more_to_do(life)
            await rebuilt(life)
        finally:
            await store.close()


async def no_more_to_do(life: History) -> None:
    """Check that settling once more writes nothing at all."""
    office = life.office
    async with counting(office.store) as (tx, counted):
        await settle(office.desk, tx, life.accounts, office.now)
    assert counted.writes == []


async def rebuilt(life: History) -> None:
    """Delete what is derived, settle, and compare. Revisions may rise, money may not move."""
    office = life.office
    facts = (*MONEY, dunning_notice, log_entry)
    money = await everything(office.store, facts)
    holds = await rows(office.store, hold)
    was = {row[1]: row for row in await rows(office.store, snapshot)}
    looks = dict(office.looks)
    async with office.store.begin() as tx:
        for table in (hold, snapshot, work):
            await tx.execute(delete(table))
    await office.settle(*life.accounts)
    assert await everything(office.store, facts) == money
    assert await rows(office.store, hold) == holds
    assert office.looks == looks
    now = {row[1]: row for row in await rows(office.store, snapshot)}
    assert {key: row[3] for key, row in now.items()} == {key: row[3] for key, row in was.items()}
    assert all(now[key][2] > was[key][2] for key in was)
    async with office.store.read() as tx:
        composed = await tx.rows(select(work.c.key).where(work.c.kind == "compose"))
        services = await tx.rows(select(service.c.id, service.c.revision))
    assert {row.key for row in composed} == set(now)
    assert {row.id: row.revision for row in services} == {key: row[2] for key, row in now.items()}


def chosen(seed: int, count: int) -> list[tuple[str, str, object]]:
    """Choose a long history by a seed."""
    dice = random.Random(seed)
    makers: dict[str, Callable[[], object]] = {
        "days": lambda: dice.randint(1, 20),
        "cash": lambda: dice.randint(1, 9000),
        "collect": lambda: dice.choice(["ok", "soft", "hard", "lost"]),
        "add": lambda: dice.choice(ADDONS),
        "remove": lambda: dice.choice(ADDONS),
        "plan": lambda: dice.choice(["BASIC", "LARGE"]),
        "box": lambda: (dice.choice(list(Possession)), dice.choice([True, False])),
        "back": lambda: dice.choice(list(MovementKind)[1:]),
    }
    names = dice.choices(list(makers), weights=[6, 3, 5, 1, 1, 1, 4, 1], k=count)
    return [(name, dice.choice(HOUSEHOLDS), makers[name]()) for name in names]


async def test_both_engines_tell_the_same_story(sqlite_store, copied_postgres, machine):
    """One long history leaves the same rows on SQLite and on PostgreSQL, to the last id."""
    other = Store(copied_postgres)
    found = []
    try:
        for store in (sqlite_store, other):
            life = History(make_office(store, machine))
            await life.office.publish()
            await life.begin()
            for one in chosen(seed=13, count=60):
                await life.act(*one)
            await check_books(store)
            found.append(await everything(store, (*MONEY, hold, dunning_notice, snapshot)))
        assert len(found[0]["invoice"]) > 20
        assert len(found[0]["allocation"]) > 5
        assert len(found[0]["attempt"]) > 10
        assert len(found[0]["credit_line"]) > 3
        assert found[0] == found[1]
    finally:
        await other.close()
