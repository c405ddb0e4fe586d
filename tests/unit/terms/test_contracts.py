"""The three contracts survive their text form, and equal rights give equal text."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from terms.entitlement import Entitlement, Grant, ServiceState
from terms.facts import BoxProven, Condition, Possession, PossessionChanged, ServiceStateChanged
from terms.ids import CHANCE_BITS, make_id
from terms.notice import Notice

text = st.text(max_size=20)
instants = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001 - the strategy takes naive bounds
    datetime(2100, 1, 1),  # noqa: DTZ001 - and adds the zone
    timezones=st.just(UTC),
)
entitlements = st.builds(
    Entitlement,
    service=text,
    revision=st.integers(1, 10**9),
    state=st.sampled_from(ServiceState),
    grants=st.lists(
        st.builds(Grant, code=text, until=st.none() | instants), unique_by=lambda g: g.code
    ).map(tuple),
    streams=st.integers(1, 9),
    devices=st.integers(0, 9),
    expires_at=st.none() | instants,
    reason=text,
    label=text,
)


@given(entitlements)
def test_an_entitlement_survives_its_text(given_entitlement):
    """Decoding gives the same rights, and encoding them again the same text."""
    encoded = given_entitlement.encode()
    decoded = Entitlement.decode(encoded, revision=given_entitlement.revision)
    assert set(decoded.grants) == set(given_entitlement.grants)
    assert decoded.encode() == encoded


@given(entitlements, st.randoms())
def test_the_order_of_grants_says_nothing(given_entitlement, random):
    """Two snapshots with the same rights are equal as text, so no revision is spent."""
    shuffled = list(given_entitlement.grants)
    random.shuffle(shuffled)
    other = Entitlement(
        **{
            name: getattr(given_entitlement, name)
            for name in Entitlement.__dataclass_fields__
            if name != "grants"
        },
        grants=tuple(shuffled),
    )
    assert other.encode() == given_entitlement.encode()


@given(
    st.builds(
        Notice,
        id=text,
        service=text,
        kind=text,
        not_after=instants,
        params=st.dictionaries(text, text, max_size=3),
        locale=text,
    )
)
def test_a_notice_survives_its_text(notice):
    """What was to be said is what is said."""
    assert Notice.decode(notice.encode()) == notice


@given(
    st.builds(
        PossessionChanged,
        kind=st.sampled_from(Possession),
        resource=text,
        service=text,
        serial=text,
        model=text,
        on=st.dates(date(2000, 1, 1)),
        old_resource=st.none() | text.filter(bool),
        condition=st.none() | st.sampled_from(Condition),
    )
)
def test_a_possession_fact_survives_its_text(fact):
    """The fact read from the log is the fact that was written."""
    assert PossessionChanged.decode(fact.encode()) == fact


@given(
    st.builds(
        ServiceStateChanged,
        service=text,
        target=text,
        revision=st.integers(1, 2**63 - 1),
        state=st.sampled_from(ServiceState),
    )
)
def test_a_service_fact_survives_its_text(fact):
    """The fact read from the log is the fact that was written."""
    assert ServiceStateChanged.decode(fact.encode()) == fact


@given(
    st.builds(
        BoxProven,
        resource=text,
        service=text,
        target=text,
        revision=st.integers(1, 2**63 - 1),
        state=st.sampled_from(ServiceState),
    )
)
def test_a_box_fact_survives_its_text(fact):
    """The fact read from the log is the fact that was written."""
    assert BoxProven.decode(fact.encode()) == fact


@given(
    st.integers(0, 2**48 - 1),
    st.integers(0, 2**48 - 1),
    st.integers(0, 2**CHANCE_BITS - 1),
    st.integers(0, 2**CHANCE_BITS - 1),
)
def test_ids_sort_by_the_time_they_were_made(early, late, one, other):
    """Text order is time order, and two moments never give one id."""
    if early < late:
        assert make_id(early, one) < make_id(late, other)
    assert len(make_id(early, one)) == 26
