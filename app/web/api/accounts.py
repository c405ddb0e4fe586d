"""/accounts: sign up, look at, change, cancel, take money or the word that it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from app.desk import contact, household, paying, segments, taxing
from app.desk.signup import Household, sign_up
from app.web import refusals
from app.web.api.account_view import AccountDocument, Promised, document
from app.web.api.shapes import (
    Amount,
    AmountText,
    Code,
    Contract,
    Day,
    Mac,
    OptionalText,
    Page,
    Paging,
    Serial,
    Text,
    VendorRef,
    page,
)
from app.web.api.ways import ask, change, look
from app.web.route import Body, Call
from billing.flows.signup import MethodRef
from billing.reads import accounts
from gateway.inventory.flows import NewBox
from runtime.store import Tx

CODES_MAX = 50
# Where it is taxed, as ISO 3166 names it; empty for the operator's own.
Jurisdiction = Annotated[str, Field(pattern=r"^([A-Z]{2}(-[0-9A-Z]{1,3})?)?$")]


class SignUpBox(Body):
    """A box handed over at sign-up; registered if it is not known."""

    serial: Serial
    model: Text
    mac: Mac = ""


class SignUpPayment(Body):
    """How the account is charged: references at a configured provider."""

    provider: Code
    customer: VendorRef
    method: VendorRef


class SignUpBody(Body):
    """Who wants what."""

    contract: Contract
    name: Text
    plan: Code
    addons: Annotated[list[Code], Field(max_length=CODES_MAX)] = Field(default_factory=list)
    phone: OptionalText = ""
    email: OptionalText = ""
    locale: Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Z]{2})?)?$")] = ""
    bill_day: Annotated[int, Field(ge=1, le=31)] | None = None
    jurisdiction: Jurisdiction = ""
    box: SignUpBox | None = None
    payment: SignUpPayment | None = None
    code: Code | None = None
    reason: OptionalText = ""


class ContactBody(Body):
    """Another telephone or e-mail; what is left out stays, and an empty text takes it away."""

    phone: OptionalText | None = None
    email: OptionalText | None = None
    reason: OptionalText = ""


class TaxedBody(Body):
    """Where it is taxed from the next invoice on; empty is the operator's own."""

    jurisdiction: Jurisdiction
    reason: OptionalText = ""


class SegmentBody(Body):
    """Whose rules its debts follow; empty is the usual segment."""

    segment: Annotated[OptionalText, Field(max_length=40)]
    reason: OptionalText = ""


class PayLinkBody(Body):
    """By which provider, and where its page leads back to."""

    provider: Code | None = None
    return_url: Annotated[str, Field(pattern=refusals.URL)] = ""


class CashBody(Body):
    """Money taken over the counter; the same receipt again is taken once."""

    amount: AmountText
    reference: Text


class PromiseBody(Body):
    """By when a household pays, that day included, and why."""

    until: Day
    reason: OptionalText = ""


