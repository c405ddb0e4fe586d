"""Changes in the middle of a period: what goes back of the old, what is charged of the new."""

from __future__ import annotations

from billing.catalog.terms import USUAL, Measure
from billing.equipment.subsidy import Month, Subsidy
from billing.invoicing.crediting import Creditable
from billing.promotions.model import Discount, Item, discounted
from billing.rating.change import Change, Coming, Cycle, Debit, Leaving, changed, unused, upcoming
from billing.rating.measure import Cut, Share, share
from billing.tax.levels import on_top
from terms.calendar import Period
from terms.money import Money
from terms.schedule import MONTHLY, Interval, Schedule
from tests.vectors.policies import manner
from tests.vectors.proration import UTC, Asked, charges, part_of, priced, summed
from tests.vectors.reading import (
    EUR,
    Vector,
    cents,
    day,
    interval,
    many,
    money,
    percent,
    period,
    share_left,
    text,
    whole,
)
from tests.vectors.registry import Found, maps

NOTHING = Money(0, EUR)
YEARLY = Interval.parse("P1Y")


def swap(vector: Vector, old: list[Money], new: list[Money], left: Share) -> Change:
    """Change prices where so much of a period that was charged is left."""
    return changed([_leaving(rate, left) for rate in old], _coming(new, left), EUR, _cut(vector))


def _cut(vector: Vector) -> Cut:
    return manner(vector).cut


def _leaving(rate: Money, left: Share, adjusted: Money = NOTHING) -> Leaving:
    return Leaving(Debit(rate=rate, share=Share(0, left.of, left.of), adjusted=adjusted), left)


def _coming(rates: list[Money], of: Share) -> list[Coming]:
    return [Coming(rate, of) for rate in rates]


def _left(full: Period, vector: Vector, name: str, measure: Measure = Measure.DAY) -> Share:
    """Measure what is left of a period from the day of a change on."""
    first = USUAL.uncharged_from(vector.given.read(name, day))
    return part_of(full, Period(first, full.end), measure)


@maps("proration.day.money", "old new fraction_left")
def halfway(vector: Vector) -> Found:
    """A change where a fraction of the period is left."""
    old, new = (vector.given.read(name, money) for name in ("old", "new"))
    found = swap(vector, [old], [new], vector.given.read("fraction_left", share_left))
    return {"credit": found.credits[0].line, "debit": found.charged, "net": found.net}


@maps("proration.day.money", "old_rate new_rate period change")
def downgrade(vector: Vector) -> Found:
    """What goes back exceeds what is charged: the surplus is credit of the account."""
    old, new = (vector.given.read(name, money) for name in ("old_rate", "new_rate"))
    left = _left(vector.given.read("period", period), vector, "change")
    return _repaired(swap(vector, [old], [new], left))


@maps("proration.day.money", "old_rate goodwill_adjustment new_rate period change")
def downgrade_after_goodwill(vector: Vector) -> Found:
    """No more goes back than the line still holds."""
    old, new = (vector.given.read(name, money) for name in ("old_rate", "new_rate"))
    left = _left(vector.given.read("period", period), vector, "change")
    leaving = _leaving(old, left, vector.given.read("goodwill_adjustment", _taken_off))
    return _repaired(changed([leaving], _coming([new], left), EUR, _cut(vector)))


def _taken_off(value: object) -> Money:
    """Read "-10.00" as what was taken off."""
    return money(text(value).removeprefix("-"))


def _repaired(found: Change) -> Found:
    return {
        "uncapped_prorated_credit": found.credits[0].uncapped,
        "repair": found.credits[0].line,
        "charge": found.charged,
        "account_credit": found.surplus,
    }


@maps("proration.day.money", "rate period cancel")
def cancelled(vector: Vector) -> Found:
    """What goes back of a period, and what stays."""
    rate, full = vector.given.read("rate", money), vector.given.read("period", period)
    back = unused(*_leaving(rate, _left(full, vector, "cancel")), _cut(vector))
    kept = Period(full.start, vector.given.read("cancel", day))
    return {"repair": back.line, "kept": priced(vector, rate, part_of(full, kept))}


