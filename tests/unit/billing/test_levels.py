"""Levels leave what they say, rungs have their order, a brake lets a whole batch go or none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dunning import document
from billing.dunning.brake import WINDOW, Brake, BrakePolicy, Rung
from billing.dunning.level import Level
from billing.dunning.model import Action, Ladder, Step
from billing.dunning.segment import Segment
from terms.entitlement import Entitlement, Grant, ServiceState
from terms.errors import Invalid
from terms.ids import AccountId, InvoiceId, ServiceId

NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
CODES = ("a", "b", "c", "d")
codes = st.frozensets(st.sampled_from(CODES))


def rights(*granted: str) -> Entitlement:
    """Make rights to watch some packages, "d" for a while alone."""
    grants = tuple(Grant(code=one, until=NOW if one == "d" else None) for one in granted)
    return Entitlement(
        service=ServiceId("V"), revision=3, state=ServiceState.LIMITED, grants=grants, streams=4
    )


@given(codes, codes, codes, st.integers(1, 9))
def test_a_level_leaves_what_it_says(had, named, added, streams):
    """Only these, or all but these, and what is added; never more streams; twice is once."""
    for one in (
        Level(name="l", only=named, adds=added, streams_max=streams),
        Level(name="l", without=named, adds=added, streams_max=streams),
    ):
        left = one.limit(rights(*sorted(had)))
        remains = had & named if one.only is not None else had - named
        assert {grant.code for grant in left.grants} == remains | added
        assert all(
            g.until == (NOW if g.code == "d" else None) or g.code in added for g in left.grants
        )
        assert (left.streams, left.reason) == (min(4, streams), "l")
        assert one.limit(left).encode() == left.encode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "x"},
        {"name": "", "streams_max": 1},
        {"name": "x", "adds": frozenset("a")},
        {"name": "x", "only": frozenset("a"), "without": frozenset("b")},
        {"name": "x", "streams_max": 0},
    ],
)
def test_a_level_that_makes_no_sense_is_refused(wrong):
    """One that takes nothing away, or says both, was meant otherwise."""
    with pytest.raises(Invalid, match=r"dunning\.levels"):
        Level(**wrong)


LESS = Level(name="less", only=frozenset("a"), adds=frozenset("i"), streams_max=1)
LIMIT, SUSPEND, END, WRITE_OFF = Action.LIMIT, Action.SUSPEND, Action.TERMINATE, Action.WRITE_OFF


def climb(*actions: Action) -> tuple[Step, ...]:
    """Make steps, a day behind each other."""
    return tuple(
        Step(after_days=n, action=one, level=LESS if one is LIMIT else None)
        for n, one in enumerate(actions)
    )


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (climb(SUSPEND, LIMIT), "too late"),
        (climb(LIMIT, LIMIT), "once at most"),
        (climb(END), "needs a suspend"),
        (climb(SUSPEND, WRITE_OFF), "needs a terminate"),
        (climb(SUSPEND, END, END), "once at most"),
        ((*climb(LIMIT), Step(after_days=0, action=SUSPEND)), "one day"),
        ((Step(after_days=1, action=LIMIT),), "level"),
        ((Step(after_days=1, action=SUSPEND, level=LESS),), "level"),
    ],
)
def test_rungs_have_their_order(steps, why):
    """What comes too early, too late, twice or without what it needs is refused."""
    with pytest.raises(Invalid, match=why):
        Ladder(steps)


def test_a_segment_with_levels_is_kept_as_it_is():
    """What is written of a ladder with all its rungs is read again alike."""
    one = Segment(ladder=Ladder(climb(LIMIT, SUSPEND, END, WRITE_OFF)))
    assert document.read(document.written(one)) == one


def climbing(count: int) -> dict[AccountId, Rung]:
    """Make so many accounts that are about to climb."""
    return {AccountId(f"A{n}"): Rung(InvoiceId(f"I{n}"), "suspend") for n in range(count)}


@given(
    st.integers(1, 100), st.integers(0, 20), st.integers(0, 300), st.lists(st.integers(1, 60)),
    st.integers(0, 5),
)  # fmt: skip
def test_a_brake_never_lets_more_than_its_share_go(share, floor, base, batches, released):
    """A batch goes whole or not at all; once it stopped only who was released goes."""
    brake = Brake(
        policy=BrakePolicy(share_percent=share, floor=floor),
        turn=0,
        since=NOW,
        base=base,
        counted=0,
    )
    gone = 0
    for count in batches:
        asking = climbing(count)
        free = set(list(asking)[:released])
        was_stopped = brake.stopped_at is not None
        brake, waiting = brake.asked(asking, free, NOW)
        assert waiting in (frozenset(), frozenset(asking) - free)
        if was_stopped:
            assert waiting == frozenset(asking) - free
        gone += len(frozenset(asking) - free - waiting)
    assert gone == brake.counted <= max(floor, base * share // 100)
    assert [brake.is_over(NOW + by) for by in (timedelta(0), WINDOW, -WINDOW)] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("wrong", [{"share_percent": 0}, {"share_percent": 101}, {"floor": -1}])
def test_a_brake_that_makes_no_sense_is_refused(wrong):
    """A share is a share, and nobody has less than no accounts."""
    with pytest.raises(Invalid, match=r"dunning\.brake"):
        BrakePolicy(**wrong)
