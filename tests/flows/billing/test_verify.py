"""`verify` finds what breaks an invariant, and finds nothing where nothing does."""

from datetime import timedelta

from billing.flows.earn import earn
from billing.flows.goodwill import Goodwill, give
from billing.reads.verify import RULES
from billing.reads.verify.schema import GROWING, REPLACEABLE, constraints, indexes, triggers
from billing.reads.verify.schema import RULES as OF_SCHEMA
from runtime.store import Store, Tx
from runtime.store.audit import Deed, record
from runtime.store.chain import seal
from runtime.store.lease import Engine
from runtime.store.rules import Verdict, judge
from terms.facts import Possession
from terms.money import Rate
from tests.fixtures.billing import Office
from tests.flows.billing.moves import fact, moved
from tests.flows.billing.schema import drop_constraint, drop_index, drop_trigger, tamper
from tests.flows.billing.test_ledger import cash
from tests.flows.billing.test_settle import service_of

ENDINGS = {
    "sqlite": ("no_update", "no_delete", "no_replace"),
    "postgresql": ("no_change",),
}


async def broken(tx: Tx, shown: int = 20) -> dict[str, Verdict]:
    """Ask every rule and return those that something breaks, by what they say."""
    found = [await judge(tx, rule, offences_max=shown) for rule in RULES]
    return {one.says: one for one in found if not one.holds}


async def busy(office: Office) -> None:
    """Let households join, pay in part, rent and give back, and a month pass."""
    one = await office.join()
    wish = Goodwill(of=Rate.parse("5%"), reason="kind", reference="R-1")
    await office.run(lambda tx: give(office.desk, tx, "INV-00000001.1", wish, office.now, by="ann"))
    two = await office.join("100002", bill_day=15)
    await office.join("100003", plan="FREE")
    await cash(office)
    async with office.store.begin() as tx:
        deed = Deed(
            at=office.now, actor="ann", action="payment.cash", subject="contract", reason="R-1"
        )
        await record(tx, [deed])
    async with office.store.begin() as tx:
        await seal(tx)
    service, today = await service_of(office), office.now.date()
    await moved(office, fact(Possession.HANDED_OVER, service, today))
    await moved(office, fact(Possession.RETURNED, service, today + timedelta(days=3)))
    await office.live([one, two], office.now + timedelta(days=40))
    async with office.store.begin() as tx:
        while await earn(tx, office.now):
            pass


async def test_nothing_breaks_a_rule_of_sound_books(office: Office):
    """After a lively month every rule holds."""
    await busy(office)
    async with office.store.read() as tx:
        assert await broken(tx) == {}


async def test_nothing_breaks_a_rule_of_empty_books(store: Store):
    """A fresh database keeps every rule."""
    async with store.read() as tx:
        assert await broken(tx) == {}


DEED = "position, at, actor, action, subject, reason"
# What somebody does to the tables past the triggers, and a part of the rule that must find it.
BREACHES = {
    "an entry is changed": (
        "UPDATE entry SET amount_minor = amount_minor + 1 WHERE book = 'revenue'",
        ("sum to zero", "all books together"),
    ),
    "a deferral is forgotten": ("DELETE FROM deferral", ("have still to earn",)),
    "a posting is deleted": ("DELETE FROM posting", ("each entry has its posting",)),
    "an invoice is deleted": (
        "DELETE FROM invoice WHERE sequence = (SELECT MIN(sequence) FROM invoice)",
        ("invoice numbers have no gap",),
    ),
    "the last invoice is deleted": (
        "DELETE FROM invoice WHERE sequence = (SELECT MAX(sequence) FROM invoice)",
        ("the number of its last document",),
    ),
    "a credit note is renumbered": (
        "UPDATE credit_note SET sequence = sequence + 7",
        ("credit note numbers have no gap",),
    ),
    "a line is charged for other days": (
        "UPDATE invoice_line SET period_start = '2026-01-01' WHERE period_start = '2026-04-01'",
        ("charged twice",),
    ),
    "a line costs more": (
        "UPDATE invoice_line SET amount_minor = amount_minor + 1, net_minor = net_minor + 1",
        ("net and tax of each document",),
    ),
    "more is given back": (
        "UPDATE credit_line SET amount_minor = amount_minor + 10000, net_minor = net_minor + 10000",
        ("is not more than it charged",),
    ),
    "goodwill was another": (
        "UPDATE goodwill SET amount_minor = amount_minor + 1",
        ("as much as a person has said",),
    ),
    "goodwill counts as days": (
        "UPDATE credit_line SET goodwill_id = NULL",
        ("each goodwill is given once",),
    ),
    "an invoice is void and nothing was given back": (
        "INSERT INTO voided SELECT id, 1 = 1, 1, 'x', '' FROM invoice WHERE total_minor > 0",
        ("void invoice is given back",),
    ),
    "an allocation grows": (
        "UPDATE allocation SET amount_minor = amount_minor + 5000",
        ("less what has paid it", "pays no more than it brought"),
    ),
    "an invoice is not booked as it reads": (
        "UPDATE invoice SET net_minor = net_minor + 1, total_minor = total_minor + 1",
        ("booked at its total",),
    ),
    "an open item is forgotten": (
        "DELETE FROM open_item WHERE kind = 'invoice'",
        ("what its books say", "less what has paid it"),
    ),
    "a payment is never looked at": (
        "UPDATE movement SET settled_at = NULL",
        ("money that came in is settled", "nothing before it is settled"),
    ),
    "a refund went nowhere": (
        """
        INSERT INTO refund (id, account_id, reference, movement_id, provider, charge, amount_minor,
            currency, note, line, reason, asked_by, asked_at, state, looks, vendor_id, code)
        SELECT id, account_id, id, id, provider, charge, amount_minor, currency, '', '', 'r', 'x',
            1, 'done', 0, '', '' FROM movement WHERE kind = 'cleared'
        """,
        ("its provider has told",),
    ),
    "a payment was not booked": ("DELETE FROM posting", ("was settled is booked",)),
    "an entitlement is lost": ("DELETE FROM snapshot", ("newest revision",)),
    "nothing is owed and somebody is held": (
        "DELETE FROM open_item WHERE kind = 'invoice'",
        ("whoever is held for a debt has one",),
    ),
    "somebody is held for nothing": (
        "INSERT INTO hold SELECT id, id, 'dunning', '2026-01-01', '', '' FROM service",
        ("whoever is held for a debt has one", "agrees with what holds it"),
    ),
    "a deed is nameless": ("UPDATE audit SET actor = ''", ("names who did it",)),
    "a deed is gone": ("DELETE FROM audit", ("cash is a deed", "as it was written")),
    "a deed reads otherwise": ("UPDATE audit SET reason = 'R-2'", ("as it was written",)),
    "a deed was slipped in": (
        f"INSERT INTO audit ({DEED}) SELECT -1, at, actor, action, subject, '' FROM audit",
        ("as it was written",),
    ),
}