@maps("proration.day.money", "rate period adjustment cancel")
def cancelled_after_goodwill(vector: Vector) -> Found:
    """What goes back of a line that was adjusted before."""
    adjusted = vector.given.read("adjustment", _taken_off)
    left = _left(vector.given.read("period", period), vector, "cancel")
    leaving = _leaving(vector.given.read("rate", money), left, adjusted)
    return {"credit": unused(*leaving, _cut(vector)).line}


@maps("proration.day.money", "old new change period_end tax_pct")
def taxed_change(vector: Vector) -> Found:
    """A change in a calendar month, with the tax of what goes back."""
    end = vector.given.read("period_end", day)
    return _taxed(vector, Schedule(MONTHLY, end.day, end))


@maps("proration.day.money", "old new start change tax_pct")
def taxed_anniversary_change(vector: Vector) -> Found:
    """A change in a month that began on the day of the start."""
    start = vector.given.read("start", day)
    return _taxed(vector, Schedule(MONTHLY, start.day, start))


def _taxed(vector: Vector, schedule: Schedule) -> Found:
    old, new = (vector.given.read(name, money) for name in ("old", "new"))
    left = _left(schedule.containing(vector.given.read("change", day)), vector, "change")
    found = swap(vector, [old], [new], left)
    credit = on_top(found.back, vector.given.read("tax_pct", percent))
    return {"new_charge": found.charged, "credit_incl_tax": credit.total}


@maps("proration.day.money", "old new anchor change")
def month_to_year(vector: Vector) -> Found:
    """A month becomes a year whose anchor stays: the rest of that year is charged."""
    old, new = (vector.given.read(name, money) for name in ("old", "new"))
    anchor, first = (vector.given.read(name, day) for name in ("anchor", "change"))
    monthly, yearly = (Schedule(each, anchor.day, anchor) for each in (MONTHLY, YEARLY))
    part, year = upcoming(monthly, yearly, first, Cycle.KEEP)
    leaving = _leaving(old, _left(monthly.containing(first), vector, "change"))
    found = changed([leaving], _coming([new], part_of(year, part)), EUR, _cut(vector))
    return {
        "credit": found.back,
        "new_charge": found.charged,
        "days": part.days,
        "year_days": year.days,
    }


@maps("proration.day.money", "old_addon new_addon other_addon month_days remaining_days")
def addons(vector: Vector) -> Found:
    """Of an add-on that is paid already only the difference is charged."""
    given = vector.given
    left = Share.rest(given.read("remaining_days", whole), given.read("month_days", whole))
    old, new, other = (
        given.read(name, money) for name in ("old_addon", "new_addon", "other_addon")
    )
    return {
        "addon_delta": swap(vector, [old], [new], left).net,
        "other": swap(vector, [], [other], left).net,
    }


@maps("proration.day.money", "period change old new")
def several_prices(vector: Vector) -> Found:
    """Each price goes back and is charged by itself."""
    old, new = (vector.given.read(name, many(money)) for name in ("old", "new"))
    left = _left(vector.given.read("period", period), vector, "change")
    return {"net": swap(vector, old, new, left).net}


@maps("reverse.symmetry", "period at old new")
def there_and_back(vector: Vector) -> Found:
    """Up and down at the same instant comes to nothing: each gives back what the other charged."""
    old, new = (vector.given.read(name, money) for name in ("old", "new"))
    left = _left(vector.given.read("period", period), vector, "at")
    there = swap(vector, [old], [new], left)
    charged_there = Debit(rate=new, share=left, adjusted=NOTHING)
    back = changed([Leaving(charged_there, left)], _coming([old], left), EUR, _cut(vector))
    both = Change(EUR, (*there.credits, *back.credits), (*there.charges, *back.charges))
    return {"net_after_both": both.net}


