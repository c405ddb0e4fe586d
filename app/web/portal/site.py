"""All pages under /portal/, put together."""

from __future__ import annotations

from aiohttp import web

from app.web.leading import PORTAL
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.portal.boxes import Boxes
from app.web.portal.coming import Coming
from app.web.portal.documents import Documents
from app.web.portal.home import Home
from app.web.portal.loyal import Loyal
from app.web.portal.me import Me
from app.web.portal.paying import Paying
from app.web.portal.redeeming import Redeeming
from app.web.portal.shop import Shop
from app.web.portal.unsubscribing import Unsubscribing
from app.web.portal.vouchers import Vouchers
from app.web.portal.wallet import Wallet
from app.web.route import Call, Policy, Route


class Portal:
    """The subscriber's pages."""

    def __init__(self, phone: Phone) -> None:
        self.home = Home(phone)
        at_home = (self.home, Paying(self.home), Redeeming(self.home))
        codes = (Vouchers(self.home), Loyal(self.home))
        others = (Shop(phone), Coming(phone), Documents(phone), Boxes(phone), Me(phone))
        self._pages = (*at_home, *codes, *others, Wallet(phone), Unsubscribing(phone))

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        begin = Route(method="GET", path=PORTAL, policy=Policy.OPEN, handler=_to_home)
        return (begin, *(route for page in self._pages for route in page.routes()))

    def close(self) -> None:
        """Send away whoever still watches."""
        self.home.live.close()


async def _to_home(_call: Call) -> web.Response:
    return see(f"{PORTAL}/")
