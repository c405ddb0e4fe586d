"""What a service may watch: its subscriptions' grants under the verdict of all holds."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from billing.accounts.model import Service
from billing.catalog.model import OfferingKind
from billing.dunning.model import EFFECT, Hold, HoldKind
from billing.entitlements.model import Granted, project
from terms.calendar import days_after
from terms.entitlement import ServiceState
from terms.ids import AccountId, ServiceId

TODAY = date(2026, 4, 15)
SERVICE = Service(
    id=ServiceId("V"),
    account=AccountId("A"),
    contract="1",
    label="Subscriber 1",
    streams=2,
    devices=3,
    revision=7,
)


def had(
    code: str, begin: int, end: int | None = None, kind: OfferingKind = OfferingKind.ADDON
) -> Granted:
    """Make a grant from so many days from today to so many."""
    until_on = None if end is None else days_after(TODAY, end)
    return Granted(kind, (code,), days_after(TODAY, begin), until_on)


def hold(kind: HoldKind) -> Hold:
    """Make a hold."""
    return Hold(service=SERVICE.id, kind=kind, since_on=TODAY, cause="INV-1")


def codes(*granted: Granted, holds: tuple[Hold, ...] = ()) -> tuple[str, ...]:
    """Return the projected codes."""
    return tuple(g.code for g in project(SERVICE, granted, holds, "en", TODAY).grants)


def verdict(granted: list[Granted], holds: list[Hold], today: date) -> tuple[ServiceState, str]:
    """Return the projected state and its reason."""
    found = project(SERVICE, granted, holds, "en", today)
    return found.state, found.reason


def plan(code: str, begin: int, end: int | None = None) -> Granted:
    """Make a plan from so many days from today to so many."""
    return had(code, begin, end, OfferingKind.PLAN)


def test_a_plan_replaced_on_the_last_day_is_not_what_ended():
    """Of plans that end on one day the newest counts, and so of plans that begin on one day."""
    assert codes(plan("base", -9, 0), plan("large", 0, 0), had("sport", -9, 0)) == (
        "large",
        "sport",
    )
    assert codes(plan("a base", 5, 5), plan("b large", 5), had("sport", 5)) == ("b large", "sport")


def test_current_subscriptions_grant():
    """What is had today is granted; what ended or begins later is not."""
    assert codes(had("base", -9), had("sport", -9, 1), had("kids", -9, 0), had("new", 1)) == (
        "base",
        "sport",
    )


def test_a_dark_service_still_says_what_it_is_for():
    """Pending, suspended and ended services keep their grants, so that a restore is one change."""
    held = (hold(HoldKind.DUNNING),)
    assert codes(had("base", -9), holds=held) == ("base",)
    assert codes(had("base", 3)) == ("base",)
    assert codes(had("old", -90, -50), had("base", -50, -1), had("sport", -9, -1)) == (
        "base",
        "sport",
    )
    assert codes() == ()


def test_holds_are_ored_and_one_decides():
    """Any hold darkens; what was never paid is pending even while a debt grows old."""
    both = [hold(HoldKind.DUNNING), hold(HoldKind.UNPAID_FIRST)]
    assert verdict([had("base", -1)], both, TODAY) == (ServiceState.PENDING, "unpaid_first")
    assert verdict([had("base", -1)], both[:1], TODAY) == (ServiceState.SUSPENDED, "dunning")
    assert verdict([had("base", -1)], [], TODAY) == (ServiceState.ACTIVE, "")
    assert verdict([had("base", -9, 0)], both, TODAY) == (ServiceState.ENDED, "cancelled")
    assert verdict([had("base", 1)], [], TODAY) == (ServiceState.PENDING, "not_begun")
    assert set(EFFECT) == set(HoldKind)


@given(
    st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 40) | st.none()), max_size=6),
    st.sets(st.sampled_from(list(HoldKind))),
    st.randoms(),
)
def test_rights_do_not_depend_on_order(found, kinds, chance):
    """The same facts in any order give the same text, and dark services are never live."""
    granted = [
        had(f"c{n}", begin, None if length is None else begin + length)
        for n, (begin, length) in enumerate(found)
    ]
    holds = [hold(kind) for kind in kinds]
    dims = kinds <= {HoldKind.LIMITED}
    first = project(SERVICE, granted, holds, "en", TODAY)
    chance.shuffle(granted)
    chance.shuffle(holds)
    assert project(SERVICE, granted, holds, "en", TODAY).encode() == first.encode()
    assert first.state.is_live == (dims and any(one.is_current(TODAY) for one in granted))
    assert (first.revision, first.expires_at, first.streams, first.devices) == (7, None, 2, 3)