@maps("proration.second", "kind period change old_cents new_cents interval_changed")
def by_second(vector: Vector) -> Found:
    """By the second; where the interval changes a whole new period begins."""
    given = vector.given
    full = given.read("period", period)
    old, new = (given.read(name, cents) for name in ("old_cents", "new_cents"))
    intervals = given.read("kind", _intervals)
    schedules = [Schedule(each, full.start.day, full.start) for each in intervals]
    cycle = given.read("interval_changed", {True: Cycle.RESTART, False: Cycle.KEEP}.__getitem__)
    first = given.read("change", day)
    part, comes = upcoming(schedules[0], schedules[1], first, cycle)
    measured = share(part, comes, Measure.SECOND, schedules[1], UTC)
    leaving = _leaving(old, _left(full, vector, "change", Measure.SECOND))
    found = changed([leaving], _coming([new], measured), EUR, _cut(vector))
    return {
        "credit_cents": found.back.amount_minor,
        "debit_cents": found.charged.amount_minor,
    }


def _intervals(value: object) -> list[Interval]:
    before, _, after = text(value).partition("-")
    return [interval(before), interval(after)]


@maps("proration.discount", "old_cents new_cents fraction_left old_discount new_discount")
def discounted_change(vector: Vector) -> Found:
    """What goes back was charged under its own discount, what comes is under the new one."""
    given = vector.given
    old, new = (given.read(name, cents) for name in ("old_cents", "new_cents"))
    before = _net(old, given.read("old_discount", _discounts))
    after = _net(new, given.read("new_discount", _discounts))
    found = swap(vector, before, after, given.read("fraction_left", share_left))
    return {
        "credit_cents": found.back.amount_minor,
        "debit_cents": found.charged.amount_minor,
    }


def _discounts(value: object) -> list[Discount]:
    """Read "25%", "25.00 fixed" or nothing."""
    if value is None:
        return []
    amount, _, kind = text(value).partition(" ")
    return [Discount(code="D", off=money(amount) if kind == "fixed" else percent(amount))]


def _net(rate: Money, discounts: list[Discount]) -> list[Money]:
    return discounted([Item(offering="O", plan="P", amount=rate)], discounts, EUR).amounts


@maps("discount.allocation", "discount_cents old new fraction_left")
def spread_change(vector: Vector) -> Found:
    """A discount is spread over both totals, then both are cut."""
    given = vector.given
    discount = Discount(code="D", off=given.read("discount_cents", cents))
    left = given.read("fraction_left", share_left)
    old, new = (
        discounted(
            [Item(offering="O", plan="P", amount=one) for one in given.read(name, many(cents))],
            [discount],
            EUR,
        )
        for name in ("old", "new")
    )
    found = swap(vector, old.amounts, new.amounts, left)
    return {
        "old_split": [off.amount_minor for off in old.offs],
        "new_split": [off.amount_minor for off in new.offs],
        "credits": [back.amount.amount_minor for back in found.credits],
        "debits": [charge.amount_minor for charge in found.charges],
    }


@maps("rental.start_stop", "rent period issued returned deposit")
def rental(vector: Vector) -> Found:
    """Rent follows the days of possession; of the deposit, which is not taxed, all goes back."""
    given = vector.given
    full = given.read("period", period)
    issued, returned = (given.read(name, day) for name in ("issued", "returned"))
    asked = Asked(given.read("rent", money), issued, returned, full.start.day)
    deposit = on_top(given.read("deposit", money), percent("0"))
    return {
        "rent_charge": summed(charges(vector, asked, USUAL, full.end)),
        "deposit_refund": Creditable.of(deposit).note(deposit.net).total,
    }


@maps("subsidy.early_exit", "subsidy months paid_months")
def early_exit(vector: Vector) -> Found:
    """Who leaves early pays the rest of the device; a paused month pays off nothing."""
    given = vector.given
    device = Subsidy(amount=given.read("subsidy", money), months=given.read("months", whole))
    passed = [Month.PAID for _ in range(given.read("paid_months", whole))]
    return {
        "etf": device.termination_fee(passed),
        "after_one_pause_month": device.termination_fee([*passed, Month.PAUSED]),
    }
