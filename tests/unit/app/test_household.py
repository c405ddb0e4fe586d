"""Whether a household still sees the picture that it should not see any more."""

from typing import Any, cast

import pytest

from app.desk.household import Household
from gateway.adapters.state import ViewerState
from gateway.reads.services import AtTarget, Overview
from terms.entitlement import ServiceState
from terms.ids import ServiceId, SubjectId, TargetName

SERVICE = ServiceId("s")


def at(subject: str, *, held: bool | None, wished: bool = False) -> AtTarget:
    """Make what a target holds for a subject, seen on, dark or not at all."""

    def state(is_on: bool) -> ViewerState:
        return ViewerState(ref="r", enabled=is_on, tariff=None)

    return AtTarget(
        target=TargetName("north"),
        subject=SubjectId(subject),
        ref="r",
        wished=state(wished),
        state=ServiceState.SUSPENDED,
        cause="",
        revision=2,
        held=None if held is None else state(held),
        proven_revision=1,
        seen_at=None,
        waiting=None,
    )


@pytest.mark.parametrize(
    ("targets", "is_still_on"),
    [
        ([], False),
        ([at("s", held=True)], True),
        ([at("s", held=True, wished=True)], False),
        ([at("s", held=False)], False),
        ([at("s", held=None)], False),
        # A box that is switched off was seen on last: its household's account says more.
        ([at("s", held=False), at("box", held=True)], False),
        ([at("box", held=True)], True),
    ],
)
def test_the_account_says_more_than_a_box(targets: list[AtTarget], is_still_on: bool):
    """It is still on where an account was seen on; a box is asked where there is no account."""
    household = Household(
        account=cast("Any", None),
        gateway=Overview(service=SERVICE, targets=targets, boxes=(), problems=()),
        messages=(),
        why_dark=(),
        held_up=(),
        out={},
    )
    assert household.is_still_on is is_still_on
