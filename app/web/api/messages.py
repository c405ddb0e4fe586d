"""/messages: what went out to whom by which channel; /notices: how every notice reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Literal

from app.desk import messages
from app.desk.messages import Asked, Told
from app.web.api.shapes import Day, OptionalText, Page, Paging, page
from app.web.api.ways import NOT_FOUND, look
from app.web.route import Call
from messages.preview import Sample


class MessagesQuery(Paging):
    """Of one contract, by one channel, of one kind, with one outcome, begun since a day (UTC)."""

    contract: OptionalText = ""
    channel: Literal["", "screen", "mail", "sms"] = ""
    kind: OptionalText = ""
    outcome: Literal["", "begun", "sent", "waiting", "failed", "late", "unknown"] = ""
    since: Day | None = None


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


ROUTES = (
    look("messages", list_messages, Page[MessageLine], query=MessagesQuery, problems=(NOT_FOUND,)),
    look("notices", list_notices, list[NoticeWording]),
)
