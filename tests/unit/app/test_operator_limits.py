"""What a target stands is said beside its options, and checked before anything is taken."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from app.imports.folder import read_folder
from app.imports.operator import read_operator
from app.imports.problems import Problems
from app.imports.tables import read_toml
from billing.dunning.dispute_fees import Basis, DisputeFee
from billing.dunning.document import read, written
from billing.dunning.late_fees import LateFees
from billing.dunning.reactivation import Needs, Reactivation
from billing.loyalty.model import Program
from billing.payments.refunds import Alone
from terms.money import Rate

OPERATOR = """
[operator]
name = "North TV"
currency = "EUR"
zone = "Europe/Vienna"
locale = "en"
country = "AT"

[targets.north]
kind = "ministra"
base_url = "http://127.0.0.1:9"
"""


def test_limits_are_parted_from_the_options_of_the_kind():
    """The adapter hears nothing of them; what is not said has its usual value."""
    problems = Problems()
    told = OPERATOR + "in_flight_max = 64\ncalls_per_s = 12.5\n"
    found = read_operator(told.encode(), {}, problems)
    assert found is not None
    (target,) = found.targets
    assert target.options == {"base_url": "http://127.0.0.1:9"}
    assert (target.limits.in_flight_max, target.limits.calls_per_s) == (64, 12.5)
    found = read_operator(OPERATOR.encode(), {}, problems)
    assert found is not None
    assert found.targets[0].limits.calls_per_s is None
    assert list(problems) == []


LADDER = """
[dunning]
steps = [
    {{ after_days = {}, action = "notice", notice = "suspension_warning" }},
    {{ after_days = {}, action = "suspend" }},
]
"""
SUSPENDED_FIRST = """
[dunning.segments.pubs]
steps = [
    { after_days = 5, action = "suspend" },
    { after_days = 7, action = "notice", notice = "suspension_warning" },
]
"""


def test_a_ladder_is_read_in_the_order_in_which_it_is_climbed():
    """Nobody is dark before the warning that stands above: the step is named that comes too soon,
    or too late.
    """
    for told, where, why in (
        (
            LADDER.format(7, 5),
            "dunning.steps.1.after_days",
            "day 5 stands behind day 7: write the steps in order of their days",
        ),
        (
            SUSPENDED_FIRST,
            "dunning.segments.pubs.steps.1.after_days",
            "a warning on day 7 comes too late: day 5 suspends",
        ),
    ):
        problems = Problems()
        assert read_operator((OPERATOR + told).encode(), {}, problems) is None
        assert [(one.field, one.why) for one in problems] == [(where, why)]
    problems = Problems()
    assert read_operator((OPERATOR + LADDER.format(5, 5)).encode(), {}, problems) is not None
    assert not problems


def test_what_is_no_answer_to_a_question_is_told_so():
    """Whether somebody is exempt is true or false."""
    problems = Problems()
    told = OPERATOR + '[dunning]\nexempt = "yes"\n'
    assert read_operator(told.encode(), {}, problems) is None
    assert [(one.field, one.why) for one in problems] == [
        ("dunning.exempt", "must be true or false, not a text")
    ]


def test_what_a_segment_does_not_say_is_as_usual():
    """Steps, hours and the least amount come from [dunning]; holidays hold for everybody."""
    problems = Problems()
    told = """
        [dunning]
        least = "5.00"
        holidays = [2026-12-25]
        [[dunning.steps]]
        after_days = 9
        action = "suspend"
        [dunning.cut_off]
        days = ["mon", "fri"]
        from_hour = 9
        [dunning.segments.medical]
        exempt = true
        [dunning.segments.shops]
        least = "0"
        steps = []
        retries = { paydays = [1], payday_wait_days = 3 }
    """
    found = read_operator((OPERATOR + told).encode(), {}, problems)
    assert list(problems) == []
    assert found is not None
    usual, medical, shops = (found.segments.of(name) for name in ("", "medical", "shops"))
    assert (usual.least_minor, usual.is_exempt, len(usual.ladder.steps)) == (500, False, 1)
    assert medical == replace(usual, is_exempt=True)
    assert usual.cut_off == shops.cut_off
    assert (set(usual.cut_off.weekdays), usual.cut_off.from_hour) == ({0, 4}, 9)
    assert set(usual.cut_off.holidays) == {date(2026, 12, 25)}
    assert (shops.least_minor, shops.ladder.steps) == (0, ())
    assert (shops.retries.paydays, usual.retries.paydays) == ((1,), ())


def test_fees_are_read_as_they_are_told():
    """Amounts are of the operator's currency; a segment that names nothing to charge bears none."""
    problems = Problems()
    told = """
        [dunning.late_fees]
        from_on = 2026-01-01
        once = "5.00"
        once_after_days = 14
        rate = "1.5%"
        cap_share = "20%"
        [dunning.dispute_fee]
        charge = "fixed"
        amount = "9.90"
        [dunning.reactivation]
        needs = "oldest"
        invoices = 2
        fee = "10.00"
        [dunning.segments.shops.late_fees]
        from_on = 2026-01-01
    """
    found = read_operator((OPERATOR + told).encode(), {}, problems)
    assert list(problems) == []
    assert found is not None
    usual, shops = (found.segments.of(name) for name in ("", "shops"))
    assert usual.late_fees == LateFees(
        from_on=date(2026, 1, 1),
        currency="EUR",
        once_minor=500,
        once_after_days=14,
        rate=Rate.parse("1.5%"),
        cap_share=Rate.parse("20%"),
    )
    assert shops == replace(usual, late_fees=None)
    assert usual.dispute_fee == DisputeFee(basis=Basis.FIXED, currency="EUR", amount_minor=990)
    wanted = Reactivation(needs=Needs.OLDEST, invoices=2, fee_minor=1000, currency="EUR")
    assert usual.reactivation == wanted
    assert read(written(usual)) == usual


