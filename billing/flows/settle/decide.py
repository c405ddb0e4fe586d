"""Second half of deciding: what follows for one account from its money and its debts. Pure.

Ids are derived from their causes; made ones come from the caller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from billing.catalog.model import Offering, PriceBook
from billing.dunning.hours import Slot
from billing.dunning.judging import Debtor, Verdict
from billing.dunning.level import Level
from billing.dunning.model import Cut, Hold, HoldKind, Step
from billing.dunning.reactivation import Suspension
from billing.entitlements.model import Granted, project, with_titles
from billing.flows.settle.facts import Facts, Household
from billing.flows.settle.fees import Fees, charge_fees, charge_reactivation
from billing.flows.settle.money import Moment, Purse
from billing.flows.settle.once import Bought, titles_of, watch
from billing.flows.settle.rate import Rated, is_first
from billing.flows.settle.rules import Rules
from billing.flows.settle.situation import watched_at_once
from billing.flows.settle.suspended import look
from billing.flows.settle.wallet import Turn, turn
from billing.invoicing import model as invoicing
from billing.invoicing.credit import CreditNote
from billing.invoicing.model import Invoice
from billing.ledger.model import Posting
from billing.payments.model import Attempt, AttemptState, Debt, MovementKind, attempt_id
from billing.payments.wallet import looks_at
from billing.promises.model import Promise, state_on
from billing.subscriptions.model import Pause, Subscription
from terms.entitlement import Entitlement, ServiceState
from terms.ids import InvoiceId, NoticeId, ServiceId
from terms.notice import Notice

NOTICE_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A dunning notice of one step about one invoice, to every service of the account."""

    invoice: InvoiceId
    step: Step
    notices: Sequence[Notice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """The documents drawn up for one account, where there is anything to say in them."""

    invoice: Invoice | None
    note: CreditNote | None
    fees: Invoice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Everything to be written for one account, and when to look again."""

    facts: Facts
    moment: Moment
    invoice: Invoice | None
    fees: Invoice | None
    note: CreditNote | None
    compared: Sequence[str]
    done: Sequence[str]
    bought: Bought | None
    purse: Purse
    postings: Sequence[Posting]
    attempts: Sequence[Attempt]
    given: Given | None
    ended: Promise | None
    cuts: Mapping[InvoiceId, Cut]
    climbed: Step | None
    charges: Fees
    wallet: Turn | None
    suspension: Suspension | None
    raised: Sequence[Hold]
    dropped: Sequence[Hold]
    published: Sequence[Entitlement]
    next_look: datetime | None

    @property
    def invoices(self) -> Iterator[Invoice]:
        """The invoices that are drawn up: that of fees is another one."""
        yield from (one for one in (self.invoice, self.fees) if one)

    @property
    def is_plain(self) -> bool:
        """Whether an invoice is all that follows, or nothing."""
        return not (
            self.note
            or self.fees
            or self.charges.is_now
            or self.compared
            or self.done
            or self.bought
            or self.attempts
            or self.given
            or self.ended
            or self.climbed
            or self.wallet
            or self.suspension
            or self.cuts != self.facts.cuts
            or self.raised
            or self.dropped
            or self.published
            or self.purse.settled
            or self.purse.moved()
        )


def decide(facts: Facts, rated: Rated, issued: Issued, rules: Rules, moment: Moment) -> Decision:
    """Settle one account on a day."""
    invoice = issued.invoice
    purse, booked = _money(facts, issued, moment)
    promise = _promise(facts, purse, moment)
    standing = promise if promise and promise.is_standing else None
    looked = look(
        facts,
        _debtor(facts, purse, standing, rules, moment),
        rules.segment,
        _slot(facts, moment),
        moment,
    )
    debtor, verdict = looked.debtor, looked.verdict
    holds = list(_holds(facts, purse, invoice, verdict, moment.today))
    bought = watch(facts, purse, invoice, rules.book, moment)
    held = [hold for household in facts.households for hold in household.holds]
    charges = charge_fees(facts, purse, rules.segment, moment)
    if looked.restored and looked.suspension and purse.has_come_in:
        charge_reactivation(charges, facts, looked.suspension, rules.segment, moment)
    return Decision(
        facts=facts,
        moment=moment,
        invoice=invoice,
        fees=issued.fees,
        note=issued.note,
        compared=[key for key, one in facts.reopenings.items() if one in rated.compared],
        done=rated.done,
        bought=bought,
        purse=purse,
        postings=[*(one for one in booked if one), *purse.postings],
        attempts=_attempts(facts, verdict, moment),
        given=_given(facts, purse, verdict, rules, moment),
        ended=None if standing else promise,
        cuts=_cuts(debtor, verdict),
        climbed=verdict.held_by if verdict.climbs else None,
        charges=charges,
        wallet=turn(facts, purse, rules, moment),
        suspension=looked.suspension if looked.suspension != facts.suspension else None,
        raised=[hold for hold in holds if hold not in held],
        dropped=[hold for hold in held if _key(hold) not in {_key(one) for one in holds}],
        published=list(
            _published(facts, holds, bought, _Shown(rules.book, _level(verdict)), moment)
        ),
        next_look=moment.now
        if charges.is_now or purse.going_on
        else _next_look(
            facts,
            [
                *(rated.next_on, looks_at(rules.segment.wallet, rated.next_on)),
                *(charges.next_on, standing.over_on if standing else None),
            ],
            verdict.next_at,
            bought,
            moment,
        ),
    )


def _money(facts: Facts, issued: Issued, moment: Moment) -> tuple[Purse, list[Posting | None]]:
    """Let money pay what is owed and what is drawn up now, which is booked."""
    purse = Purse.of(facts, moment)
    # It is booked on the day it came: what is owed since today was not there for it to pay.
    purse.settle_movements(before=moment.today)
    if issued.note:
        purse.credit(issued.note)
    drawn_up = [one for one in (issued.invoice, issued.fees) if one]
    for one in drawn_up:
        purse.invoice(one)
    purse.settle_movements()
    return purse, [invoicing.posting(one) for one in drawn_up]


def _promise(facts: Facts, purse: Purse, moment: Moment) -> Promise | None:
    """Judge the promise that stood: it may be kept or broken by now."""
    one = facts.promise
    if one is None:
        return None
    is_in_time = moment.today < one.over_on or _paid_in_time(one, facts)
    state = state_on(one, purse.open_debts(), moment.today, is_in_time=is_in_time)
    return one if state is one.state else replace(one, state=state, ended_on=moment.today)


def _paid_in_time(one: Promise, facts: Facts) -> bool:
    """Whether what came in up to the last day covers the rest, though it is looked at only now."""
    rest = sum(debt.rest.amount_minor for debt in facts.debts if one.covers(debt))
    came = sum(
        movement.amount.amount_minor
        for movement in facts.movements
        if not movement.is_settled
        and movement.kind is MovementKind.CLEARED
        and facts.account.today(movement.received_at) < one.over_on
    )
    return came >= rest


def _slot(facts: Facts, moment: Moment) -> Slot:
    return Slot(moment.today, facts.account.hour(moment.now))


def _debtor(
    facts: Facts, purse: Purse, promise: Promise | None, rules: Rules, moment: Moment
) -> Debtor:
    return Debtor(
        promise=promise,
        debts=purse.open_debts(),
        attempts=facts.attempts,
        noticed=facts.noticed,
        method=facts.method.id if facts.method and purse.trusts(facts.method) else None,
        is_debited=facts.method is not None and facts.method.is_mandate,
        cut=min(facts.cuts.values(), key=attrgetter("on"), default=None),
        has_left=facts.has_left(moment.today),
        is_braked=rules.is_braked,
    )


def _attempts(facts: Facts, verdict: Verdict, moment: Moment) -> list[Attempt]:
    if facts.method is None:
        return []
    return [
        Attempt(
            id=attempt_id(debt.invoice, n),
            account=facts.account.id,
            invoice=debt.invoice,
            n=n,
            method=facts.method.id,
            amount=debt.rest,
            state=AttemptState.OPEN,
            opened_on=moment.today,
        )
        for debt, n in verdict.retries
    ]


def _holds(
    facts: Facts, purse: Purse, invoice: Invoice | None, verdict: Verdict, today: date
) -> Iterator[Hold]:
    begun = {line.subject for line in invoice.lines} if invoice else set()
    for household in facts.households:
        service = household.service.id
        for one in household.subscriptions:
            first = facts.first.get(one.id)
            if invoice and one.id in begun and is_first(one):
                first = invoice.id
            if first and _was_never_paid(first, facts, purse):
                yield Hold(
                    service=service,
                    kind=HoldKind.UNPAID_FIRST,
                    since_on=one.charged_from,
                    cause=purse.debts[first].number,
                )
                break
        for pause in household.pauses:
            if pause.is_on(today):
                yield Hold(service=service, kind=HoldKind.PAUSED, since_on=pause.from_on, cause="")
        if verdict.held and verdict.held_by and verdict.held_since:
            level = verdict.held_by.level
            yield Hold(
                service=service,
                kind=HoldKind.LIMITED if level else HoldKind.DUNNING,
                since_on=verdict.held_since,
                cause=verdict.held.number,
                level=level.name if level else "",
            )


def _was_never_paid(invoice: InvoiceId, facts: Facts, purse: Purse) -> bool:
    """Tell whether an open invoice never was paid in full; one that was once has its ladder."""
    if not purse.is_open(invoice):
        return False
    short = facts.short.get(invoice, purse.debts[invoice].rest.amount_minor)
    moved = purse.moved().items()
    return sum(part for (_, paid), part in moved if paid == invoice and part > 0) < short


def _cuts(debtor: Debtor, verdict: Verdict) -> dict[InvoiceId, Cut]:
    return {debtor.debts[0].invoice: verdict.cut} if verdict.cut else {}


def _level(verdict: Verdict) -> Level | None:
    return verdict.held_by.level if verdict.held_by else None


def _key(hold: Hold) -> tuple[ServiceId, HoldKind]:
    return hold.service, hold.kind


def _given(
    facts: Facts, purse: Purse, verdict: Verdict, rules: Rules, moment: Moment
) -> Given | None:
    if verdict.notice is None:
        return None
    invoice, step = verdict.notice[0].invoice, verdict.notice[1]
    debt, again = purse.debts[invoice], _again(facts, purse.debts[invoice])
    notices = [
        Notice(
            id=NoticeId(f"{debt.invoice}.{step.after_days}{again}.{household.service.id}"),
            service=household.service.id,
            kind=step.notice,
            not_after=rules.machine_now + NOTICE_LIFE,
            params=_params(household, debt, purse, moment),
            locale=facts.account.locale,
        )
        for household in facts.households
    ]
    return Given(invoice=debt.invoice, step=step, notices=notices)


def _again(facts: Facts, debt: Debt) -> str:
    """Tell notices apart that are given again after the account was restored."""
    over = facts.suspension
    if over is None or over.restored_at is None or debt.sequence > over.restored_through:
        return ""
    return f".{facts.account.today(over.restored_at).toordinal()}"


def _params(household: Household, debt: Debt, purse: Purse, moment: Moment) -> dict[str, str]:
    return {
        "contract": household.service.contract,
        "number": debt.number,
        "due_on": debt.due_on.isoformat(),
        "days": str((moment.today - debt.due_on).days),
        "amount": str(purse.wallet(debt.rest.currency).owed),
    }


class _Shown(NamedTuple):
    """What is sold, and what a level leaves of it."""

    book: PriceBook
    level: Level | None


def _published(
    facts: Facts, holds: Sequence[Hold], bought: Bought | None, shown: _Shown, moment: Moment
) -> Iterator[Entitlement]:
    """Yield the rights that differ from those published last; the revision is still the old one."""
    book, offerings = shown.book, shown.book.offerings
    for household in facts.households:
        granted = [_granted(one, offerings[one.offering]) for one in household.subscriptions]
        mine = [hold for hold in holds if hold.service == household.service.id]
        service = watched_at_once(household, book, moment.today)
        rights = project(service, granted, mine, facts.account.locale, moment.today)
        if titles := titles_of(household, bought):
            rights = with_titles(rights, titles)
        if shown.level and rights.state is ServiceState.LIMITED:
            rights = shown.level.limit(rights)
        if rights.encode() != household.published:
            yield rights


def _granted(one: Subscription, sold: Offering) -> Granted:
    return Granted(sold.kind, sold.grants, one.from_on, one.until_on)


def _next_look(
    facts: Facts,
    looks: Sequence[date | None],
    dunning_at: Slot | None,
    bought: Bought | None,
    moment: Moment,
) -> datetime | None:
    today = moment.today
    coming = min((day for day in looks if day is not None and day > today), default=date.max)
    for household in facts.households:
        lasting: list[Subscription | Pause] = [*household.subscriptions, *household.pauses]
        for one in lasting:
            if today < one.from_on < coming:
                coming = one.from_on
            if one.until_on is not None and today < one.until_on < coming:
                coming = one.until_on
    looks_at = (
        None if coming == date.max else facts.account.begin_of(coming),
        facts.account.at(*dunning_at) if dunning_at else None,
        bought.next_at if bought else None,
    )
    return min((at for at in looks_at if at), default=None)
