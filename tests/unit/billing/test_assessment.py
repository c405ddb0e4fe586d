"""An invoice taken apart: net and tax of every line, by level, jurisdiction and kind of price."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.tax import levels
from billing.tax.assessment import Assessor, Taxable, Where, assess
from billing.tax.levels import Inclusive, Level
from billing.tax.model import UNTAXED, TaxRate, TaxTable, changed_rates
from terms.errors import Invalid, NotFound
from terms.money import Money, Rate

DAY = date(2026, 3, 11)
WHERE = Where("EUR", DAY)
RATES = {"a": Rate.parse("20%"), "b": Rate.parse("8.875%"), "c": Rate.parse("0%")}
amounts = st.lists(
    st.builds(
        Taxable,
        st.sampled_from([*RATES, UNTAXED]),
        st.integers(0, 10**7),
        st.sampled_from([None, *Inclusive]),
    ),
    min_size=1,
    max_size=8,
)


def rate(tax: str, percent: str, jurisdiction: str = "", since: date = date(2020, 1, 1)) -> TaxRate:
    """Make a rate."""
    return TaxRate(
        tax=tax, jurisdiction=jurisdiction, effective_from=since, rate=Rate.parse(percent)
    )


@given(amounts, st.sampled_from(Level))
def test_the_parts_of_lines_are_the_sums_of_the_invoice(found, level):
    """Lines, groups and totals agree at every level, whatever is included and what is not."""
    told = assess(found, {one.tax: RATES[one.tax] for one in found if one.tax}, WHERE, level)
    assert told.net.amount_minor == sum(one.net.amount_minor for one in told.splits)
    assert told.tax.amount_minor == sum(one.tax.amount_minor for one in told.splits)
    assert told.tax.amount_minor == sum(group.amount.amount_minor for group in told.groups)
    for one, split in zip(found, told.splits, strict=True):
        assert one.amount_minor == (split.net if one.included is None else split.total).amount_minor
        assert split.tax.amount_minor >= 0
        assert one.tax != UNTAXED or not split.tax.amount_minor


@given(amounts, st.sampled_from(Level))
def test_prices_that_include_tax_cost_what_is_on_the_label(found, level):
    """What the customer pays for inclusive prices is their sum exactly, at every level."""
    labels = [one for one in found if one.included is not None and one.tax]
    told = assess(labels, {one.tax: RATES[one.tax] for one in labels}, WHERE, level)
    assert (told.net + told.tax).amount_minor == sum(one.amount_minor for one in labels)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.sampled_from(Inclusive))
def test_a_group_is_taken_apart_once(found, convention):
    """All lines of one rate are taken apart as their sum is, so that the group adds up."""
    told = assess([Taxable("b", one, convention) for one in found], RATES | {}, WHERE)
    (group,) = [one for one in told.groups if one.tax == "b"]
    whole = levels.inside(Money(sum(found), "EUR"), RATES["b"], convention)
    assert (group.net, group.amount) == (whole.net, whole.tax)


@given(amounts)
def test_levels_differ_by_their_roundings_alone(found):
    """No level misses the exact tax by more than a half for each time that it rounds."""
    lines = [one for one in found if one.tax]
    exact = Fraction(0)
    for one in lines:
        inside = RATES[one.tax].ppm if one.included else 0
        exact += Fraction(one.amount_minor * RATES[one.tax].ppm, 10**6 + inside)
    for level in Level:
        told = assess(lines, {one.tax: RATES[one.tax] for one in lines}, WHERE, level)
        assert abs(told.tax.amount_minor - exact) <= Fraction(len(lines), 2)


def test_each_account_is_taxed_where_it_is():
    """A tax has rates of its own in every jurisdiction, each from its day on."""
    table = TaxTable.of(
        [rate("vat", "20%"), rate("vat", "19%", "DE"), rate("vat", "16%", "DE", date(2026, 7, 1))]
    )
    assessor = Assessor(table)

    def tax(where: str, day: date) -> int:
        return assessor.assess((Taxable("vat", 1000),), Where("EUR", day, where)).tax.amount_minor

    july = date(2026, 7, 1)
    assert [tax("", DAY), tax("DE", DAY), tax("DE", july), tax("", july)] == [200, 190, 160, 200]
    (group,) = assessor.assess((Taxable("vat", 1000),), Where("EUR", DAY, "DE")).groups
    assert group.name == "vat DE"
    with pytest.raises(NotFound, match="no rate in FR"):
        tax("FR", DAY)
    with pytest.raises(Invalid, match="jurisdiction"):
        table.check("FR")


def test_the_same_invoice_is_worked_out_once():
    """Accounts that are charged alike share what was found for the first of them."""
    assessor = Assessor(TaxTable.of([rate("vat", "20%")]))
    lines = (Taxable("vat", 1999), Taxable("vat", 301))
    assert assessor.assess(lines, WHERE) is assessor.assess(tuple(lines), Where("EUR", DAY))


def test_a_rate_that_was_charged_stays_where_it_was_charged():
    """A past rate of one jurisdiction is refused; a first one of another is not."""
    table = TaxTable.of([rate("vat", "20%")])
    later = rate("vat", "21%", since=date(2026, 1, 1))
    with pytest.raises(Invalid, match=r"taxes\.vat\.2026-01-01"):
        changed_rates(table, [later], DAY)
    abroad = rate("vat", "19%", "DE", since=date(2026, 1, 1))
    assert changed_rates(table, [abroad], DAY) == [abroad]
