"""The bar of every page: which pages there are, for whoever may open them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.identity.roles import Right, may
from app.web.route import Gate, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A page in the bar, for whoever its gate lets in; one that is rarely opened may be folded."""

    href: str
    word: str
    policy: Gate
    is_rare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A link as a page shows it; `is_here` on the page itself and those below it.

    What is folded is behind a word of its own, so that the bar keeps to one line.
    """

    href: str
    word: str
    is_here: bool
    is_folded: bool = False


FEW = 8  # so many stand beside each other

LINKS = (
    Link(href="/console/", word="Operations", policy=Right.SEE),
    Link(href="/console/accounts", word="Accounts", policy=Right.SEE),
    Link(href="/console/waiting", word="Waits", policy=Right.SEE),
    Link(href="/console/billing", word="Bill days", policy=Right.RUN_BUSINESS),
    Link(href="/console/dunning", word="Dunning", policy=Right.RUN_BUSINESS),
    Link(href="/console/bank", word="Bank", policy=Right.TAKE_MONEY),
    Link(href="/console/vouchers", word="Vouchers", policy=Right.RUN_BUSINESS, is_rare=True),
    Link(href="/field/", word="Field", policy=Right.FIELD, is_rare=True),
    Link(href="/field/jobs", word="Jobs", policy=Right.MOVE_BOXES, is_rare=True),
    Link(href="/field/stock", word="Stock", policy=Right.MOVE_BOXES, is_rare=True),
    Link(href="/console/audit", word="Audit", policy=Right.RUN_BUSINESS, is_rare=True),
    Link(href="/people", word="People", policy=Right.MANAGE_PEOPLE, is_rare=True),
    Link(href="/me", word="Me", policy=Policy.PERSON),
)


PORTAL_LINKS = (
    Link(href="/portal/", word="Home", policy=Policy.SUBSCRIBER),
    Link(href="/portal/shop", word="Shop", policy=Policy.SUBSCRIBER),
    Link(href="/portal/invoices", word="Invoices", policy=Policy.SUBSCRIBER),
    Link(href="/portal/boxes", word="Boxes", policy=Policy.SUBSCRIBER),
    Link(href="/portal/me", word="Sign-in", policy=Policy.SUBSCRIBER),
)


# Pages that are reached from another one than their address says.
_BEHIND = {
    "/console/cash": "/console/bank",
    "/console/receipts/": "/console/bank",
    "/console/lines/": "/console/accounts",
    "/portal/credit-notes/": "/portal/invoices",
    "/portal/statement": "/portal/invoices",
}


def portal_links(path: str) -> tuple[Shown, ...]:
    """Give a subscriber's links on a page."""
    return _shown(PORTAL_LINKS, path)


def links(role: str, path: str) -> tuple[Shown, ...]:
    """Give the links of a role on a page; the longest address that fits is where one is."""
    theirs = [one for one in LINKS if not isinstance(one.policy, Right) or may(role, one.policy)]
    return _shown(theirs, path)


def _shown(found: Sequence[Link], path: str) -> tuple[Shown, ...]:
    at = next((page for begins, page in _BEHIND.items() if path.startswith(begins)), path)
    here = max((one.href for one in found if at.startswith(one.href)), key=len, default="")
    return tuple(
        Shown(
            href=one.href,
            word=one.word,
            is_here=one.href == here,
            is_folded=one.is_rare and len(found) > FEW and one.href != here,
        )
        for one in found
    )
