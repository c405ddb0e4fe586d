"""What technicians see and send with their phones."""

from __future__ import annotations

from lxml import html

from tests.flows.app.operator import contract_of
from tests.flows.app.served import Served
from tests.flows.app.vans import Vans, page, sent
from tests.flows.app.visitor import Seen, Visitor


async def as_(served: Served, name: str) -> Visitor:
    """Sign somebody in."""
    visitor = Visitor(served)
    assert (await visitor.sign_in(name)).status == 303
    return visitor


def words(text: str) -> str:
    """Give what a page says, in one line."""
    return " ".join(" ".join(html.fromstring(text).itertext()).split())


async def bound(vans: Vans, tom: Visitor, serial: str, **more: str) -> Seen:
    """Register a box over the pages: form, plausibility, deed."""
    seen = await tom.get(page("register", contract=contract_of(1), serial=serial, **more))
    assert seen.status == 200, words(seen.text)
    return await sent(tom, seen, "/field/register")


def alert(seen: Seen) -> str:
    """Give why something was not done, as the page says it."""
    (found,) = html.fromstring(seen.text).xpath("//*[@role='alert']")
    return str(found.text_content())
