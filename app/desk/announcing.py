"""Something is announced to all households, or to those of a segment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.desk import business
from app.desk.auditing import note
from app.wiring import House
from billing.reads import catalog, contacts
from messages.announcing import Announcement, announce
from messages.plan import ANNOUNCEMENT
from messages.policy_store import load_policy
from messages.preview import CONTRACT, OPERATOR, Sample, sample
from messages.templates import language_of
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Invalid

EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What the households of a language read, and how many these are."""

    households: int
    sample: Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Whom an announcement would go to if it went out now, and what they would read."""

    households: int
    readers: Sequence[Reader]


async def foresee(
    house: House, tx: Tx, texts: Mapping[str, str], *, segment: str | None
) -> Outlook:
    """Tell what saying it would come to; writes nothing. Raises Invalid naming the field.

    Whoever has declined a channel is counted: another channel may take it.
    """
    await _known(tx, segment)
    one = Announcement(id="", texts=texts, segment=segment)
    today = (await house.clock.business_now(tx)).date()
    counts: Counter[str] = Counter(dict.fromkeys(texts, 0))
    for locale, households in (await contacts.locales(tx, segment, today)).items():
        counts[language_of(locale)] += households
    policy, known = await load_policy(tx), await business.find(tx)
    operator = known.name if known else OPERATOR
    readers = []
    for language in sorted(counts):
        values = {"contract": CONTRACT, "text": one.text(language)}
        written = sample(policy, ANNOUNCEMENT, language, values, operator=operator)
        readers.append(Reader(households=counts[language], sample=written))
    return Outlook(households=counts.total(), readers=readers)


async def say(
    house: House,
    tx: Tx,
    texts: Mapping[str, str],
    *,
    segment: str | None,
    actor: str,
    reason: str = "",
) -> Announcement:
    """Have it said; it goes out page by page. Raises Invalid naming the field."""
    await _known(tx, segment)
    now = house.clock.machine_now()
    one = Announcement(id=new_id(now, house.chance), texts=texts, segment=segment)
    await announce(tx, house.work, one)
    await note(
        house,
        tx,
        actor=actor,
        action="notices.announce",
        subject=f"segment:{segment}" if segment is not None else EVERYBODY,
        after=one.texts["en"],
        reason=reason,
    )
    return one


async def _known(tx: Tx, segment: str | None) -> None:
    if segment and segment not in (await catalog.segments(tx)).each:
        raise Invalid("segment", f"there is no segment {segment}")
