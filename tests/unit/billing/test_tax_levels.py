"""Levels of rounding tax, prices that include it, and credit notes on what was taxed."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoicing.crediting import Creditable, effect
from billing.tax.assessment import Taxable, Where, assess
from billing.tax.levels import Inclusive, Level, Split, inside, on_top, taxes
from terms.errors import Invalid
from terms.money import Money, Rate, Rounding, total

DAY = date(2026, 3, 11)
amounts = st.integers(0, 10**9)
rates = st.integers(0, 500_000).map(Rate)
lines = st.lists(st.tuples(rates, amounts.map(Fraction)), min_size=1, max_size=8)
roundings = st.sampled_from(Rounding)


def euro(minor: int) -> Money:
    """Make an amount."""
    return Money(minor, "EUR")


@given(lines, st.sampled_from(Level), roundings)
def test_every_level_is_near_the_exact_tax(found, level, rounding):
    """Each amount is rounded once, so all together miss by at most a half for each of them."""
    rounded = taxes(found, "EUR", level, rounding)
    exact = sum(net * rate.share for rate, net in found)
    assert abs(total(rounded, "EUR").amount_minor - exact) <= Fraction(len(rounded), 2)


@given(lines)
def test_the_default_is_the_tax_of_an_invoice(found):
    """Groups of one rate are taxed as invoices are (EN 16931)."""
    rates = {f"{rate.ppm:09d}": rate for rate, _ in found}
    amounts = [Taxable(f"{rate.ppm:09d}", int(net)) for rate, net in found]
    groups = assess(amounts, rates, Where("EUR", DAY)).groups
    assert taxes(found, "EUR") == [group.amount for group in groups]


@given(rates, amounts, roundings)
def test_of_one_line_all_levels_are_alike(rate, net, rounding):
    """Where there is one line, it is the group and the document."""
    found = {tuple(taxes([(rate, Fraction(net))], "EUR", level, rounding)) for level in Level}
    assert found == {(on_top(euro(net), rate, rounding).tax,)}


@given(amounts, rates, st.sampled_from(Inclusive), roundings)
def test_a_price_that_includes_tax_is_its_two_parts(gross, rate, convention, rounding):
    """Whichever is rounded first, net and tax sum to the price and miss by less than one."""
    found = inside(euro(gross), rate, convention, rounding)
    assert found.total == euro(gross)
    exact = Fraction(gross) / (1 + rate.share)
    assert abs(found.net.amount_minor - exact) <= Fraction(1, 2)


@given(amounts, rates)
def test_the_conventions_differ_by_a_minor_unit_at_most(gross, rate):
    """Net first or tax first is a matter of one minor unit, and of a half alone."""
    net_first, tax_first = (inside(euro(gross), rate, one) for one in Inclusive)
    assert 0 <= net_first.net.amount_minor - tax_first.net.amount_minor <= 1


@given(amounts, rates, st.lists(amounts, max_size=6))
def test_notes_give_back_a_line_and_no_more(net, rate, wanted):
    """P5: in whatever pieces a line is given back, tax and net end with what the line had."""
    line = on_top(euro(net), rate)
    state, notes = Creditable.of(line), []
    for each in wanted:
        left = net - state.given.net.amount_minor
        notes.append(state.note(euro(min(each, left))))
        state = state.less(notes[-1])
    last = state.note(line.net - state.given.net)
    state = state.less(last)
    assert state.given.net == line.net
    if net:
        assert state.given == line
    assert all(note.tax.amount_minor >= 0 for note in (*notes, last))


def test_a_note_does_not_exceed_its_line():
    """More than is left, and less than nothing, cannot be given back."""
    state = Creditable.of(Split(euro(100), euro(20)))
    state = state.less(state.note(euro(60)))
    assert state.note(euro(40)).total == euro(48)
    for wrong in (41, -1):
        with pytest.raises(Invalid, match=r"credit_note\.net"):
            state.note(euro(wrong))


@given(amounts, amounts, amounts, amounts)
def test_an_excess_is_divided_without_a_rest(note, owed, refund, out_of_band):
    """A note lowers what is owed, never below nothing; all of the excess goes somewhere."""
    found = effect(euro(note), euro(owed))
    assert found.lowers + found.excess == euro(note)
    assert found.lowers <= euro(owed)
    if refund + out_of_band <= found.excess.amount_minor:
        divided = found.divide(refund=euro(refund), out_of_band=euro(out_of_band))
        assert divided.total == found.excess
    else:
        with pytest.raises(Invalid, match=r"credit_note\.balance"):
            found.divide(refund=euro(refund), out_of_band=euro(out_of_band))
