"""Methods that were imported by their reference are described by their providers by and by."""

from datetime import date, timedelta

from billing.flows import describe, upkeep
from billing.flows.describe import AGAIN_AFTER
from billing.flows.replay import mark_lost
from billing.flows.signup import MethodRef
from billing.payments.provider import Postponed
from billing.reads import ways
from billing.reads.ways import Named
from tests.fixtures.till import Till
from tests.flows.billing.test_collect import attempts
from tests.flows.billing.test_methods import kept, look

PROVIDER = "cards"


async def described(till: Till, *, provider: str, rows_max: int = 9) -> list[object]:
    """Ask for what has no name and write down what is answered."""
    office = till.office
    async with office.store.read() as tx:
        found = await describe.nameless(
            tx, provider, office.desk.clock.machine_now(), rows_max=rows_max
        )
    answers = [(one, await upkeep.call(office.desk, one)) for one in found]
    async with office.store.begin() as tx:
        told = [(one, what) for one, what in answers if not isinstance(what, Postponed)]
        await describe.note(tx, told, office.desk.clock.machine_now())
    return [what for _, what in answers]


async def named(till: Till) -> list[tuple[str, Named]]:
    """Tell what methods are called, and whether that is a name."""
    async with till.office.store.read() as tx:
        return [(one.label, one.named) for one in await ways.methods(tx, "100001")]


async def test_an_imported_card_is_named_and_its_end_is_known(till: Till):
    """Until it is asked for it shows by its reference; then by its name."""
    await till.join()
    (one,) = await kept(till.office)
    assert await named(till) == [(one.method_ref, Named.AWAITED)]
    await described(till, provider=PROVIDER)
    assert await named(till) == [("visa 4242", Named.DESCRIBED)]
    (one,) = await kept(till.office)
    assert isinstance(one.expires_on, date)
    assert await described(till, provider=PROVIDER) == []


async def test_a_reference_that_nobody_knows_stays_as_it_is(till: Till):
    """It is charged as before, shows that nobody knows it, and is asked for again in a week."""
    await till.join(method=MethodRef(provider=PROVIDER, customer="cus_1", method="pm_made_up"))
    (before,) = await kept(till.office)
    assert len(await described(till, provider=PROVIDER)) == 1
    assert await named(till) == [("pm_made_up", Named.UNKNOWN)]
    (after,) = await kept(till.office)
    assert (after.stopped, after.is_default) == (before.stopped, before.is_default)
    assert after.stopped == ""
    assert await described(till, provider=PROVIDER) == []
    till.office.machine.forward(AGAIN_AFTER + timedelta(seconds=1))
    assert len(await described(till, provider=PROVIDER)) == 1


async def test_a_provider_that_cannot_answer_now_is_asked_later(till: Till):
    """What was not answered is as it was, and no more are asked for than may be at once."""
    for contract in ("100001", "100002"):
        await till.join(contract)
    await till.faults("throttled:1:count=1")
    (answer,) = await described(till, provider=PROVIDER, rows_max=1)
    assert isinstance(answer, Postponed)
    ((_, state),) = await named(till)
    assert state is Named.AWAITED


async def test_a_card_that_a_charge_finds_missing_is_waited_for_by_nobody(till: Till):
    """Charged before it was asked for: never tried again, and shown as known to nobody there."""
    account = await till.join(
        method=MethodRef(provider=PROVIDER, customer="cus_1", method="pm_made_up")
    )
    assert await named(till) == [("pm_made_up", Named.AWAITED)]
    await till.collect()
    (one,) = await kept(till.office)
    assert one.stopped != ""
    await look(till)
    assert await named(till) == [("pm_made_up", Named.UNKNOWN)]
    await till.office.live([account], till.office.now + timedelta(days=12))
    assert len(await attempts(till)) == 1
    assert await described(till, provider=PROVIDER) == []


async def test_a_card_that_is_refused_before_it_has_a_name_is_named_all_the_same(till: Till):
    """People have to know which one was stolen; it stays stopped. A lost row is marked again."""
    await till.join()
    await till.behave("decline:stolen_card")
    await till.collect()
    async with till.office.store.begin() as tx:
        await tx.driver("DELETE FROM work WHERE kind = 'method'")
        await mark_lost(till.office.desk, tx, "method")
    await look(till)
    assert await named(till) == [("visa 4242", Named.DESCRIBED)]
    (one,) = await kept(till.office)
    assert one.stopped == "stolen_card"
    async with till.office.store.begin() as tx:
        assert await mark_lost(till.office.desk, tx, "method") is None
