"""/messages: what went out to whom; /notices: how each reads; /announcements, and who declines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.desk import announcing, leaving, messages
from app.desk.announcing import SEEN_PATTERN, Outlook
from app.desk.messages import Asked, Told
from app.web import refusals
from app.web.api.shapes import PRINTED, Day, OptionalText, Page, Paging, page
from app.web.api.ways import NOT_FOUND, ask, change, look
from app.web.route import Body, Call
from messages.announcing import LANGUAGES_MAX
from messages.plan import Via
from messages.policy import TEXT_CHARS_MAX
from messages.preview import Sample
from runtime.store import Tx

Language = Annotated[str, StringConstraints(pattern=refusals.LANGUAGE)]
Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARS_MAX["screen"], pattern=PRINTED)]


class MessagesQuery(Paging):
    """Of one contract, by one channel, of one kind, with one outcome, begun since a day (UTC)."""

    contract: OptionalText = ""
    channel: Literal["", "screen", "mail", "sms"] = ""
    kind: OptionalText = ""
    outcome: Literal["", "begun", "sent", "waiting", "failed", "late", "unknown"] = ""
    since: Day | None = None


class DraftBody(Body):
    """What is said, by language; English is what all others read. To a segment, or to all; an
    empty one is the usual segment.
    """

    texts: Annotated[dict[Language, Text], Field(min_length=1, max_length=LANGUAGES_MAX)]
    segment: Annotated[OptionalText, Field(max_length=40)] | None = None


class AnnouncementBody(DraftBody):
    """The same, with the digest that its preview gave."""

    digest: Annotated[str, Field(pattern=SEEN_PATTERN)]
    reason: OptionalText = ""


class DeclineBody(Body):
    """Which channel, and whether announcements by it are declined."""

    channel: Literal["screen", "mail", "sms"]
    declined: bool
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """Under which id it goes out; `again` where that was announced within a day: it is that one."""

    id: str
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """By which channels a household wants no announcements."""

    channels: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """A message: whom it was for, by which channel, what became of it and why.

    `contract` is empty where it was for no household, `to` where it was for its screens. A letter's
    text is not kept.
    """

    id: str
    contract: str
    name: str
    kind: str
    channel: str
    to: str
    text: str
    outcome: str
    begun_at: datetime
    ended_at: datetime | None
    why: str

    @classmethod
    def of(cls, told: Told) -> MessageLine:
        """Show a message."""
        one = told.delivery
        return cls(
            id=one.id,
            contract=told.contract,
            name=told.name,
            kind=one.kind,
            channel=one.via.value,
            to=one.to,
            text=one.text,
            outcome=one.outcome.value,
            begun_at=one.begun_at,
            ended_at=one.ended_at,
            why=one.why,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeWording:
    """How a kind of notice reads in a language, with samples in its places.

    It goes by `channels`: by the `first` that can take it, or by `all`. `sms_parts` is how many
    parts its short message takes, in `sms_alphabet`.
    """

    kind: str
    language: str
    channels: Sequence[str]
    way: str
    screen: str
    sms: str
    sms_alphabet: str
    sms_parts: int
    subject: str
    mail: str

    @classmethod
    def of(cls, one: Sample) -> NoticeWording:
        """Show a sample."""
        return cls(
            kind=one.kind,
            language=one.language,
            channels=[via.value for via in one.via],
            way=one.way,
            screen=one.screen,
            sms=one.sms,
            sms_alphabet=one.length.alphabet.value,
            sms_parts=one.length.parts,
            subject=one.subject,
            mail=one.mail,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementReaders:
    """How many households of a language there are, and what they would read."""

    households: int
    wording: NoticeWording


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementOutlook:
    """Whom it would go to if it went out now, and the digest that sending it has to bring."""

    digest: str
    households: int
    readers: Sequence[AnnouncementReaders]

    @classmethod
    def of(cls, one: Outlook) -> AnnouncementOutlook:
        """Show an outlook."""
        readers = [
            AnnouncementReaders(households=each.households, wording=NoticeWording.of(each.sample))
            for each in one.readers
        ]
        return cls(digest=one.digest, households=one.households, readers=readers)


async def list_messages(call: Call) -> Page[MessageLine]:
    """List what went out, those begun last first."""
    query: MessagesQuery = call.query
    asked = Asked(
        contract=query.contract,
        channel=query.channel,
        kind=query.kind,
        outcome=query.outcome,
        since=datetime.combine(query.since, time(), UTC) if query.since else None,
    )
    behind = query.behind(datetime, str)
    async with call.house.store.read() as tx:
        found = await messages.reading(tx, asked, rows_max=query.limit + 1, behind=behind)
    return page(found, query.limit, MessageLine.of, lambda one: one.place)


async def list_notices(call: Call) -> Sequence[NoticeWording]:
    """Tell how every notice reads, in every language, by every channel."""
    async with call.house.store.read() as tx:
        return [NoticeWording.of(one) for one in await messages.wordings(tx)]


async def preview(call: Call) -> AnnouncementOutlook:
    """Tell whom an announcement would go to and how it reads; nothing is sent."""
    body: DraftBody = call.body
    async with call.house.store.read() as tx:
        found = await announcing.foresee(call.house, tx, body.texts, segment=body.segment)
    return AnnouncementOutlook.of(found)


async def announce(call: Call, tx: Tx) -> Announced:
    """Announce what was looked at, once, by the channels that households have not declined."""
    body: AnnouncementBody = call.body
    one = await announcing.say(
        call.house,
        tx,
        body.texts,
        segment=body.segment,
        digest=body.digest,
        actor=call.actor,
        reason=body.reason,
    )
    return Announced(id=one.id, again=one.again)


async def show_declined(call: Call) -> Declined:
    """Tell by which channels a household wants no announcements."""
    async with call.house.store.read() as tx:
        return await _declined(tx, call.part("contract"))


async def decline(call: Call, tx: Tx) -> Declined:
    """Decline announcements by a channel, or take them again."""
    body: DeclineBody = call.body
    contract = call.part("contract")
    await leaving.say(
        call.house,
        tx,
        contract,
        Via(body.channel),
        is_declined=body.declined,
        actor=call.actor,
        reason=body.reason,
    )
    return await _declined(tx, contract)


async def _declined(tx: Tx, contract: str) -> Declined:
    found = await leaving.declined(tx, contract)
    return Declined(channels=sorted(via.value for via in found))


_HERE = "accounts/{contract}/declined"
ROUTES = (
    ask("announcements/preview", preview, AnnouncementOutlook, body=DraftBody, problems=()),
    change("announcements", announce, Announced, body=AnnouncementBody, status=201),
    look(_HERE, show_declined, Declined),
    change(_HERE, decline, Declined, body=DeclineBody),
    look("messages", list_messages, Page[MessageLine], query=MessagesQuery, problems=(NOT_FOUND,)),
    look("notices", list_notices, list[NoticeWording]),
)