async def test_a_breach_is_found(office: Office):
    """Whatever is done to the tables past their guards, the rules that it breaks name it."""
    await busy(office)
    for what, (change, says) in BREACHES.items():
        async with office.store.rehearse() as tx:
            await tamper(tx, "DELETE FROM work", change)
            found = await broken(tx)
        for part in says:
            assert any(part in one for one in found), (what, list(found))
        assert all(one.count >= len(one.offences) > 0 for one in found.values())


async def missed(tx: Tx) -> set[str]:
    """Name what verify says is not there of the schema."""
    found = [await judge(tx, rule, offences_max=200) for rule in OF_SCHEMA]
    return {one.key for verdict in found for one in verdict.offences}


async def test_a_guard_that_is_gone_is_found(store: Store):
    """Of each constraint, index and trigger that money rests on verify tells when it is gone."""
    engine: Engine = "sqlite" if store.is_sqlite else "postgresql"
    drops = [
        *((drop_constraint, table, name) for table, name, _ in constraints()),
        *((drop_index, table, name) for table, name in indexes()),
        *((drop_trigger, table, name) for table, name in triggers(engine)),
    ]
    assert len(drops) > 200
    for drop, table, name in drops:
        async with store.rehearse() as tx:
            await drop(tx, table, name)
            assert f"{table}.{name}" in await missed(tx)


async def test_every_trigger_of_the_database_is_known(store: Store):
    """What refuses a change of any table of money is asked for, and nobody forgets a new one."""
    engine: Engine = "sqlite" if store.is_sqlite else "postgresql"
    async with store.read() as tx:
        there = {(str(table), str(name)) for table, name in await tx.fetch(THERE[engine])}
    of_boxes = {one for one in there if one[0] == "resource_move"}
    assert there - of_boxes == set(triggers(engine))


THERE = {
    "sqlite": "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal",
}


async def test_a_table_that_may_shrink_is_found(store: Store):
    """Where a table may be changed again, or a row replaced, verify says so."""
    for table in GROWING:
        async with store.rehearse() as tx:
            endings = ENDINGS[tx.engine][: None if table in REPLACEABLE else 2]
            for ending in endings:
                await drop_trigger(tx, table.name, f"{table.name}_{ending}")
            (verdict,) = (await broken(tx)).values()
        names = {f"{table.name}.{table.name}_{ending}" for ending in endings}
        assert {one.key for one in verdict.offences} == names


HOLLOW = {
    "sqlite": ("CREATE TRIGGER entry_seal BEFORE INSERT ON entry BEGIN SELECT 1; END",),
    "postgresql": (
        "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN END $$",
        "CREATE TRIGGER entry_seal BEFORE INSERT ON entry EXECUTE FUNCTION nothing()",
    ),
}


async def test_a_guard_that_guards_nothing_is_found(store: Store):
    """A trigger of the right name that refuses nothing is none, nor is one switched off."""
    async with store.rehearse() as tx:
        await drop_trigger(tx, "entry", "entry_seal")
        for each in HOLLOW[tx.engine]:
            await tx.driver(each)
        (verdict,) = (await broken(tx)).values()
    assert [one.key for one in verdict.offences] == ["entry.entry_seal"]
    if store.is_sqlite:
        return
    async with store.rehearse() as tx:
        await tx.driver("ALTER TABLE entry DISABLE TRIGGER entry_seal")
        (verdict,) = (await broken(tx)).values()
    assert [one.key for one in verdict.offences] == ["entry.entry_seal"]


async def test_of_many_offences_the_first_are_shown(office: Office):
    """All are counted, as many as wanted are named."""
    await busy(office)
    async with office.store.rehearse() as tx:
        await tamper(tx, "UPDATE entry SET amount_minor = amount_minor + 1 WHERE n = 1")
        found = (await broken(tx, shown=2))[RULES[0].says]
    assert len(found.offences) == 2
    assert found.count > 2
