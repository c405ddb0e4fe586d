"""docs/reference/boxes.md, written from the tables of states: `python -m app.boxes_reference`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum

from app.desk.boxes import TOLD_LATE_MAX
from gateway.inventory import jobs, model, quarantine, secrets, sightings
from gateway.inventory.hostkeys import CASES_OF_BOX_MAX
from gateway.inventory.logins import CLAIM_WINDOW
from gateway.inventory.model import ResourceState
from gateway.inventory.reviews import CaseKind

_HEAD = """\
# Boxes

Written from the product's own tables (`.venv/bin/python -m app.boxes_reference >
docs/reference/boxes.md`); a test compares. How boxes come in: [import.md](import.md); the commands:
`boxoffice device`, `jobs` and `review` of [cli.md](cli.md); the same over HTTP: [api.md](api.md).

## States

| state | means | may become |
|---|---|---|
"""
_MEANING = {
    ResourceState.IN_STOCK: "ours, at a place: the warehouse, or somebody's van",
    ResourceState.ASSIGNED: "a household holds it",
    ResourceState.ACTIVE: "has proven itself there",
    ResourceState.RETURNED: "back, not looked at yet",
    ResourceState.LOST: "nobody knows where; who had it stays written",
    ResourceState.SCRAPPED: "gone for good",
}
_CASES = {
    CaseKind.TWO_PLACES: "one serial calls from two addresses by turns within {by_turns} min",
    CaseKind.MAC_TAKEN: "another serial shows the MAC of this box",
    CaseKind.OTHER_MAC: "the box shows another MAC than its own",
    CaseKind.OTHER_MODEL: "the box calls itself another model",
    CaseKind.HOST_KEY: "the box shows another host key than the pinned one; a case for each key, "
    "those beyond {keys} are one",
    CaseKind.DOUBTFUL: "the box calls in a way it should not: as another, or without its secret",
}
_STEPS = """
Every step writes one line of the box's history: what was done, the state and the household after
it, where (at most {place} characters), by whom, at which instant of the machine, and the
household's local day. The database refuses to change or delete a line. A step done twice is done
once. A move between places changes no state; only what is in stock or returned is moved. A swap is
two lines, one of each box, and one fact. What a household holds is told to billing in the same
transaction: handed over, activated, swapped, returned, lost, found.

A technician takes boxes from his own van and from nowhere else; the office takes anything. A van is
called by the sign-in name of whoever has it. What is told late lies at most {late} back, and
never before what happened to the box last.

## Serials

A model of `models.csv` may say how its serials begin and that they end in a check digit (`luhn`,
ISO/IEC 7812-1). A typed serial that cannot be is refused with the reason; where exactly one
exchange of two neighbouring digits makes it right, that one is proposed.

## Logins

How a box is reached: address, pinned host key, and secrets under the names {names}. They are sealed
in the database, each for its own box. A first host key is taken within {window} min after somebody
has registered the box (or swapped it in), at no other time; another key than the pinned one is
refused and goes to the review list. Secrets change in two phases: the old ones are valid until the
box was seen with the new ones. What manuals print (`changeme`, `public`, `12345678`) is refused.

The case of a changed key shows both fingerprints, as `ssh-keygen -l` does. It ends in one of two
ways: the pinned key stays, or it is forgotten (`review resolve --forget-key`) and the next
registration pins another.

## Quarantine and review

A box that calls and that nobody has registered is noted with serial, OUI, model, MAC and address as
soon as it has signed in with what all boxes have from the factory; it has no rights. Who signs in
with anything else is turned away and leaves nothing. Boxes that wait to be asked are asked only
once they are registered, so none of them is ever a stranger. At most {strangers} are kept; who was
not seen for longest gives way. Registered, it leaves. Nothing is ever merged by itself: what does
not fit waits for a person, once for each kind and box.

| kind | means |
|---|---|
"""
_JOBS = """
## Jobs

A job is one of {kinds}, at a contract, for somebody or for anybody.

| state | may become |
|---|---|
"""


def reference() -> str:
    """Write the whole page."""
    states = "".join(
        f"| `{state}` | {_MEANING[state]} | {_named(model.ALLOWED[state])} |\n"
        for state in ResourceState
    )
    told = _STEPS.format(
        place=model.PLACE_CHARS_MAX,
        names=_named(secrets.KNOWN),
        window=_minutes(CLAIM_WINDOW),
        strangers=f"{quarantine.STRANGERS_MAX:,}",
        late=f"{TOLD_LATE_MAX.days} days",
    )
    by_turns = _minutes(sightings.BY_TURNS)
    cases = "".join(
        f"| `{kind}` | {_CASES[kind].format(by_turns=by_turns, keys=CASES_OF_BOX_MAX)} |\n"
        for kind in CaseKind
    )
    work = _JOBS.format(kinds=_named(jobs.JobKind)) + _table(jobs.ALLOWED)
    return f"{_HEAD}{states}{told}{cases}{work}"


def _table(allowed: Mapping[jobs.JobState, frozenset[jobs.JobState]]) -> str:
    return "".join(f"| `{state}` | {_named(after)} |\n" for state, after in allowed.items())


def _named(words: Iterable[StrEnum | str]) -> str:
    return ", ".join(f"`{word}`" for word in _ordered(words)) or "nothing"


def _ordered(words: Iterable[StrEnum | str]) -> list[str]:
    return sorted(map(str, words)) if isinstance(words, frozenset) else list(map(str, words))


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)


if __name__ == "__main__":
    sys.stdout.write(reference())
