"""Announcements: one text to all households, or to those of a segment; marketing, so declinable.

They are written down once and go out page by page, each household by the channels of the kind
`announcement` that it has not declined. Said again within a day, the same one is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Column, Index, String, Table, Text, select, text, update

from billing.reads.contacts import PAGE_ROWS_MAX, Contact, of_segment
from messages.dispatch import Dispatch
from messages.plan import ANNOUNCEMENT
from messages.policy import TEXT_CHARS_MAX
from messages.templates import FALLBACK, language_of
from runtime import log
from runtime.store import Instant, Store, Tx, metadata
from runtime.store.alone import Alone, alone
from runtime.work import Claim, Failure, Work
from terms.errors import Invalid
from terms.ids import NoticeId
from terms.notice import Notice

KIND = "announce"
LASTS = timedelta(days=3)
SAME_WITHIN = timedelta(days=1)
DIGEST_CHARS = 32
LANGUAGES_MAX = 20

announcement = Table(
    "announcement",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("segment", String(40)),
    Column("texts", Text, nullable=False),
    Column("behind", String(40), nullable=False),
    Column("ended_at", Instant),
    Column("digest", String(DIGEST_CHARS), nullable=False, server_default=text("''")),
    Index(None, "digest", "at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What is said in which language; to everybody where there is no segment. Raises Invalid."""

    id: str
    texts: Mapping[str, str]
    segment: str | None = None

    def __post_init__(self) -> None:
        if FALLBACK not in self.texts:
            raise Invalid(f"texts.{FALLBACK}", "is needed, as it is what everybody else reads")
        if len(self.texts) > LANGUAGES_MAX:
            raise Invalid("texts", f"are told in more than {LANGUAGES_MAX} languages")
        for language, said in self.texts.items():
            if language != language_of(language) or not language.isalpha():
                named, what = (f"texts.{language[:20]}", "") if language else ("texts", "'' ")
                raise Invalid(named, f"{what}is no language such as de")
            if not said.strip() or len(said) > TEXT_CHARS_MAX["screen"] or not said.isprintable():
                most = TEXT_CHARS_MAX["screen"]
                raise Invalid(f"texts.{language}", f"one line of 1 to {most} characters is needed")

    @property
    def digest(self) -> str:
        """Digest what is said and to whom, in whatever order the texts are told."""
        said = [self.segment, sorted(self.texts.items())]
        return blake2b(json.dumps(said).encode(), digest_size=DIGEST_CHARS // 2).hexdigest()

    def text(self, locale: str) -> str:
        """Say it in a language, else in English."""
        return self.texts.get(language_of(locale), self.texts[FALLBACK])


async def announce(tx: Tx, work: Work, one: Announcement) -> str:
    """Have it said to everybody it is for, once this transaction stands, and return its id.

    Where the same was said to the same within a day, nothing is done: it is the id of that one.
    """
    await alone(tx, Alone.ANNOUNCE)
    now, c = work.clock.machine_now(), announcement.c
    said = select(c.id).where(c.digest == one.digest, c.at > now - SAME_WITHIN)
    before = await tx.scalar(said.order_by(c.at.desc()).limit(1))
    if before is not None:
        return str(before)
    row = {
        "id": one.id,
        "at": now,
        "segment": one.segment,
        "texts": json.dumps(dict(one.texts), ensure_ascii=False, sort_keys=True),
        "behind": "",
        "digest": one.digest,
    }
    await tx.insert(announcement, [row])
    await work.mark(tx, KIND, [one.id])
    return one.id


class Announcements:
    """Sends them, a page of households in each transaction."""

    def __init__(self, store: Store, work: Work, dispatch: Dispatch) -> None:
        self.store = store
        self.work = work
        self.dispatch = dispatch

    async def handle(self, claims: Sequence[Claim]) -> None:
        """Send a page of each; what has more pages is claimed again."""
        for claim in claims:
            async with self.store.begin() as tx:
                is_over = await self._page(tx, claim.key)
                if is_over:
                    await self.work.complete(tx, [claim])
                else:
                    now = self.work.clock.machine_now()
                    more = Failure(claim=claim, error="more pages", not_before=now, counts=False)
                    await self.work.fail(tx, [more])

    async def _page(self, tx: Tx, id_: str) -> bool:
        """Send it to the next households; tell whether these were the last."""
        c = announcement.c
        row = await tx.first(select(announcement).where(c.id == id_))
        now = self.work.clock.machine_now()
        if row is None or row.ended_at is not None or now > row.at + LASTS:
            return True
        one = Announcement(id=id_, texts=json.loads(row.texts), segment=row.segment)
        today: date = (await self.work.clock.business_now(tx)).date()
        homes = await of_segment(tx, one.segment, today, behind=row.behind)
        notices = list(_notices(one, homes, row.at + LASTS))
        entries = [
            log.Entry(id=each.id, kind="notice", key=each.service, value=each.encode(), at=now)
            for each in notices
        ]
        await log.append(tx, entries)
        await self.dispatch.begin(tx, notices)
        is_over = len(homes) < PAGE_ROWS_MAX
        behind = homes[-1].contract if homes else row.behind
        said = {"behind": behind, "ended_at": now if is_over else None}
        await tx.execute(update(announcement).where(c.id == id_).values(said))
        return is_over


def _notices(one: Announcement, homes: Sequence[Contact], not_after: datetime) -> Iterator[Notice]:
    for home in homes:
        yield Notice(
            id=NoticeId(f"{one.id}.{home.service}"),
            service=home.service,
            kind=ANNOUNCEMENT,
            not_after=not_after,
            params={"contract": home.contract, "text": one.text(home.locale)},
            locale=home.locale,
        )
