"""Whether the picture is on, and why not, in a subscriber's words: no target is named. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.page.words import Tone, money, shown
from billing.dunning.model import HoldKind
from billing.reads.account import AccountView, HoldView
from gateway.reads.services import AtTarget, Overview
from terms.entitlement import ServiceState
from terms.ids import SubjectId
from terms.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One word, and what there is to say of it."""

    tone: Tone
    word: str
    why: tuple[str, ...] = ()


_NEW = Picture(tone="calm", word="Being set up", why=("This takes a moment.",))
_ON = Picture(tone="good", word="On")
_COMING = Picture(tone="calm", word="Coming on", why=("This takes a moment.",))
_TROUBLE = Picture(
    tone="warn",
    word="In trouble",
    why=("It should be on. Something technical is in the way; your operator sees it, too.",),
)
_ENDED = Picture(tone="off", word="Ended", why=("This contract has ended.",))


def picture(about: AccountView, gateway: Overview, down: frozenset[str]) -> Picture:
    """Tell how it is; `down` are the targets that cannot be worked on."""
    state = about.service.state
    if state is None:
        return _NEW
    if state is ServiceState.ENDED:
        return _ENDED
    if not state.is_live:
        tone: Tone = "bad" if state is ServiceState.SUSPENDED else "warn"
        word = "Paused" if state is ServiceState.SUSPENDED else "Not on yet"
        return Picture(tone=tone, word=word, why=_held(about))
    found = _at_targets(gateway, down)
    return _limited(about) if state is ServiceState.LIMITED and found is _ON else found


def _limited(about: AccountView) -> Picture:
    """Say that not all may be watched, and why."""
    return Picture(tone="warn", word="Limited", why=_held(about))


def _held(about: AccountView) -> tuple[str, ...]:
    whys = tuple(_of_hold(one, about.missing) for one in about.holds)
    if not whys and about.service.reason == "not_begun":
        begins = min((one.from_on for one in about.subscriptions), default=None)
        return (f"It begins on {shown(begins)}.",) if begins else ()
    return whys


def _of_hold(one: HoldView, missing: Money | None) -> str:
    if one.kind is HoldKind.UNPAID_FIRST:
        return f"It comes on as soon as the first invoice, {one.cause}, is paid."
    if one.kind is HoldKind.PAUSED:
        return f"It rests since {shown(one.since_on)}, as you wished."
    if one.kind is HoldKind.LIMITED:
        return (
            f"Not everything is on since {shown(one.since_on)}, because invoice {one.cause} is not "
            "paid. As soon as it is, all of it comes back by itself."
        )
    then = f"As soon as {money(missing)} is paid" if missing else "As soon as it is"
    return (
        f"Since {shown(one.since_on)}, because invoice {one.cause} is not paid. "
        f"{then}, the picture comes back by itself."
    )


def _at_targets(gateway: Overview, down: frozenset[str]) -> Picture:
    # A box that is switched off answers nobody: the household's account says more.
    of_household = [at for at in gateway.targets if at.subject == SubjectId(gateway.service)]
    places = of_household or gateway.targets
    dark = [at for at in places if not (at.held and at.held.enabled)]
    if places and not dark:
        return _ON
    if gateway.problems or any(_is_stuck(at, down) for at in dark):
        return _TROUBLE
    return _COMING


def _is_stuck(at: AtTarget, down: frozenset[str]) -> bool:
    is_parked = at.waiting is not None and at.waiting.parked_at is not None
    return is_parked or at.target in down
