"""Households that differ in names alone are decided once, and each gets what is its own."""

from datetime import UTC, date, datetime

from sqlalchemy import select

from billing.accounts.store import service
from billing.catalog.terms import When
from billing.flows.cancel import cancel
from billing.flows.pause import pause
from billing.flows.pay import take_cash
from billing.flows.settle import settle
from billing.flows.signup import SignedUp
from billing.invoicing.store import invoice, invoice_line
from billing.payments.store import open_item
from terms.facts import Possession
from terms.money import Money
from tests.fixtures.billing import Office, household
from tests.fixtures.promotions import give, offer, promotion
from tests.flows.billing.books import check_books, counting, open_items
from tests.flows.billing.moves import fact, told

APRIL = datetime(2026, 4, 1, 9, tzinfo=UTC)
# Names that look like what is beside them.
NAMES = ('"label":"', "BASIC", "recurring", "1", "é'\ue002", "INV-00000001", "{0}", "31.00")


async def at_rest(office: Office, *names: str) -> list[SignedUp]:
    """Have households with a plan, an add-on, a rented box and a discount that all have paid."""
    await offer(office, promotion("TENTH", "10%"))
    orders = [household(name, addons=("SPORT",), label=name, method=None) for name in names]
    made = await office.sign_up(*orders)
    for one in made:
        await give(office, "TENTH", one.contract)
    boxes = [
        fact(
            Possession.HANDED_OVER,
            one.service,
            office.now.date(),
            f"S {one.contract}",
            model="HD-1",
        )
        for one in made
    ]
    await told(office, *boxes)
    accounts = [one.account for one in made]
    await office.settle(*accounts)
    for one in made:
        await pay(office, one)
    await office.settle(*accounts)
    assert await open_items(office.store) == {}
    return made


async def pay(office: Office, one: SignedUp) -> None:
    """Pay all that a household owes; nothing is settled yet."""
    async with office.store.begin() as tx:
        owed = await tx.rows(
            select(open_item.c.rest_minor).where(open_item.c.account_id == one.account)
        )
        total = Money(sum(row.rest_minor for row in owed), "EUR")
        await take_cash(
            office.desk, tx, one.contract, office.now, amount=total, reference=one.contract
        )


async def papers(office: Office, day: date) -> dict[str, list[tuple[object, ...]]]:
    """Tell what the invoices of a day charge each household, without its names."""
    line, paper = invoice_line.c, invoice.c
    query = (
        select(
            service.c.contract,
            *(
                column
                for column in line
                if column.name not in ("invoice_id", "service_id", "subject")
            ),
            *(paper.currency, paper.due_on, paper.issued_at, paper.net_minor, paper.tax_minor),
            *(paper.groups, paper.total_minor, open_item.c.rest_minor, open_item.c.due_on),
            (open_item.c.sequence == paper.sequence).label("same"),
            (paper.account_id == service.c.account_id).label("mine"),
        )
        .select_from(
            invoice_line.join(invoice, paper.id == line.invoice_id)
            .join(service, service.c.id == line.service_id)
            .join(open_item, open_item.c.id == paper.id)
        )
        .where(paper.issued_on == day)
        .order_by(paper.sequence, line.n)
    )
    found: dict[str, list[tuple[object, ...]]] = {}
    async with office.store.read() as tx:
        for row in await tx.rows(query):
            told_ = [
                value.replace(f"S {row.contract}", "S") if name == "label" else value
                for name, value in row._asdict().items()
                if name != "contract"
            ]
            found.setdefault(row.contract, []).append(tuple(told_))
    return found


async def test_each_gets_his_own(office: Office):
    """What is decided once for many is what each gets by himself, under numbers without a gap."""
    made = await at_rest(office, *NAMES, "alone")
    together, alone = [one.account for one in made[:-1]], made[-1].account
    office.now = APRIL
    before = await numbers(office)
    many, one = await office.settle(*together), await office.settle(alone)
    assert set(many.next_look) == set(together)
    assert {many.next_look[key] for key in together} == {one.next_look[alone]}
    found = await papers(office, APRIL.date())
    assert set(found) == {*NAMES, "alone"}
    assert all(found[name] == found["alone"] for name in NAMES)
    assert len(found["alone"]) == 3
    sequences = await numbers(office)
    assert sequences == list(range(1, len(before) + len(made) + 1))
    assert await labels(office) >= {f"Box HD-1 S {name}" for name in NAMES}
    await check_books(office.store)
    again = [*together, alone]
    async with counting(office.store) as (tx, counted):
        await settle(office.desk, tx, again, office.now)
    assert counted.writes == []


async def test_who_differs_is_not_taken_for_another(office: Office):
    """One has another offer, one rests, one has but a box left: each is charged what is his."""
    made = await at_rest(office, *[f"10000{n}" for n in range(1, 8)])
    contracts = [one.contract for one in made]
    offered, rests, ended, *same = contracts
    await offer(office, promotion("HALF", "50%", group="other"))
    await give(office, "HALF", offered)
    await office.run(lambda tx: pause(office.desk, tx, rests, office.now, from_on=APRIL.date()))
    await office.run(lambda tx: cancel(office.desk, tx, ended, When.PERIOD_END, office.now))
    await office.settle(*[one.account for one in made])
    office.now = APRIL
    await office.settle(*[one.account for one in made])
    charged = await totals(office, APRIL.date())
    assert set(charged) == {offered, ended, *same}
    assert len({charged[name] for name in same}) == 1
    assert charged[ended] < charged[offered] < charged[same[0]]
    await check_books(office.store)


async def test_as_many_statements_for_the_many_that_are_alike(office: Office):
    """A batch of households that are alike takes no more statements than one of them."""
    made = await at_rest(office, *[f"{n:06d}" for n in range(40)])
    office.now = APRIL
    counts = []
    for batch in ([made[0].account], [one.account for one in made[1:]]):
        async with counting(office.store) as (tx, counted):
            await settle(office.desk, tx, batch, office.now)
        counts.append(counted.made)
    assert len(counts[0]) == len(counts[1]), "\n".join(counts[1])


async def totals(office: Office, day: date) -> dict[str, int]:
    """Tell what each household is charged on a day."""
    joined = invoice.join(service, service.c.account_id == invoice.c.account_id)
    query = select(service.c.contract, invoice.c.total_minor).select_from(joined)
    async with office.store.read() as tx:
        rows = await tx.rows(query.where(invoice.c.issued_on == day))
    return {row.contract: row.total_minor for row in rows}


async def numbers(office: Office) -> list[int]:
    """List the numbers of all invoices."""
    async with office.store.read() as tx:
        rows = await tx.rows(select(invoice.c.sequence).order_by(invoice.c.sequence))
    return [row.sequence for row in rows]


async def labels(office: Office) -> set[str]:
    """List what is printed on lines."""
    async with office.store.read() as tx:
        return {row.label for row in await tx.rows(select(invoice_line.c.label))}
