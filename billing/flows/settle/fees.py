"""Which fees are to be charged and which were wrong, by what they follow from. Pure.

They wait as pending charges, which the next look bills at once, on an invoice of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b

from billing.accounts.model import Account
from billing.catalog.model import Price
from billing.dunning import dispute_fees
from billing.dunning.dispute_fees import OF_DISPUTES, Charged, DisputeFee
from billing.dunning.fee_terms import dispute_written, late_written
from billing.dunning.late_fees import ONCE, Fee, LateFees, assess
from billing.dunning.overdue import Bill
from billing.dunning.reactivation import Suspension
from billing.dunning.segment import Segment
from billing.flows.settle.facts import Facts, Late
from billing.flows.settle.money import Moment, Purse
from billing.pending.model import PendingCharge
from billing.pending.store import Filed
from billing.rating.model import Charge, Line, LineKind, once_for
from terms.calendar import Period, days_after, period_containing
from terms.ids import ServiceId
from terms.money import Money

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class Fees:
    """Charges to file, charges to withdraw with their first days, the next day to look again."""

    filed: list[Filed] = field(default_factory=list)
    withdrawn: list[tuple[str, date]] = field(default_factory=list)
    next_on: date | None = None

    @property
    def is_now(self) -> bool:
        """Whether something is to be billed or given back at once."""
        return bool(self.withdrawn) or any(not one.charge.waits for one in self.filed)


def charge_fees(facts: Facts, purse: Purse, segment: Segment, moment: Moment) -> Fees:
    """Decide about the fees of an account, after what its money has paid."""
    fees, account = Fees(), facts.account
    rules = segment.late_fees_in(account.currency)
    if facts.late:
        _late(fees, facts.late, account, rules, moment.today)
    if rules:
        fees.next_on = _next_on(fees, purse, rules, moment.today)
    if facts.movements:
        _disputed(fees, facts, purse, segment.dispute_fee_in(account.currency), moment.today)
    return fees


def charge_reactivation(
    fees: Fees, facts: Facts, over: Suspension, segment: Segment, moment: Moment
) -> None:
    """File what switching on again costs, once for a suspension: with the invoice that follows."""
    rules, account, today = segment.reactivation, facts.account, moment.today
    if not rules.fee_minor or rules.currency != account.currency or not facts.households:
        return
    amount = Money(rules.fee_minor, account.currency)
    line = Line(
        service=facts.households[0].service.id,
        subject=f"{account.id}r{(moment.now - _EPOCH) // _MICROSECOND:x}",
        label=rules.label,
        charge=_charge(LineKind.REACTIVATION, _day(today), amount, rules.tax),
    )
    due_on = period_containing(today, account.bill_day).end
    charge = PendingCharge(id=line.subject, line=line, from_on=today, due_on=due_on)
    record = {"since": over.since_on.isoformat(), "restored": today.isoformat()}
    fees.filed.append(Filed(account=account.id, cause=account.id, charge=charge, record=record))
    fees.next_on = min(due_on, fees.next_on or due_on)


def _disputed(
    fees: Fees, facts: Facts, purse: Purse, rules: DisputeFee | None, today: date
) -> None:
    if not any(one.kind in OF_DISPUTES and one.id in purse.settled for one in facts.movements):
        return
    known = (one for one in facts.movements if one.is_settled or one.id in purse.settled)
    due = dispute_fees.assess(
        dispute_fees.disputes(known, facts.account.currency), facts.dispute_fees, rules
    )
    fees.withdrawn += [(one.id, today) for one in due.withdrawn]
    service = facts.households[0].service.id
    fees.filed += [_dispute(facts.account, service, one, today) for one in due.fresh]


def _dispute(account: Account, service: ServiceId, one: Charged, today: date) -> Filed:
    provider, charge = one.dispute
    named = blake2b(f"{provider}|{charge}".encode(), digest_size=12).hexdigest()
    amount = Money(one.amount_minor, account.currency)
    line = Line(
        service=service,
        subject=f"dispute.{named}.{one.take}",
        label=one.rules.label,
        charge=_charge(LineKind.DISPUTE_FEE, _day(today), amount, one.rules.tax),
    )
    return Filed(
        account=account.id,
        cause=f"dispute.{named}",
        charge=_at_once(line, today),
        record={
            "provider": provider,
            "charge": charge,
            "take": one.take,
            "rules": dispute_written(one.rules),
        },
    )


def _day(today: date) -> Period:
    return Period(today, days_after(today, 1))


def _late(fees: Fees, late: Late, account: Account, rules: LateFees | None, today: date) -> None:
    found = assess(late.history, late.fees, rules, today)
    bills = {one.invoice: one for one in late.history.bills}
    fees.filed += [_filed(account, bills[one.invoice], one, today) for one in found.fresh]
    fees.withdrawn += [(one.id, one.days.start) for one in found.withdrawn]
    fees.next_on = found.next_on


def _next_on(fees: Fees, purse: Purse, rules: LateFees, today: date) -> date | None:
    """Tell when to look again: at an invoice that bears something already, or one that may."""
    debts = (debt for debt in purse.open_debts() if not debt.is_fee)
    coming = (rules.first_on(debt.due_on) for debt in debts if debt.due_on >= rules.from_on)
    days = [day for day in coming if day > today]
    return min([*days, *([fees.next_on] if fees.next_on else [])], default=None)


def _filed(account: Account, bill: Bill, one: Fee, today: date) -> Filed:
    rules = one.rules
    what = f", {rules.rate} per {rules.per.value}" if one.n != ONCE else ""
    line = Line(
        service=bill.service,
        subject=f"{bill.invoice}.f{one.n}.{one.take}",
        label=f"{rules.label}: {bill.number}{what}",
        charge=_charge(
            LineKind.LATE_FEE,
            one.days,
            Money(one.amount_minor, account.currency),
            rules.tax,
        ),
    )
    return Filed(
        account=account.id,
        cause=bill.invoice,
        charge=_at_once(line, today),
        record={
            "invoice": bill.number,
            "n": one.n,
            "take": one.take,
            "rules": late_written(rules),
        },
    )


def _charge(kind: LineKind, days: Period, amount: Money, tax: str) -> Charge:
    """Charge a fee: it has no offering and no price but its own."""
    sold = Price(offering="", effective_from=days.start, amount=amount)
    return once_for(kind, days, sold, amount, tax)


def _at_once(line: Line, today: date) -> PendingCharge:
    return PendingCharge(id=line.subject, line=line, from_on=today, due_on=today)
