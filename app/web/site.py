"""All pages of one process, for people and for subscribers, and what is drawn when one fails."""

from __future__ import annotations

from aiohttp import web

from app.identity.first import FirstOwner
from app.web.console.announcing import Announcing
from app.web.console.audited import Audited
from app.web.console.banking import Banking
from app.web.console.billed import Billed
from app.web.console.cashing import Cashing
from app.web.console.debits import Debits
from app.web.console.dunned import Dunned
from app.web.console.explained import Explained
from app.web.console.histories import Histories
from app.web.console.household import HouseholdForms
from app.web.console.messaging import Messaging
from app.web.console.pages import Console
from app.web.console.searching import Searching
from app.web.console.stated import Stated
from app.web.console.vouchers import Vouchers
from app.web.console.walleted import Walleted
from app.web.console.working import Working
from app.web.describing import Describing
from app.web.field.pages import Field
from app.web.leading import PORTAL
from app.web.page.phone import Phone
from app.web.people.me import Me
from app.web.people.setting_up import SettingUp
from app.web.people.signing import Signing
from app.web.people.staff import Staff
from app.web.portal.site import Portal
from app.web.problem import Problem
from app.web.route import Route
from app.web.static import files
from app.wiring import House

_OF_PEOPLE = frozenset({"set-up", "sign-in", "sign-out", "me", "people", "field"})


class Site:
    """The pages, put together once."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.static = files()
        self.console = Console(house, self.static)
        self.phone = Phone(house, self.console.drawing)
        self.field = Field(self.phone)
        self.portal = Portal(self.phone)
        self.first = FirstOwner(house.keeper)

    def routes(self) -> tuple[Route, ...]:
        """Declare every page and file."""
        phone = self.phone
        doors = (Signing(phone), SettingUp(phone, self.first))
        pages = (*doors, Me(phone), Staff(phone), self.field, self.portal, Describing(phone))
        of_people = [route for page in pages for route in page.routes()]
        makes = (Audited, HouseholdForms, Searching, Working, Histories, Explained, Billed, Stated)
        more = (Vouchers, Banking, Debits, Cashing, Walleted, Dunned, Messaging, Announcing)
        beside = [one(self.console) for one in (*makes, *more)]
        console = (*self.console.routes(), *(route for page in beside for route in page.routes()))
        return (*console, *of_people, *self.static.routes())

    def refused(self, request: web.Request, problem: Problem) -> web.Response | None:
        """Draw a page where a browser would be shown a problem document; None elsewhere."""
        if request.path.startswith(f"{PORTAL}/"):
            return self.phone.refused(request, problem, f"{PORTAL}/")
        if request.path.split("/")[1] in _OF_PEOPLE:
            return self.phone.refused(request, problem)
        return self.console.refused(request, problem)

    def close(self) -> None:
        """Send away whoever still watches."""
        self.console.close()
        self.field.close()
        self.portal.close()
