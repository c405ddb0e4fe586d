"""Something is announced to all households, or to those of a segment, as it was looked at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

from app.desk import business
from app.desk.auditing import note
from app.wiring import House
from billing.reads import catalog, contacts
from messages.announcing import DIGEST_CHARS, Announcement, announce
from messages.plan import ANNOUNCEMENT
from messages.policy_store import load_policy
from messages.preview import CONTRACT, OPERATOR, Sample, sample
from messages.templates import language_of
from runtime.chance import new_id
from runtime.store import Tx
from terms.errors import Invalid

EVERYBODY = "everybody"
SEEN_PATTERN = rf"^[0-9a-f]{{{DIGEST_CHARS}}}-[0-9]{{1,9}}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What the households of a language read, and how many these are."""

    households: int
    sample: Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Whom an announcement would go to if it went out now, and what they would read.

    `digest` is of what is said and of who reads it; sending has to bring it.
    """

    digest: str
    households: int
    readers: Sequence[Reader]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Under which id it goes out, and to how many.

    `again` where that was announced within a day already: nobody is told it by this.
    """

    id: str
    again: bool
    households: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whom:
    """How many read it in which language, and a digest of what is said and of who they are."""

    counts: Counter[str]
    digest: str


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
    whom = await _whom(house, tx, one)
    policy, known = await load_policy(tx), await business.find(tx)
    operator = known.name if known else OPERATOR
    readers = []
    for language in sorted(whom.counts):
        values = {"contract": CONTRACT, "text": one.text(language)}
        written = sample(policy, ANNOUNCEMENT, language, values, operator=operator)
        readers.append(Reader(households=whom.counts[language], sample=written))
    return Outlook(digest=whom.digest, households=whom.counts.total(), readers=readers)


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

    The digest is the one that looking at it gave; where others would get it now, it is refused.
    """
    await _known(tx, segment)
    now = house.clock.machine_now()
    one = Announcement(id=new_id(now, house.chance), texts=texts, segment=segment)
    goes_out = await announce(tx, house.work, one)
    if goes_out != one.id:
        return Said(id=goes_out, again=True, households=0)
    whom = await _whom(house, tx, one)
    _check_seen(digest, whom)
    await note(
        house,
        tx,
        actor=actor,
        action="notices.announce",
        subject=f"segment:{segment}" if segment is not None else EVERYBODY,
        after=one.texts["en"],
        reason=reason,
    )
    return Said(id=goes_out, again=False, households=whom.counts.total())


async def _whom(house: House, tx: Tx, one: Announcement) -> _Whom:
    """Read once who would get it today, in pages; the digest ends with how many these are."""
    counts: Counter[str] = Counter(dict.fromkeys(one.texts, 0))
    digest = blake2b(one.digest.encode(), digest_size=DIGEST_CHARS // 2)
    today = (await house.clock.business_now(tx)).date()
    async for page in contacts.locales(tx, one.segment, today):
        counts.update(language_of(locale) for _, locale in page)
        digest.update(json.dumps(page).encode())
    return _Whom(counts=counts, digest=f"{digest.hexdigest()}-{counts.total()}")


def _check_seen(digest: str, whom: _Whom) -> None:
    """Raise Invalid where something else was looked at, or where others get it by now."""
    if digest == whom.digest:
        return
    seen, now = digest.rpartition("-")[2], whom.counts.total()
    if seen.isdecimal() and int(seen) != now:
        raise Invalid("digest", f"looked at for {seen} households, now {now}: look at it again")
    raise Invalid("digest", "something else was looked at, or for others: look at it again")


async def _known(tx: Tx, segment: str | None) -> None:
    if segment and segment not in (await catalog.segments(tx)).each:
        raise Invalid("segment", f"there is no segment {segment}")
