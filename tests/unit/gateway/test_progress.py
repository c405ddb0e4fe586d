"""What a box's page says, case by case: only what was seen since the hand-over ever counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.adapters.state import ViewerState
from gateway.inventory.model import Resource, ResourceState
from gateway.inventory.reviews import Case, CaseKind
from gateway.provisioning.targets import DriftPolicy, Target
from gateway.reads.advice import PATIENCE, progress_of
from gateway.reads.progress import About, Evidence, Mark, Stage, Waiting
from gateway.reads.services import AtTarget
from gateway.reads.services import Waiting as Row
from terms.entitlement import ServiceState
from terms.ids import ResourceId, ServiceId, SubjectId, TargetName
from tests.fixtures.clock import START

SERIAL, MAC = "RB00000018", "00:16:3E:00:00:01"
BOUND = START
SEEN = BOUND + timedelta(seconds=3)
NOW = BOUND + timedelta(seconds=10)
LATE = BOUND + PATIENCE + timedelta(seconds=1)
BOX = Resource(
    id=ResourceId("r1"),
    serial=SERIAL,
    model="RB-1",
    mac=MAC,
    state=ResourceState.ASSIGNED,
    service=ServiceId("s1"),
)
RACK = Target(
    name=TargetName("rack"),
    kind="ssh",
    enabled=True,
    version=1,
    in_flight_max=1,
    calls_per_s=None,
    drift_policy=DriftPolicy.REPAIR,
    guard_share_percent=10,
    guard_floor=10,
    models=("RB-1",),
    down_since=None,
    down_reason=None,
    probes=0,
    probe_at=None,
    parked_at=None,
    parked_reason=None,
    throttled_until=None,
    pace=None,
    paced_at=None,
)
WISH = ViewerState(ref=SERIAL, enabled=False, packages=frozenset({"basic"}), revision=4)
AT = AtTarget(
    target=RACK.name,
    subject=SubjectId("r1"),
    ref=SERIAL,
    wished=WISH,
    state=ServiceState.PENDING,
    cause="",
    revision=4,
    held=WISH,
    proven_revision=4,
    seen_at=SEEN,
    waiting=None,
)
ACCOUNT = ViewerState(ref="1001", enabled=False, devices=frozenset({MAC}), revision=2)
PORTAL = AtTarget(
    target=TargetName("north"),
    subject=SubjectId("s1"),
    ref="1001",
    wished=ACCOUNT,
    state=ServiceState.PENDING,
    cause="",
    revision=2,
    held=ACCOUNT,
    proven_revision=2,
    seen_at=SEEN,
    waiting=None,
)
RIGHT = Evidence(
    box=BOX, now=NOW, bound_at=BOUND, driver=RACK, box_at=AT, accounts=(PORTAL,), address="a:22"
)
ROW = Row(attempts=0, error="", marked_at=BOUND, parked_at=None)
CASE = Case(
    id="c",
    kind=CaseKind.OTHER_MODEL,
    serial=SERIAL,
    reason="calls itself HT-2",
    found_at=SEEN,
    seen_at=SEEN,
    count=1,
    resolved_at=None,
    resolved_by=None,
    resolution=None,
)


def box_at(**other) -> Evidence:
    """Everything is right but this of the box."""
    return replace(RIGHT, box_at=replace(AT, **other))


def waits(now=NOW, *, seen_at=None, **row) -> Evidence:
    """A row of work is left; the box was seen at an instant, or never."""
    held = WISH if seen_at else None
    return replace(box_at(waiting=replace(ROW, **row), seen_at=seen_at, held=held), now=now)


def test_all_of_it_was_seen():
    """Each line is seen, each with its instant; dark is right where nothing is paid."""
    found = progress_of(RIGHT)
    assert found.stage is Stage.PROVEN
    assert [line.about for line in found.lines] == list(About)
    assert {(line.mark, line.at) for line in found.lines} == {(Mark.SEEN, SEEN)}
    assert found.lines[4].answer == "dark, and that is right: nothing is paid yet"
    assert found.since is None


@pytest.mark.parametrize(
    "known",
    [
        box_at(seen_at=BOUND - timedelta(seconds=1)),
        box_at(seen_at=None, held=None, proven_revision=0),
        box_at(revision=5),
        box_at(proven_revision=0),
        box_at(waiting=ROW),
        box_at(held=replace(WISH, enabled=True)),
        box_at(held=replace(WISH, packages=frozenset())),
        box_at(held=replace(WISH, ref="RB00000026")),
        replace(RIGHT, box_at=None),
        replace(RIGHT, driver=None),
        replace(RIGHT, bound_at=None),
        replace(RIGHT, composing=Waiting(since=BOUND)),
        replace(RIGHT, problems=("two tariffs",)),
        replace(RIGHT, cases=(CASE,)),
        replace(RIGHT, accounts=(replace(PORTAL, held=None, seen_at=None),)),
        replace(RIGHT, accounts=(replace(PORTAL, seen_at=BOUND - timedelta(seconds=1)),)),
        replace(RIGHT, box=replace(BOX, state=ResourceState.RETURNED)),
    ],
)
def test_one_thing_missing_is_not_green(known):
    """Seen before the hand-over, an older wish, a difference, a doubt: none of them is proven."""
    assert progress_of(known).stage is not Stage.PROVEN


@pytest.mark.parametrize(
    ("known", "stage", "words"),
    [
        (waits(), Stage.WAITING, "It is being asked"),
        (waits(error="refused"), Stage.WAITING, "up to 2 minutes to start"),
        (waits(LATE, error="refused"), Stage.STUCK, "No answer. The last try said: refused. Look"),
        (waits(LATE), Stage.STUCK, "No answer. Look at these"),
        (waits(seen_at=SEEN, error="refused"), Stage.STUCK, "was it unplugged"),
        (waits(error="busy", attempts=2), Stage.WAITING, "came to nothing: busy. It is tried"),
        (waits(error="bad key.", parked_at=SEEN), Stage.STUCK, "set aside: bad key. It is not"),
        (box_at(held=None, seen_at=None), Stage.STUCK, "ask it again"),
        (replace(RIGHT, box_at=None), Stage.WAITING, "No wish has been made"),
        (replace(RIGHT, box_at=None, now=LATE), Stage.STUCK, "takes too long: call the office"),
        (replace(RIGHT, composing=Waiting(since=BOUND)), Stage.WAITING, "being worked out"),
        (
            replace(RIGHT, composing=Waiting(since=BOUND, error="e", is_parked=True)),
            Stage.STUCK,
            "e",
        ),
        (replace(RIGHT, problems=("two tariffs",)), Stage.STUCK, "do not fit: two tariffs"),
        (replace(RIGHT, cases=(CASE,)), Stage.STUCK, "was another box plugged in"),
        (replace(box_at(waiting=ROW), driver=replace(RACK, enabled=False)), Stage.STUCK, "off"),
        (
            replace(box_at(waiting=ROW), driver=replace(RACK, parked_at=BOUND)),
            Stage.STUCK,
            "rack is set aside, whatever the box does: it refuses us",
        ),
        (
            replace(box_at(waiting=ROW), driver=replace(RACK, down_since=BOUND)),
            Stage.WAITING,
            "rack does not answer",
        ),
        (replace(RIGHT, driver=None, box_at=None), Stage.UNASKED, "what its portal says"),
        (replace(RIGHT, driver=None, box_at=None, accounts=()), Stage.UNASKED, "call the office"),
    ],
)
def test_what_to_do_is_said(known, stage, words):
    """Each way of not being proven says what is awaited, or what whoever stands there can do."""
    found = progress_of(known)
    assert found.stage is stage
    assert words in found.advice


def test_what_to_look_at_is_a_list():
    """Where nobody answers, power, cable, network and address stand one after the other."""
    steps = progress_of(waits(LATE, error="refused")).steps
    assert [step.partition(":")[0] for step in steps] == [
        "Power",
        "Cable",
        "Network",
        "The address",
    ]
    assert progress_of(waits()).steps == ()


def test_another_model_is_named_and_is_no_silence():
    """The page names the model seen and the one expected; it does not say that nothing answers."""
    why = "box RB00000018 is registered as RB-1 and calls itself RB-9"
    case = replace(CASE, kind=CaseKind.OTHER_MODEL, reason=why)
    found = progress_of(replace(box_at(held=None, seen_at=None), cases=(case,)))
    answers = {line.about: line.answer for line in found.lines}
    assert answers[About.IDENTITY] == why
    assert found.advice.startswith("Box RB00000018 is registered as RB-1 and calls itself RB-9. ")
    assert not any(
        "not since" in answer or "no answer yet" in answer for answer in answers.values()
    )


def test_every_doubt_and_state_has_its_sentence():
    """No kind of finding and no state of a box leaves somebody without a word."""
    for kind in CaseKind:
        assert progress_of(replace(RIGHT, cases=(replace(CASE, kind=kind),))).advice
    old = replace(CASE, seen_at=BOUND - timedelta(days=1))
    assert progress_of(replace(RIGHT, cases=(old,))).stage is Stage.PROVEN
    for state in ResourceState:
        found = progress_of(replace(RIGHT, box=replace(BOX, state=state)))
        assert found.stage is (Stage.PROVEN if BOX.state is state else found.stage)
        assert found.advice


def test_while_rights_are_worked_out_nothing_counts_as_right():
    """What is compared with a wish waits for the newest one; that it answered stays true."""
    found = progress_of(replace(RIGHT, composing=Waiting(since=SEEN)))
    marks = {line.about: line.mark for line in found.lines}
    assert marks[About.REACHED] is Mark.SEEN
    assert marks[About.REVISION] is marks[About.PICTURE] is Mark.AWAITED
    assert found.since == SEEN


def test_a_box_without_a_mac_asks_no_portal():
    """No portal can know it, so none is waited for."""
    found = progress_of(replace(RIGHT, box=replace(BOX, mac=None)))
    assert About.PORTAL not in {line.about for line in found.lines}
    assert found.stage is Stage.PROVEN
