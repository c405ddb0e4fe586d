"""What every page for somebody signed in has around it, phone first, and how it is drawn.

A page's own template extends `phone.html` and puts `frame.token` into each of its forms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from app.desk import business
from app.identity.roles import about
from app.web.access import KNOWN, Caller
from app.web.leading import PORTAL, SIGN_OUT_PATH
from app.web.links import Shown, links, portal_links
from app.web.page.drawing import Drawing
from app.web.page.refusing import shown
from app.web.page.reply import html
from app.web.page.words import Tone
from app.web.problem import Problem
from app.web.route import Call
from app.wiring import House


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneFrame:
    """What is around a page. `token` goes into every form, in a hidden field of that name.

    Instants are of `zone`: a subscriber's own, and the operator's for everybody else.
    """

    operator: str
    zone: str
    token: str = ""
    once: str = ""
    home: str = "/sign-in"
    leave: str = SIGN_OUT_PATH
    links: tuple[Shown, ...] = ()
    said: str = ""
    said_tone: Tone = "good"


class Phone:
    """Draws pages for people, signed in or about to be."""

    def __init__(self, house: House, drawing: Drawing) -> None:
        self.house = house
        self.drawing = drawing

    async def page(
        self,
        call: Call,
        template: str,
        *,
        said: str = "",
        tone: Tone = "good",
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        """Draw a page by its template, for whoever is signed in."""
        async with self.house.store.read() as tx:
            known = await business.find(tx)
        self.drawing.operator = known.name if known else "Boxoffice"
        frame = PhoneFrame(
            operator=self.drawing.operator,
            zone=call.guest.person.zone if call.guest else known.zone if known else "UTC",
            said=said,
            said_tone=tone,
        )
        frame = self._worn(frame, call.request, Caller(here=call.here, guest=call.guest))
        return html(self.drawing.page(template, frame=frame, **values), status)

    def _worn(self, frame: PhoneFrame, request: web.Request, caller: Caller) -> PhoneFrame:
        """Put around a page what is of whoever is signed in, or of the door in front of it."""
        path, once = request.path, self.house.chance.token(16)
        if here := caller.here:
            role = here.person.role
            token, home = here.form_token, about(role).home
            return replace(frame, token=token, once=once, home=home, links=links(role, path))
        if not path.startswith(PORTAL):
            return frame
        frame = replace(frame, home=f"{PORTAL}/", leave=PORTAL + SIGN_OUT_PATH)
        if not caller.guest:
            return frame
        return replace(frame, token=caller.guest.form_token, once=once, links=portal_links(path))

    def plain(self, template: str, **values: Any) -> web.Response:
        """Draw a page that is the same for everybody and says nothing of the business."""
        frame = PhoneFrame(operator="Boxoffice", zone="UTC")
        return html(self.drawing.page(template, frame=frame, **values))

    def refused(
        self, request: web.Request, problem: Problem, home: str = "/sign-in"
    ) -> web.Response:
        """Draw the page of a request that failed, with the links of whoever is signed in."""
        frame = PhoneFrame(operator=self.drawing.operator, zone="UTC", home=home)
        if caller := request.get(KNOWN):
            frame = self._worn(frame, request, caller)
        page = self.drawing.page("phone_refused", frame=frame, **shown(request, problem))
        return html(page, problem.status)