def test_a_wrong_limit_is_named():
    """None, nothing, too many: the file and the field are told."""
    for told in (
        "in_flight_max = 0",
        "in_flight_max = 513",
        "calls_per_s = 0",
        'calls_per_s = "x"',
    ):
        problems = Problems()
        assert read_operator(f"{OPERATOR}{told}\n".encode(), {}, problems) is None
        (problem,) = problems
        assert problem.field == f"targets.north.{told.split()[0]}"


@pytest.mark.parametrize(
    ("told", "line", "field", "why"),
    [
        ("bogus = 1", 1, "bogus", "unknown; known are operator, seller, targets, payments"),
        ("[jobs]\nwhen = 1", 2, "jobs.when", "unknown; known are install"),
        ("[jobs]\ninstall = 1", 2, "jobs.install", "must be a text, not a number"),
        ("jobs = 1", 1, "jobs", "must be a table: [jobs]"),
        ("[guard]\nfloor = 1", 1, "guard.share_percent", "must not be empty"),
        (
            "[guard]\nshare_percent = 101\nfloor = 1",
            2,
            "guard.share_percent",
            "'101' is not a whole number from 1 to 100",
        ),
        (
            '[guard]\nshare_percent = 1\nfloor = "x"',
            3,
            "guard.floor",
            "must be a whole number from 0 to 1000000, not a text",
        ),
        ("[dunning]\nsteps = 1", 2, "dunning.steps", "must be tables: [[dunning.steps]]"),
        (
            '[[dunning.steps]]\nafter_days = 0.5\naction = "suspend"',
            2,
            "dunning.steps.0.after_days",
            "'0.5' is not a whole number from 0 to",
        ),
        (
            '[targets.n]\nkind = "x"\ncalls_per_s = 0',
            3,
            "targets.n.calls_per_s",
            "'0' is not a number from",
        ),
        (f'[promises]\nowed_min = "{"1" * 21}"', 2, "promises.owed_min", "longer than 20 charac"),
        ('[promises]\nowed_min = "much"', 2, "promises.owed_min", "'much' is not an amount like"),
        ("[targets.n]\nin_flight_max = 3", 1, "targets.n.kind", "must not be empty"),
    ],
)
def test_what_is_wrong_is_said_as_the_sheets_say_it(
    tmp_path: Path, told: str, line: int, field: str, why: str
):
    """The file, the line, the key and what is allowed; one wording for one fault."""
    file = tmp_path / "operator.toml"
    file.write_text(f"{told}\n{OPERATOR}")
    problems = Problems()
    folder = read_folder({file.name: file}, {}, problems)
    (problem,) = [folder.placed(one) for one in problems]
    assert (problem.file, problem.row, problem.field) == (file.name, line, field)
    assert problem.why.startswith(why)


@pytest.mark.parametrize(
    ("months", "why"),
    [
        ("1", ""),
        ('"120"', ""),
        ("0", "'0' is not a whole number from 1 to 120"),
        ("121", "'121' is not a whole number from 1 to 120"),
        ("1.5", "'1.5' is not a whole number from 1 to 120"),
        ('"two"', "'two' is not a whole number from 1 to 120"),
        ("true", "must be a text, not true or false"),
    ],
)
def test_how_long_points_live_is_read_alike_everywhere(months: str, why: str):
    """The operator's file and the catalogue take the same and refuse the rest in the same words."""
    by_operator, by_catalogue = Problems(), Problems()
    raw = f"{OPERATOR}[loyalty]\nmonths = {months}\n".encode()
    operator = read_operator(raw, {}, by_operator)
    catalogue = read_toml(f"[[loyalty]]\nmonths = {months}\n".encode(), by_catalogue)
    assert [(one.field, one.why) for one in by_operator] == [("loyalty.months", why)][: bool(why)]
    assert [(one.field, one.why) for one in by_catalogue] == [("months", why)][: bool(why)]
    if not why:
        assert operator is not None
        assert catalogue is not None
        assert operator.program == Program(months=int(months.strip('"')), currency="EUR")
        assert [row.months for row in catalogue.loyalty or ()] == [operator.program.months]


def test_how_much_one_person_gives_back_is_told_by_currency():
    """None told is any amount; what is no amount, or in no currency, is a problem by its field."""
    problems = Problems()
    found = read_operator(OPERATOR.encode(), {}, problems)
    assert found is not None
    assert found.alone == Alone()
    told = OPERATOR + '[refunds.alone_up_to]\nEUR = "100.00"\nJPY = "0"\n'
    found = read_operator(told.encode(), {}, problems)
    assert found is not None
    assert found.alone == Alone(up_to_minor={"EUR": 10_000, "JPY": 0})
    assert list(problems) == []
    for key, text in (("EUR", "1.005"), ("EUR", "-1"), ("eur", "1"), ("EUR", "1" + "0" * 15)):
        problems = Problems()
        told = OPERATOR + f'[refunds.alone_up_to]\n{key} = "{text}"\n'
        assert read_operator(told.encode(), {}, problems) is None
        assert [one.field for one in problems] == [f"refunds.alone_up_to.{key}"]
