"""/debits, /accounts/.../mandates: what households allow, batches for the bank, what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from app.desk import debits
from app.imports.cells import no_odd_characters
from app.web.api.debit_reports import REPORT
from app.web.api.payments import MethodId
from app.web.api.shapes import PRINTED, Amount, OptionalText, Page, Paging, page, something
from app.web.api.ways import NOT_FOUND, change, look
from app.web.route import Body, Call
from billing.debits.model import Creditor
from billing.flows.debits.mandate import Wish
from billing.flows.debits.present import Batch
from billing.reads import debits as reading
from billing.reads.debits import BatchView, Coming, DebitView, MandateView
from runtime.store import Tx

BatchId = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,30}$")]
_Printed = Annotated[
    str, Field(json_schema_extra={"pattern": PRINTED}), AfterValidator(no_odd_characters)
]
Name = Annotated[
    _Printed, StringConstraints(min_length=1, max_length=70), AfterValidator(something)
]
Iban = Annotated[_Printed, StringConstraints(min_length=5, max_length=60)]


class MakeBody(Body):
    """Up to which day; the first possible one unless said."""

    until: date | None = None
    reason: OptionalText = ""


class BatchBody(Body):
    """Which batch, and why."""

    batch: BatchId
    reason: OptionalText = ""


class MandateBody(Body):
    """What a household has signed; a `reference` only for a mandate that exists elsewhere."""

    iban: Iban
    holder: Name
    signed_on: date | None = None
    reference: Annotated[_Printed, StringConstraints(max_length=35)] = ""
    once: bool = False
    reason: OptionalText = ""


class AccountBody(Body):
    """The mandate, as a payment method, and the new account of its holder."""

    method: MethodId
    iban: Iban
    reason: OptionalText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitCreditor:
    """Who collects, and by which rules."""

    identifier: str
    name: str
    iban: str
    bic: str
    notice_days: int
    lead_days: int
    cut_off_hour: int
    clear_days: int
    says_first: bool

    @classmethod
    def of(cls, one: Creditor) -> DebitCreditor:
        """Show the creditor."""
        return cls(
            identifier=one.identifier,
            name=one.name,
            iban=one.iban,
            bic=one.bic,
            notice_days=one.notice_days,
            lead_days=one.lead_days,
            cut_off_hour=one.cut_off_hour,
            clear_days=one.clear_days,
            says_first=one.says_first,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandate:
    """That a household's account may be debited: active, revoked, expired."""

    method: str
    reference: str
    label: str
    holder: str
    signed_on: date
    used_on: date | None
    state: str
    stopped: str

    @classmethod
    def of(cls, one: MandateView) -> Mandate:
        """Show a mandate."""
        return cls(
            method=one.method,
            reference=one.reference,
            label=one.label,
            holder=one.holder,
            signed_on=one.signed_on,
            used_on=one.used_on,
            state=one.state.value,
            stopped=one.stopped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitsComing:
    """What is announced for a day."""

    collect_on: date
    debits: int
    total: Amount

    @classmethod
    def of(cls, one: Coming) -> DebitsComing:
        """Show a day."""
        return cls(collect_on=one.collect_on, debits=one.debits, total=Amount.of(one.total))


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitBatchMade:
    """A batch that was made; `digest` is the SHA-256 of its file.

    So many debits `moved`: it was too late for their day, and payers were told this one.
    """

    id: str
    collect_on: date
    debits: int
    total: Amount
    digest: str
    moved: int

    @classmethod
    def of(cls, one: Batch) -> DebitBatchMade:
        """Show a batch."""
        return cls(
            id=one.id,
            collect_on=one.collect_on,
            debits=one.debits,
            total=Amount.of(one.total),
            digest=one.digest,
            moved=one.moved,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitBatch:
    """A batch: made, handed_in, booked, withdrawn; `returned` where all of it went back.

    On `clear_on` what did not return is paid.
    """

    id: str
    collect_on: date
    clear_on: date
    debits: int
    total: Amount
    digest: str
    state: str
    made_at: datetime
    handed_in_at: datetime | None
    returned: int

    @classmethod
    def of(cls, one: BatchView) -> DebitBatch:
        """Show a batch."""
        return cls(
            id=one.id,
            collect_on=one.collect_on,
            clear_on=one.clear_on,
            debits=one.debits,
            total=Amount.of(one.total),
            digest=one.digest,
            state=one.state.value,
            made_at=one.made_at,
            handed_in_at=one.handed_in_at,
            returned=one.returned,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """A debit of a batch, by its mark in the file; `code` is why it went back."""

    mark: str
    account: str
    amount: Amount
    sequence: str
    state: str
    code: str

    @classmethod
    def of(cls, one: DebitView) -> Debit:
        """Show a debit."""
        return cls(
            mark=one.mark,
            account=one.number,
            amount=Amount.of(one.amount),
            sequence=one.sequence,
            state=one.state.value,
            code=one.code,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitFile:
    """The file of a batch, pain.008.001.08 in UTF-8. It has numbers of accounts in the clear."""

    name: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchChanged:
    """The batch, and of how many debits something has changed."""

    batch: str
    changed: int


async def who_collects(call: Call) -> Sequence[DebitCreditor]:
    """Tell who collects; nobody where nothing was said."""
    async with call.house.store.read() as tx:
        one = await reading.creditor(tx)
    return [DebitCreditor.of(one)] if one else []


async def coming(call: Call) -> Sequence[DebitsComing]:
    """List what is announced, by the day on which it is collected."""
    async with call.house.store.read() as tx:
        return [DebitsComing.of(one) for one in await reading.coming(tx)]


async def make(call: Call, tx: Tx) -> Sequence[DebitBatchMade]:
    """Put what is announced into batches, one for each day; what was paid since is left out."""
    body: MakeBody = call.body
    made = await debits.make(call.house, tx, until=body.until, actor=call.actor, reason=body.reason)
    return [DebitBatchMade.of(one) for one in made]


async def batches(call: Call) -> Page[DebitBatch]:
    """List batches, the newest first."""
    query: Paging = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await reading.batches(tx, after=after, limit=query.limit + 1)
    return page(found, query.limit, DebitBatch.of, lambda one: (one.id,))


async def listed(call: Call) -> Page[Debit]:
    """List the debits of a batch."""
    query: Paging = call.query
    after = query.behind_name()
    async with call.house.store.read() as tx:
        found = await reading.debits(tx, call.part("id"), after=after, limit=query.limit + 1)
    return page(found, query.limit, Debit.of, lambda one: (one.mark,))


async def file_of(call: Call) -> DebitFile:
    """Return the file of a batch, the same bytes each time. That somebody had it is audited."""
    batch = call.part("id")
    async with call.house.store.begin() as tx:
        content = await debits.file_of(call.house, tx, batch, actor=call.actor)
    return DebitFile(name=f"{batch}.xml", content=content.decode())


async def hand_in(call: Call, tx: Tx) -> BatchChanged:
    """Note that the bank has a batch: what does not return is paid some days later."""
    body: BatchBody = call.body
    is_new = await debits.hand_in(call.house, tx, body.batch, actor=call.actor, reason=body.reason)
    return BatchChanged(batch=body.batch, changed=int(is_new))


async def withdraw(call: Call, tx: Tx) -> BatchChanged:
    """Take a batch back that the bank never gets; what is owed of it is announced anew."""
    body: BatchBody = call.body
    gone = await debits.withdraw(call.house, tx, body.batch, actor=call.actor, reason=body.reason)
    return BatchChanged(batch=body.batch, changed=gone)


async def mandates(call: Call) -> Sequence[Mandate]:
    """List the mandates of a household, the newest first."""
    async with call.house.store.read() as tx:
        return await _mandates(tx, call)


async def give(call: Call, tx: Tx) -> Sequence[Mandate]:
    """Take a household's mandate: from now on its account is debited, after a notice."""
    body: MandateBody = call.body
    wish = Wish(
        iban=body.iban,
        holder=body.holder,
        signed_on=body.signed_on,
        reference=body.reference,
        is_once=body.once,
    )
    await debits.give(
        call.house, tx, call.part("contract"), wish, actor=call.actor, reason=body.reason
    )
    return await _mandates(tx, call)


async def amend(call: Call, tx: Tx) -> Sequence[Mandate]:
    """Note another account for a mandate; the bank is told with its next debit."""
    body: AccountBody = call.body
    contract = call.part("contract")
    await debits.amend(
        call.house, tx, contract, body.method, body.iban, actor=call.actor, reason=body.reason
    )
    return await _mandates(tx, call)


async def _mandates(tx: Tx, call: Call) -> list[Mandate]:
    today = (await call.house.clock.business_now(tx)).date()
    found = await reading.mandates(tx, call.part("contract"), today)
    return [Mandate.of(one) for one in found]


_HERE = "accounts/{contract}/mandates"
_FOUND = (NOT_FOUND,)
ROUTES = (
    look("debits/creditor", who_collects, list[DebitCreditor]),
    look("debits/coming", coming, list[DebitsComing]),
    look("debits/batches", batches, Page[DebitBatch], query=Paging),
    change("debits/batches", make, list[DebitBatchMade], body=MakeBody, status=201),
    look("debits/batches/{id}", listed, Page[Debit], query=Paging),
    look("debits/batches/{id}/file", file_of, DebitFile),
    change("debits/hand-in", hand_in, BatchChanged, body=BatchBody, problems=_FOUND),
    change("debits/withdraw", withdraw, BatchChanged, body=BatchBody, problems=_FOUND),
    REPORT,
    look(_HERE, mandates, list[Mandate]),
    change(_HERE, give, list[Mandate], body=MandateBody, status=201),
    change(f"{_HERE}/account", amend, list[Mandate], body=AccountBody),
)
