"""/console/announcements: something is written, looked at as households would read it, and sent.

Looking writes nothing. What is sent is what was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import Field

from app.desk import announcing
from app.desk.announcing import SEEN_PATTERN, Outlook, as_written
from app.identity.roles import Right
from app.web.console.forms import DeedForm
from app.web.console.sayings import SaidQuery, told
from app.web.page.once import in_one
from app.web.page.reply import html, see
from app.web.page.words import sentence
from app.web.route import Call, Route, shows, takes
from billing.reads import catalog
from messages.announcing import LANGUAGES_MAX
from messages.policy import TEXT_CHARS_MAX
from messages.templates import FALLBACK
from runtime.store import Tx
from terms.errors import DomainError

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/announcements"
ALL = "all"
_LINE_CHARS_MAX = TEXT_CHARS_MAX["screen"]
_OTHERS_CHARS_MAX = LANGUAGES_MAX * (_LINE_CHARS_MAX + 10)


class AnnouncementForm(DeedForm):
    """What is said in English, in other languages, each a line like de=TEXT, and to whom.

    `to` is all, or the name of a segment behind a colon; the usual one has none.
    """

    english: Annotated[str, Field(max_length=_LINE_CHARS_MAX)] = ""
    others: Annotated[str, Field(max_length=_OTHERS_CHARS_MAX)] = ""
    to: Annotated[str, Field(pattern=r"^(all|:.{0,40})$")] = ALL


class SendForm(AnnouncementForm):
    """What is sent, and the digest of what was looked at."""

    digest: Annotated[str, Field(pattern=SEEN_PATTERN)]


class Announcing:
    """The page and its forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        right = Right.RUN_BUSINESS
        return (
            shows(PATH, right, self._show, SaidQuery),
            takes(f"{PATH}/preview", right, self._preview, AnnouncementForm),
            takes(f"{PATH}/send", right, self._send, SendForm),
        )

    async def _show(self, call: Call) -> web.Response:
        return await self._page(call, said=call.query.said)

    async def _preview(self, call: Call) -> web.Response:
        """Show whom it would go to and how it reads; what is wrong is named beside what is kept."""
        form: AnnouncementForm = call.form
        found, wrong = None, ""
        try:
            async with self.house.store.read() as tx:
                with as_written(_name):
                    found = await announcing.foresee(
                        self.house, tx, _texts(form), segment=_segment(form)
                    )
        except DomainError as error:
            wrong = sentence(str(error))
        return await self._page(call, form, found, wrong=wrong)

    async def _send(self, call: Call) -> web.Response:
        return see(f"{PATH}?said={await told(call, in_one(call, _say))}")

    async def _page(
        self,
        call: Call,
        form: AnnouncementForm | None = None,
        found: Outlook | None = None,
        *,
        said: str = "",
        wrong: str = "",
    ) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, said)
            rules = await catalog.segments(tx)
        page = self.console.drawing.page(
            "announcements",
            frame=frame,
            form=form or AnnouncementForm(once="-"),
            found=found,
            wrong=wrong,
            segments=[(f":{name}", f"the segment {name}") for name in rules.each if name],
        )
        return html(page, 422 if wrong else 200)


async def _say(call: Call, tx: Tx) -> str:
    form: SendForm = call.form
    with as_written(_name):
        texts, segment = _texts(form), _segment(form)
        said = await announcing.say(
            call.house,
            tx,
            texts,
            segment=segment,
            digest=form.digest,
            actor=call.actor,
            reason=form.reason.strip(),
        )
    if said.again:
        return "It was announced within a day already, word for word: nothing goes out again."
    count = said.households
    return f"It goes out to {count} {'household' if count == 1 else 'households'}, page by page."


def _name(language: str) -> str:
    return "English" if language == FALLBACK else f"other languages {language}".strip()


def _segment(form: AnnouncementForm) -> str | None:
    return None if form.to == ALL else form.to[1:]


def _texts(form: AnnouncementForm) -> Mapping[str, str]:
    """Read the texts by language. Raises Invalid for a line without one, or one told twice."""
    lines = filter(None, map(str.strip, form.others.splitlines()))
    return announcing.read_texts([f"{FALLBACK}={form.english}", *lines])
