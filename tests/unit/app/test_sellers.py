"""Who sells is told whole: what is wrong is named by its field and line, and no day has two."""

from datetime import date

import pytest

from app.imports.folder import Folder
from app.imports.lines import lines_of
from app.imports.operator import Operator, read_operator
from app.imports.problems import Problems
from app.imports.sellers import check_sellers
from billing.sellers.model import ALWAYS, Seller, Sellers
from tests.unit.app.test_operator_limits import OPERATOR

FIRST = """
[[seller]]
name = " North Television Ltd "
address = ["1 North Road", "Northtown"]
tax_number = "GB123"
"""
LATER = """
[[seller]]
from = 2027-01-01
name = "North Group plc"
address = ["2 North Road"]
tax_number = "GB456"
register = "Company 789, Cardiff"
"""
NORTH = Seller(
    name="North Television Ltd", address=("1 North Road", "Northtown"), tax_number="GB123"
)


def read(told: str) -> tuple[Operator | None, list[str]]:
    """Read an operator's file; what is wrong with it is told as whoever wrote it reads it."""
    problems, text = Problems(), OPERATOR + told
    found = read_operator(text.encode(), {}, problems)
    folder = Folder(lines=lines_of(text))
    return found, [str(folder.placed(one)).removeprefix("operator.toml, ") for one in problems]


def test_sellers_are_told_by_their_days():
    """One without a day has sold since ever; a file without any names none."""
    found, wrong = read(FIRST + LATER)
    assert found is not None
    assert wrong == []
    assert found.sellers[ALWAYS] == NORTH
    assert found.sellers[date(2027, 1, 1)].lines == (
        "North Group plc",
        "2 North Road",
        "Tax number GB456",
        "Company 789, Cardiff",
    )
    found, _ = read("")
    assert found is not None
    assert found.sellers == {}


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (FIRST.replace("GB123", " "), "line 16: seller.0.tax_number: must not be empty"),
        (FIRST.replace("GB123", "1" * 41), "tax_number: longer than 40 characters"),
        (FIRST.replace('tax_number = "GB123"', ""), "seller.0.tax_number: must not be empty"),
        (
            FIRST.replace(" North Television Ltd ", "N\u202eorth"),
            "name: holds the character U+202E",
        ),
        (FIRST.replace('"1 North Road", "Northtown"', ""), "seller.0.address: must not be empty"),
        (FIRST.replace('"Northtown"', '"A", "B", "C", "D"'), "address: more than 4 values"),
        (FIRST.replace('"Northtown"', '" "'), "seller.0.address: must not be empty"),
        (FIRST.replace("Northtown", "a\\nb"), "address: holds the character U+000A"),
        (FIRST.replace("Northtown", "x" * 121), "address: longer than 120 characters"),
        (
            FIRST.replace('["1 North Road", "Northtown"]', '"1 North Road"'),
            "must be a list: [ ... ]",
        ),
        (LATER.replace("2027-01-01", "1789-07-14"), "from: 1789-07-14 is out of reach"),
        (LATER.replace("2027-01-01", '"soon"'), "from: must be a date like 2026-03-31, not a text"),
        (
            LATER.replace("2027-01-01", "2027-01-01T00:00:00"),
            "from: must be a date like 2026-03-31, not a time",
        ),
        (LATER.replace("register", "court"), "known are name, address, tax_number, register, from"),
        (FIRST + FIRST, "line 18: seller.1.from: one alone has sold since ever"),
        (LATER + LATER, "seller.1.from: another one sells from 2027-01-01 on"),
        (FIRST.replace("[[seller]]", "[seller]"), "must be tables: [[seller]]"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(told, wrong):
    """Each value that no document could bear is told with its field and what is allowed."""
    found, why = read(told)
    assert found is None
    assert len(why) == 1, why
    assert wrong in why[0]


def test_a_document_names_the_seller_of_its_day():
    """The newest seller that has begun; nobody for a day before the first."""
    group = Seller(name="Group", address=("a",), tax_number="2")
    known = Sellers({date(2026, 1, 1): NORTH, date(2027, 1, 1): group})
    assert known.on(date(2025, 12, 31)) is None
    assert known.on(date(2026, 1, 1)) == known.on(date(2026, 12, 31)) == NORTH
    assert known.on(date(2027, 1, 1)) == group


@pytest.mark.parametrize(
    ("known", "day", "fits"),
    [
        ({}, ALWAYS, True),
        ({}, date(2026, 3, 11), True),
        ({date(2026, 4, 1): NORTH}, date(2026, 1, 1), True),
        ({date(2026, 4, 1): NORTH}, date(2026, 4, 1), True),
        ({ALWAYS: NORTH}, ALWAYS, False),
        ({ALWAYS: NORTH}, date(2026, 3, 11), False),
        ({ALWAYS: NORTH}, date(2026, 3, 12), True),
    ],
)
def test_who_sold_stays(known, day, fits):
    """On 11 March a seller may be told for tomorrow, or for any day where nobody sells yet."""
    problems, today = Problems(), date(2026, 3, 11)
    other = Seller(name="Other", address=("a",), tax_number="3")
    check_sellers({day: other}, Sellers(known), today, problems, "operator.toml")
    assert (not problems) is fits
    assert [one.field for one in problems] == ([] if fits else ["seller.0.from"])
    again = Problems()
    check_sellers(known, Sellers(known), today, again, "operator.toml")
    assert not again
