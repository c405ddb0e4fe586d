"""Editions of a catalogue compared: who pays what from when, in words."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.difference import differences
from billing.catalog.document import Document, written
from billing.catalog.model import Offering, OfferingKind, PriceBook, changed_offerings
from billing.catalog.terms import SalesChannel, Terms
from billing.loyalty import document as loyalty_document
from billing.loyalty.model import Program, Tier
from billing.promotions import document as promotions_document
from billing.tax.levels import Inclusive
from billing.tax.model import TaxRate, TaxTable
from terms.errors import Invalid
from terms.money import Money, Rate
from tests.fixtures.billing import PUBLICATION, price
from tests.fixtures.promotions import promotion

TABLE = TaxTable.of(PUBLICATION.taxes)
NOW = written(PriceBook.of(PUBLICATION.offerings, PUBLICATION.prices), TABLE)
JULY = date(2026, 7, 1)


def told(*more, offerings=PUBLICATION.offerings, taxes=PUBLICATION.taxes) -> list[str]:
    """Tell what a catalogue with more prices changes."""
    book = PriceBook.of(offerings, (*PUBLICATION.prices, *more))
    return [str(one) for one in differences(NOW, written(book, TaxTable.of(taxes)))]


def test_the_same_catalogue_changes_nothing():
    """Compared with itself, an edition says nothing."""
    assert told() == []
    assert differences({}, {}) == []


def test_a_new_price_says_what_was_paid_before():
    """From a day on BASIC costs more; the day, both amounts and the currency are told."""
    dearer = price("BASIC", "33.00", since=JULY)
    assert told(dearer) == ["BASIC: amount 33.00 EUR from 2026-07-01, was 31.00 EUR"]
    assert told(replace(price("BASIC", "31.00", since=JULY), included=Inclusive.NET_FIRST)) == [
        "BASIC: includes_tax net_first from 2026-07-01, new"
    ]
    assert told(price("BASIC", "3300", "JPY", since=JULY)) == [
        "BASIC: amount 3300 JPY from 2026-07-01, was 3100 JPY"
    ]


def test_a_deposit_that_goes_is_none():
    """What a rental has no longer is told as none."""
    assert told(price("DECODER", "3.00", since=JULY)) == [
        "DECODER: deposit none from 2026-07-01, was 30.00 EUR",
        "DECODER: lost_fee none from 2026-07-01, was 60.00 EUR",
    ]


def test_names_terms_and_taxes_are_compared_too():
    """A new offering, another name, a rate abroad: each is a line of its own."""
    first, *rest = PUBLICATION.offerings
    gold = replace(first, code="GOLD", name="Gold")
    changed = (replace(first, name="Basic TV"), gold, *rest)
    german = TaxRate(tax="standard", jurisdiction="DE", effective_from=JULY, rate=Rate.parse("19%"))
    assert told(price("GOLD", "40.00"), offerings=changed, taxes=(*PUBLICATION.taxes, german)) == [
        "BASIC: name Basic TV, was Basic",
        "GOLD: name Gold (plan), new",
        "GOLD: amount 40.00 EUR from 2020-01-01, new",
        "standard: rate 19% in DE from 2026-07-01, new",
    ]


def test_who_sells_a_one_off_may_change():
    """A fee is for staff, a title for all, unless said otherwise; that is told, and may change."""
    fee = Offering(code="FEE", kind=OfferingKind.ONE_OFF, name="Fee", tax="standard")
    assert [fee.is_self_service, replace(fee, grants=("film",)).is_self_service] == [False, True]
    to_all = replace(fee, terms=Terms(sales_channel=SalesChannel.SELF_SERVICE))
    film = replace(to_all, grants=("film",), terms=Terms(sales_channel=SalesChannel.STAFF))
    assert [to_all.is_self_service, film.is_self_service] == [True, False]
    book = PriceBook.of([fee], [])
    assert changed_offerings(book, [to_all]) == [to_all]
    before, after = written(book, TABLE), written(PriceBook.of([to_all], []), TABLE)
    assert [str(one) for one in differences(before, after)] == [
        "FEE: sales_channel self_service, was staff"
    ]
    assert [str(one) for one in differences(after, before)] == [
        "FEE: sales_channel staff, was self_service"
    ]
    with pytest.raises(Invalid, match="sales_channel: only something bought once"):
        changed_offerings(book, [replace(to_all, code="GOLD", kind=OfferingKind.PLAN)])


@given(st.permutations(PUBLICATION.offerings), st.permutations(PUBLICATION.prices))
def test_the_order_of_rows_says_nothing(offerings, prices):
    """The same catalogue is the same document, however its rows were sorted."""
    assert written(PriceBook.of(offerings, prices), TABLE) == NOW


def offered(*promotions) -> Document:
    """Write the catalogue with promotions."""
    return {**NOW, **promotions_document.written(promotions)}


def test_a_promotion_says_what_it_takes_off():
    """A new one is told by what it takes off and its limits, a changed one by what is otherwise."""
    half = promotion("HALF", "50%", "BASIC", "SPORT", periods_max=3, redeem_max=500)
    five = promotion("FIVE", "5.00")
    year = promotion("YEAR", "15%", "BASIC", ahead=12)
    later = [replace(half, redeem_max=None, until_on=JULY), five, year]
    assert [str(one) for one in differences(offered(), offered(half, five, year))] == [
        "FIVE: discount 5.00 off the invoice, new",
        "FIVE: from_on 2020-01-01, new",
        "HALF: discount 50% off BASIC, SPORT, 3 periods, new",
        "HALF: from_on 2020-01-01, new",
        "HALF: limit 500, new",
        "YEAR: discount 15% off BASIC, 12 periods ahead, new",
        "YEAR: from_on 2020-01-01, new",
    ]
    assert [str(one) for one in differences(offered(half, five, year), offered(*later))] == [
        "HALF: limit none, was 500",
        "HALF: until_on 2026-07-01, new",
    ]


def thanked(**program) -> Document:
    """Write the catalogue with what is given for loyalty."""
    return {**NOW, **loyalty_document.written(Program(currency="EUR", **program))}


def test_what_is_given_for_loyalty_is_compared_tier_by_tier():
    """Months, the credit for bringing others and every tier: new, changed or gone."""
    bronze = Tier(name="Bronze", from_minor=0, earns=Rate.parse("1%"))
    gold = Tier(name="Gold", from_minor=50_000, earns=Rate.parse("2.5%"))
    before = thanked(tiers=(bronze, gold))
    after = thanked(
        months=12, referral=Money(1_000, "EUR"), tiers=(replace(bronze, earns=Rate.parse("2%")),)
    )
    assert [str(one) for one in differences(before, after)] == [
        "loyalty: months 12, was 24",
        "loyalty: referral 10.00, new",
        "tier Bronze: earns 2%, was 1%",
        "tier Gold: earns none, was 2.5%",
        "tier Gold: from_paid none, was 500.00",
    ]
    assert differences(NOW, after) == []
    assert loyalty_document.written(Program()) == {"loyalty": [], "loyalty_tiers": []}


def test_a_version_that_knows_no_promotions_compares_none():
    """What was remembered before promotions belonged to a catalogue says nothing of them."""
    assert differences(NOW, offered(promotion("FIVE", "5.00"))) == []
    assert len(differences({}, offered(promotion("FIVE", "5.00")))) > len(differences({}, NOW))
