"""/console/dunning: what would happen to whom if nobody paid, by other rules too, and the brake."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from aiohttp import web
from pydantic import BeforeValidator, Field

from app.desk import dunning as desk
from app.identity.roles import Right
from app.imports.rules_file import CHARS_MAX, read_text
from app.web.console.forms import DecideForm
from app.web.console.sayings import SaidQuery, told
from app.web.page.reply import html, see
from app.web.page.words import sentence
from app.web.route import Call, Form, Route, shows, takes
from billing.dunning.model import AFTER_DAYS_MAX, Action, Ladder, Step
from billing.dunning.segment import Segment, Segments
from billing.reads import catalog
from billing.reads.dunning import DAYS_MAX, HAPPENINGS
from terms.errors import DomainError

if TYPE_CHECKING:
    from app.web.console.pages import Console

PATH = "/console/dunning"
_AfterDays = Annotated[int, Field(ge=0, le=AFTER_DAYS_MAX)]
_Days = Annotated[int, Field(ge=0, le=DAYS_MAX)]


class OutlookQuery(SaidQuery):
    """How many days to look ahead, and after how many days a ladder would suspend."""

    days: _Days = 30
    suspend: Annotated[_AfterDays | None, BeforeValidator(lambda text: text or None)] = None


class RulesForm(Form):
    """Other rules to look ahead by, and how many days."""

    days: _Days = 30
    rules: Annotated[str, Field(max_length=CHARS_MAX)]


class Dunned:
    """The page and its forms."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.house = console.house

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        right = Right.RUN_BUSINESS
        return (
            shows(PATH, right, self._show, OutlookQuery),
            takes(f"{PATH}/try", right, self._try, RulesForm),
            takes(f"{PATH}/release", Right.LET_GO, self._release, DecideForm),
        )

    async def _show(self, call: Call) -> web.Response:
        asked: OutlookQuery = call.query
        async with self.house.store.read() as tx:
            rules = await catalog.segments(tx)
            wished = _suspending(rules, asked.suspend)
            found = await desk.outlook(self.house, tx, rules, wished, days=asked.days)
        return await self._page(call, found, said=asked.said, suspend=asked.suspend)

    async def _try(self, call: Call) -> web.Response:
        form: RulesForm = call.form
        wrong = ""
        async with self.house.store.read() as tx:
            try:
                wished = read_text(form.rules)
                found = await desk.foresee(self.house, tx, wished, days=form.days)
            except DomainError as error:
                wrong = sentence(str(error))
                found = await desk.foresee(self.house, tx, None, days=form.days)
        return await self._page(call, found, rules=form.rules, wrong=wrong)

    async def _page(
        self,
        call: Call,
        found: desk.Outlook,
        *,
        said: str = "",
        suspend: int | None = None,
        rules: str = "",
        wrong: str = "",
    ) -> web.Response:
        async with self.house.store.read() as tx:
            frame = await self.console.frame(tx, call, said)
            brake = await desk.brake(tx)
        return html(
            self.console.drawing.page(
                "dunning",
                frame=frame,
                found=found,
                suspend=suspend,
                rules=rules,
                wrong=wrong,
                brake=brake,
                happenings=HAPPENINGS,
            )
        )

    async def _release(self, call: Call) -> web.Response:
        return see(f"{PATH}?said={await told(call, self._released(call))}")

    async def _released(self, call: Call) -> str:
        async with self.house.store.begin() as tx:
            count = await desk.release(self.house, tx, call.actor, reason=call.form.reason.strip())
        return f"{count} accounts go on."


def _suspending(rules: Segments, after_days: int | None) -> Segments:
    """Let every ladder that suspends do so after other days."""
    if after_days is None:
        return rules
    return Segments({name: _with(one, after_days) for name, one in rules.each.items()})


def _with(one: Segment, after_days: int) -> Segment:
    """Suspend after other days; levels that would come later come not at all."""
    if not one.ladder.of(Action.SUSPEND):
        return one
    first = min(step.after_days for step in one.ladder.of(Action.SUSPEND))
    kept = [
        replace(step, after_days=step.after_days - first + after_days)
        if step.action in (Action.TERMINATE, Action.WRITE_OFF)
        else step
        for step in one.ladder.steps
        if step.action is not Action.SUSPEND
        and not (step.action is Action.LIMIT and step.after_days >= after_days)
    ]
    suspend = Step(after_days=after_days, action=Action.SUSPEND)
    return replace(one, ladder=Ladder((*kept, suspend)))