class AccountQuery(Paging):
    """Which accounts: whose contract, or words of whose name, begin with a text."""

    search: Annotated[OptionalText, Field(max_length=80)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One row of the list."""

    contract: str
    name: str
    state: str | None
    owed: Amount
    credit: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PayLink:
    """Where all that is owed can be paid."""

    url: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Whether the reference was new; the books follow at once. `receipt` is its number."""

    taken: bool
    receipt: str


async def create(call: Call, tx: Tx) -> AccountDocument:
    """Sign a household up."""
    body: SignUpBody = call.body
    box = None
    if body.box:
        box = NewBox(serial=body.box.serial, model=body.box.model, mac=body.box.mac or None)
    payment = MethodRef(**body.payment.model_dump()) if body.payment else None
    order = Household(
        contract=body.contract,
        name=body.name,
        plan=body.plan,
        addons=tuple(body.addons),
        phone=body.phone,
        email=body.email,
        locale=body.locale,
        bill_day=body.bill_day,
        jurisdiction=body.jurisdiction,
        box=box,
        payment=payment,
        code=body.code or "",
    )
    await sign_up(call.house, tx, order, call.actor)
    return await shown(tx, body.contract)


async def listing(call: Call) -> Page[AccountLine]:
    """List accounts by contract."""
    query: AccountQuery = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await accounts.listing(tx, search=query.search, after=after, limit=query.limit + 1)
    return page(found, query.limit, _line, lambda one: (one.contract,))


async def show(call: Call) -> AccountDocument:
    """Show one household."""
    async with call.house.store.read() as tx:
        return await shown(tx, call.part("contract"))


async def reach(call: Call, tx: Tx) -> AccountDocument:
    """Change how a household is reached; another e-mail ends what its subscriber signed in with."""
    body: ContactBody = call.body
    await contact.change(
        call.house,
        tx,
        call.part("contract"),
        phone=body.phone,
        email=body.email,
        actor=call.actor,
        reason=body.reason,
    )
    return await shown(tx, call.part("contract"))


async def tax(call: Call, tx: Tx) -> AccountDocument:
    """Tax a household in another jurisdiction; what was issued stays as it was taxed."""
    body: TaxedBody = call.body
    contract, where = call.part("contract"), body.jurisdiction
    await taxing.change(call.house, tx, contract, where, actor=call.actor, reason=body.reason)
    return await shown(tx, contract)


async def put_in(call: Call, tx: Tx) -> AccountDocument:
    """Put a household into a segment: its debts follow the rules of that one from now on."""
    body: SegmentBody = call.body
    contract, where = call.part("contract"), body.segment
    await segments.change(call.house, tx, contract, where, actor=call.actor, reason=body.reason)
    return await shown(tx, contract)


async def pay_link(call: Call) -> PayLink:
    """Make a page on which all that is owed can be paid."""
    body: PayLinkBody = call.body
    link = await paying.pay_link(
        call.house, call.part("contract"), body.provider or "", body.return_url
    )
    return PayLink(url=link.url, amount=Amount.of(link.amount))


async def take_cash(call: Call, tx: Tx) -> Taken:
    """Take money over the counter."""
    body: CashBody = call.body
    contract = call.part("contract")
    amount = await paying.parse_amount(tx, contract, body.amount)
    taken = await paying.take_cash(
        call.house, tx, contract, amount=amount, reference=body.reference, actor=call.actor
    )
    number = taken.receipt.number if taken.receipt else ""
    return Taken(taken=taken.is_new, receipt=number)


async def promise(call: Call, tx: Tx) -> Promised:
    """Take a household's word that it pays what it owes by a day; until then nothing goes dark."""
    body: PromiseBody = call.body
    made = await paying.promise(
        call.house,
        tx,
        call.part("contract"),
        body.until,
        actor=call.actor,
        reason=body.reason,
    )
    return Promised.of(made)


def _line(one: accounts.AccountLine) -> AccountLine:
    return AccountLine(
        contract=one.contract,
        name=one.name,
        state=one.state.value if one.state else None,
        owed=Amount.of(one.owed),
        credit=Amount.of(one.credit),
    )


async def shown(tx: Tx, contract: str) -> AccountDocument:
    """Show one household as it is now. Raises NotFound."""
    return document(await household.view(tx, contract))


ROUTES = (
    change("accounts", create, AccountDocument, body=SignUpBody, status=201, problems=[404]),
    look("accounts", listing, Page[AccountLine], query=AccountQuery),
    look("accounts/{contract}", show, AccountDocument),
    change("accounts/{contract}/contact", reach, AccountDocument, body=ContactBody),
    change("accounts/{contract}/jurisdiction", tax, AccountDocument, body=TaxedBody),
    change("accounts/{contract}/segment", put_in, AccountDocument, body=SegmentBody),
    ask("accounts/{contract}/pay-link", pay_link, PayLink, body=PayLinkBody, status=201),
    change("accounts/{contract}/payments", take_cash, Taken, body=CashBody, status=201),
    change("accounts/{contract}/promises", promise, Promised, body=PromiseBody, status=201),
)
