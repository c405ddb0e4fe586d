"""Something is announced to all households, or to those of a segment, as it was looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
    """Whom an announcement would go to if it went out now, and what they would read.

    `digest` is of what is said and to whom; sending has to bring it.
    """

    digest: str
    households: int
    readers: Sequence[Reader]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Under which id it goes out; `again` where that was announced within a day already."""

    id: str
    again: bool


def read_texts(told: Iterable[str]) -> dict[str, str]:
    """Read texts by language, each told like de=TEXT. Raises Invalid for what is not, or twice."""
    texts: dict[str, str] = {}
    for line in told:
        language, is_told, text = line.partition("=")
        language = language.strip()
        if not is_told:
            raise Invalid("texts", f"each is like de=TEXT: {line[:40]}")
        if language in texts:
            raise Invalid(f"texts.{language}", "is told twice")
        texts[language] = text.strip()
    return texts


@contextmanager
def as_written(name: Callable[[str], str]) -> Iterator[None]:
    """Name the text that is wrong as whoever wrote it does; `name` gets its language, or nothing.

    Raises Invalid.
    """
    try:
        yield
    except Invalid as error:
        whole, _, language = error.field.partition(".")
        if whole != "texts":
            raise
        raise Invalid(name(language), error.reason) from None


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
    return Outlook(digest=one.digest, households=counts.total(), readers=readers)


async def say(
    house: House,
    tx: Tx,
    texts: Mapping[str, str],
    *,
    segment: str | None,
    digest: str,
    actor: str,
    reason: str = "",
) -> Said:
    """Have it said, once; it goes out page by page. Raises Invalid naming the field.

    The digest is the one that looking at it gave.
    """
    await _known(tx, segment)
    now = house.clock.machine_now()
    one = Announcement(id=new_id(now, house.chance), texts=texts, segment=segment)
    if digest != one.digest:
        raise Invalid("digest", "something else was looked at, or for others: look at it again")
    goes_out = await announce(tx, house.work, one)
    if goes_out != one.id:
        return Said(id=goes_out, again=True)
    await note(
        house,
        tx,
        actor=actor,
        action="notices.announce",
        subject=f"segment:{segment}" if segment is not None else EVERYBODY,
        after=one.texts["en"],
        reason=reason,
    )
    return Said(id=goes_out, again=False)


async def _known(tx: Tx, segment: str | None) -> None:
    if segment and segment not in (await catalog.segments(tx)).each:
        raise Invalid("segment", f"there is no segment {segment}")
