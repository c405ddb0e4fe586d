"""An operator folder with something wrong in it: what is said, where, and what is taken."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports import sheets
from app.imports.check import Known, check
from app.imports.folder import Folder, find_files, read_folder
from app.imports.problems import FILES, Problems
from app.imports.sheet import read_sheet
from billing.catalog.terms import USUAL
from terms.errors import Invalid

HARBOUR = Path(__file__).parents[3] / "demo" / "operators" / "harbour"
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "import.md"
ENVIRONMENT = {
    "PORTAL_URL": "http://127.0.0.1:9",
    "PORTAL_LOGIN": "api",
    "PORTAL_PASSWORD": "p",
    "PROVIDER_URL": "http://127.0.0.1:9",
    "PROVIDER_KEY": "k",
    "PROVIDER_WEBHOOK_SECRET": "whsec_of_the_operator",
    "BOXES_SSH_KEY": "k",
}


@pytest.fixture
def operator(tmp_path):
    """A private copy of a good operator folder."""
    folder = tmp_path / "operator"
    folder.mkdir()
    for path in HARBOUR.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


def looked_at(folder: Path, environment=None) -> tuple[Folder, list[tuple[str, int, str]], str]:
    """Read and check a folder: what is left, where the problems are, and all their text."""
    problems = Problems()
    given = ENVIRONMENT if environment is None else environment
    read = read_folder(find_files([folder]), given, problems)
    check(read, Known(), problems)
    places = [(p.file, p.row, p.field) for p in problems]
    return read, places, "\n".join(map(str, problems))


def change(path: Path, row: int, column: str, cell: str) -> None:
    """Put another text into one cell; rows are counted like lines, the header is 1."""
    lines = path.read_text("utf-8").splitlines()
    at = lines[0].split(",").index(column)
    cells = lines[row - 1].split(",")
    cells[at] = cell
    lines[row - 1] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def widen(path: Path, *columns: str) -> None:
    """Add columns with empty cells."""
    head, *rows = path.read_text("utf-8").splitlines()
    wider = [",".join([head, *columns]), *(row + "," * len(columns) for row in rows)]
    path.write_text("\n".join(wider) + "\n", "utf-8")


def test_a_good_folder_has_no_problem(operator):
    """The demonstration's own folder is read whole and without complaint."""
    read, places, _ = looked_at(operator)
    assert places == []
    assert len(read.subscribers) == 25
    assert read.operator is not None
    told = ["operator.toml", "catalogue.toml", *(sheet.file for sheet in sheets.SHEETS)]
    assert list(FILES) == told
    assert read.operator.business.name == "Harbour TV"


@pytest.mark.parametrize(
    ("file", "column", "cell", "why"),
    [
        ("subscribers.csv", "plan", "NOSUCH", "there is no offering 'NOSUCH'"),
        ("subscribers.csv", "plan", "SPORT", "'SPORT' is not of kind plan but addon"),
        ("subscribers.csv", "plan", "", "must not be empty"),
        ("subscribers.csv", "addons", "SPORT;NOSUCH", "there is no offering 'NOSUCH'"),
        ("subscribers.csv", "addons", "SPORT;SPORT", "names a code twice"),
        ("subscribers.csv", "bill_day", "32", "'32' is not a day of the month"),
        ("subscribers.csv", "bill_day", "\u0661", "is not a day of the month"),
        ("subscribers.csv", "started_on", "2025-02-30", "a day that does not exist"),
        ("subscribers.csv", "started_on", "20250201", "is not a date like 2026-03-31"),
        ("subscribers.csv", "billed_until", "2001-01-01", "lies before started_on"),
        ("subscribers.csv", "email", "nobody", "is not an e-mail address"),
        ("subscribers.csv", "phone", "call me", "is not a telephone number"),
        ("subscribers.csv", "locale", "English", "is not a language like en"),
        ("subscribers.csv", "contract", "20,1".replace(",", "'"), "is not a contract number"),
        ("subscribers.csv", "payment_provider", "nobody", "no payment provider 'nobody'"),
        ("subscribers.csv", "payment_customer", "", "belongs to the other payment cells"),
        ("subscribers.csv", "name", "a\x07b", "holds the character U+0007"),
        ("subscribers.csv", "segment", "navy", "there is no segment 'navy' in operator.toml"),
        ("boxes.csv", "mac", "00:1A:79:20:00", "is not a MAC address"),
        ("boxes.csv", "serial", "a b", "is not a serial"),
        ("boxes.csv", "contract", "999999", "no subscriber with the contract '999999'"),
        ("boxes.csv", "contract", "", "belong together"),
        ("boxes.csv", "handed_over_on", "", "belong together"),
        ("prices.csv", "amount", "12,00".replace(",", "'"), "is not an amount"),
        ("prices.csv", "amount", "-1.00", "is not an amount"),
        ("prices.csv", "amount", "12.005", "finer than the minor unit of EUR"),
        ("prices.csv", "deposit", "30,00".replace(",", "'"), "is not an amount"),
        ("prices.csv", "deposit", "30.005", "finer than the minor unit of EUR"),
        ("prices.csv", "lost_fee", "60.005", "finer than the minor unit of EUR"),
        ("prices.csv", "deposit", "30.00", "'HARBOUR' is no rental"),
        ("prices.csv", "lost_fee", "60.00", "'HARBOUR' is no rental"),
        ("prices.csv", "currency", "USD", "the operator's currency is EUR"),
        ("prices.csv", "currency", "euro", "is not a currency like EUR"),
        ("prices.csv", "offering", "NOSUCH", "there is no offering 'NOSUCH'"),
        ("taxes.csv", "rate", "20", "is not a rate like 20%"),
        ("offerings.csv", "kind", "bundle", "is none of plan, addon, rental"),
        ("offerings.csv", "tax", "reduced", "there is no tax 'reduced'"),
        ("offerings.csv", "grants", "nosuch", "no route leads the code 'nosuch' to a target"),
        ("offerings.csv", "grants", "", "grants at least one package code"),
        ("routes.csv", "target", "elsewhere", "there is no target 'elsewhere'"),
        ("routes.csv", "role", "channel", "is none of tariff, package"),
    ],
)
def test_a_wrong_cell_is_named_by_file_row_and_field(operator, file, column, cell, why):
    """Whatever is wrong in one cell, file, row, field and reason are said."""
    widen(operator / "prices.csv", "lost_fee")
    widen(operator / "subscribers.csv", "segment")
    change(operator / file, 2, column, cell)
    _, places, text = looked_at(operator)
    named = {name for place, row, name in places if (place, row) == (file, 2)}
    other = {"payment_customer": "payment_customer", "contract": "handed_over_on"}
    assert named & {column, other.get(column, ""), "contract" if "together" in why else column}
    assert why in text


def test_all_files_are_checked_before_anything_is_said(operator):
    """Problems of different files come out together: the file that others lean on comes first."""
    change(operator / "taxes.csv", 2, "rate", "much")
    change(operator / "subscribers.csv", 3, "bill_day", "0")
    change(operator / "boxes.csv", 4, "mac", "x")
    _, places, _ = looked_at(operator)
    files = [file for file, _, _ in places]
    assert files == ["taxes.csv", "subscribers.csv", "boxes.csv"]


def test_what_leans_on_a_bad_row_is_counted_behind_it(operator):
    """A plan without its tax takes its price, subscribers and boxes with it, in a line each."""
    change(operator / "offerings.csv", 2, "tax", "nosuch")
    problems = Problems()
    read = read_folder(find_files([operator]), ENVIRONMENT, problems)
    check(read, Known(), problems)
    assert [(p.file, p.row, p.field) for p in problems] == [("offerings.csv", 2, "tax")]
    assert len(problems) == 1
    lines = [str(line) for line in problems.following]
    assert lines[0] == "prices.csv: and 1 more that follows from these: row 2"
    assert [line.partition(":")[0] for line in lines] == [
        "prices.csv",
        "subscribers.csv",
        "boxes.csv",
    ]
    assert all(row.plan != "HARBOUR" for row in read.subscribers)
    assert read.subscribers
    assert {row.contract for row in read.boxes if row.contract} <= {
        row.contract for row in read.subscribers
    }


def test_a_row_that_cannot_be_read_takes_along_what_names_it(operator):
    """A subscriber with a wrong cell, or a cell too few, is the cause; its box only follows."""
    change(operator / "subscribers.csv", 2, "bill_day", "0")
    path = operator / "subscribers.csv"
    lines = path.read_text("utf-8").splitlines()
    lines[2] = lines[2].rpartition(",")[0]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    problems = Problems()
    read = read_folder(find_files([operator]), ENVIRONMENT, problems)
    check(read, Known(), problems)
    assert [(p.file, p.row) for p in problems] == [("subscribers.csv", 2), ("subscribers.csv", 3)]
    assert [str(line) for line in problems.following] == [
        "boxes.csv: and 2 more that follow from these: rows 2-3"
    ]


@pytest.mark.parametrize(
    "file",
    [
        "operator.toml",
        "taxes.csv",
        "offerings.csv",
        "prices.csv",
        "routes.csv",
        "subscribers.csv",
        "boxes.csv",
    ],
)
def test_a_file_that_cannot_be_read_is_the_only_problem(operator, file):
    """Nothing is said to be missing that may stand in a file nobody could read."""
    (operator / file).write_text("[nonsense\n")
    _, places, text = looked_at(operator)
    assert {place for place, _, _ in places} == {file}
    assert "missing: the first import" not in text


def test_a_missing_operator_file_is_one_problem(operator):
    """Without operator.toml there are no targets to miss."""
    (operator / "operator.toml").unlink()
    _, places, text = looked_at(operator)
    assert places == [("operator.toml", 0, "")]
    assert "the first import names the operator" in text


def test_many_wrong_rows_never_crowd_out_the_cause(operator):
    """However many boxes are wrong, what is wrong with a target's route stands before them."""
    path = operator / "boxes.csv"
    path.write_text(path.read_text() + "".join(f"X{n},nonsense,HT-2,,\n" for n in range(3000)))
    change(operator / "routes.csv", 2, "target", "elsewhere")
    problems = Problems()
    check(read_folder(find_files([operator]), ENVIRONMENT, problems), Known(), problems)
    assert next(iter(problems)).file == "routes.csv"
    assert len(problems) == 3001


def test_a_box_that_no_rental_is_for_is_refused(operator):
    """A model with a slip of the pen would be lent for nothing, so it is named in its row."""
    (operator / "models.csv").unlink()
    change(operator / "boxes.csv", 3, "model", "HTX")
    _, places, text = looked_at(operator)
    assert places == [("boxes.csv", 3, "model")]
    assert "no rental in offerings.csv is for the model 'HTX'; known are HT-2, Pier-1" in text


def test_who_rents_no_boxes_may_have_any_model(operator):
    """An operator without any rental is not asked for one."""
    for name in ("offerings.csv", "prices.csv"):
        path = operator / name
        lines = path.read_text().splitlines()
        rentals = ("BOX,", "PIER,")
        path.write_text("\n".join(x for x in lines if not x.startswith(rentals)) + "\n")
    (operator / "models.csv").unlink()
    change(operator / "boxes.csv", 3, "model", "HTX")
    assert looked_at(operator)[1] == []


def test_a_box_whose_rental_is_wrong_only_follows(operator):
    """The rental is the cause, whatever is wrong with it."""
    for column, cell in (("tax", "nosuch"), ("name", "x" * 121)):
        change(operator / "offerings.csv", 6, column, cell)
        _, places, _ = looked_at(operator)
        assert {(file, row) for file, row, _ in places} == {("offerings.csv", 6)}


def test_a_row_twice_is_named_with_its_first_place(operator):
    """The second row of the same contract is the problem and says where the first one stands."""
    path = operator / "subscribers.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n", "utf-8")
    _, places, text = looked_at(operator)
    assert ("subscribers.csv", len(lines) + 1, "contract") in places
    assert "200001 stands in row 2 already" in text


def test_one_address_belongs_to_one_box(operator):
    """Two boxes with one MAC are refused at the second."""
    change(operator / "boxes.csv", 3, "mac", "001A.7920.0001")
    _, places, text = looked_at(operator)
    assert places == [("boxes.csv", 3, "mac")]
    assert "is the address of box HT2-00001 already" in text


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty: the first line names the columns"),
        (b"tax,effective_from\nx,2020-01-01\n", "rate: the column is missing"),
        (b"tax,effective_from,rate,colour\n", "colour: unknown column"),
        (b"tax,tax,effective_from,rate\n", "tax: named twice"),
        (b"tax;effective_from;rate\n", "separated by commas, not by semicolons"),
        (b"tax,effective_from,rate\n\xff\xfe,2020-01-01,20%\n", "not UTF-8 in line 2"),
        (b"tax,effective_from,rate\nst\0d,2020-01-01,20%\n", "a NUL byte in line 2"),
        (b'tax,effective_from,rate\n"std,2020-01-01,20%\n', "not readable as CSV"),
        (
            b'tax,effective_from,rate\na,2020-01-01,20%\n\n"b,2020-01-01,20%\nc,x,y\nd,x,y\n',
            "a quote opened in row 4 is never closed",
        ),
        (
            b'tax,effective_from,rate\n"a,2020-01-01,20%\nb,"x",20%\n',
            "not readable as CSV: row 2:",
        ),
    ],
)
def test_a_file_that_is_no_such_sheet_is_refused_as_a_whole(raw, why):
    """Encoding, header and quoting are problems of the file, and no row of it is taken."""
    problems = Problems()
    assert read_sheet(sheets.TAXES, raw, problems) == []
    (told,) = problems
    assert why in str(told)
    assert problems.of_files


def test_a_row_of_the_wrong_length_is_named():
    """A row with a cell too many is a problem of that row, the others are read."""
    problems = Problems()
    raw = b"tax,effective_from,rate\na,2020-01-01,20%,x\nb,2020-01-01,20%\n"
    rows = read_sheet(sheets.TAXES, raw, problems)
    assert [row.tax for row in rows] == ["b"]
    assert [(p.row, p.why) for p in problems] == [(2, "4 cells where the header names 3 columns")]


def test_a_byte_order_mark_blank_lines_and_quotes_are_fine():
    """What spreadsheets write is read: a mark, empty lines, quotes over several lines."""
    problems = Problems()
    raw = '\ufeffcode,kind,name,grants,tax\r\n\r\nA,plan,"Two\nlines",x,t\r\nB,plan,b,x,t\r\n'
    rows = read_sheet(sheets.OFFERINGS, raw.encode(), problems)
    assert [row.code for row in rows] == ["B"]
    assert [(p.row, p.field) for p in problems] == [(3, "name")]


def test_a_missing_variable_is_named_and_no_secret_is_shown(operator):
    """What the environment does not hold is named by its place; values of others stay unsaid."""
    known = {**ENVIRONMENT, "PORTAL_PASSWORD": "", "PROVIDER_KEY": "sk_secret_canary"}
    _, places, text = looked_at(operator, known)
    assert ("operator.toml", 0, "targets.portal-north.password") in places
    assert "the environment variable PORTAL_PASSWORD is not set" in text
    assert "canary" not in text


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('currency = "EUR"', 'currency = "euro"', "operator.currency"),
        ('zone = "Europe/Vienna"', 'zone = "Nowhere/Town"', "operator.zone"),
        ('name = "Harbour TV"', "name = 7", "operator.name"),
        ("after_days = 1\n", "after_days = -1\n", "dunning.steps.0.after_days"),
        ('action = "suspend"', 'action = "explode"', "dunning.steps.4.action"),
        ('notice = "payment_reminder"', 'notice = "nosuch"', "dunning.steps.1.notice"),
        ("[guard]", '[dunning.segments.a]\nleast = "x"\n[guard]', "dunning.segments.a.least"),
        ("[guard]", '[dunning.segments."a b"]\n[guard]', "dunning.segments.a b"),
        ("[guard]", "[dunning.late_fees]\n[guard]", "dunning.late_fees.from_on"),
        ("[guard]", '[dunning.wallet]\nlow = "x"\n[guard]', "dunning.wallet.low"),
        (
            "[guard]",
            '[dunning.reactivation]\nneeds = "share"\n[guard]',
            "dunning.reactivation.share",
        ),
        ("[guard]", '[dunning.dispute_fee]\ncharge = "x"\n[guard]', "dunning.dispute_fee.charge"),
        (
            "[guard]",
            '[dunning.dispute_fee]\ncharge = "fixed"\n[guard]',
            "dunning.dispute_fee.amount",
        ),
        *(
            (
                "[guard]",
                f"[dunning.late_fees]\nfrom_on = 2026-01-01\n{key} = {value}\n[guard]",
                f"dunning.late_fees.{key}",
            )
            for key, value in (
                ("rate", '"much"'),
                ("cap", '"x"'),
                ("per", '"day"'),
                ("by", '"hours"'),
                ("grace_days", "-1"),
            )
        ),
        ("[guard]", '[dunning.cut_off]\ndays = ["Monday"]\n[guard]', "dunning.cut_off.days"),
        ("[guard]", "[dunning.cut_off]\nfrom_hour = 24\n[guard]", "dunning.cut_off.from_hour"),
        ('action = "suspend"', 'action = "limit"\nlevel = "x"', "dunning.steps.level"),
        ('action = "suspend"', 'action = "write_off"', "dunning.steps"),
        ("[guard]", "[dunning.levels.sd]\n[guard]", "dunning.levels.sd"),
        ("[guard]", "[dunning.brake]\nshare_percent = 0\n[guard]", "dunning.brake.share_percent"),
        ("[guard]", "[dunning.retries]\npaydays = [32]\n[guard]", "dunning.retries.paydays"),
        ("[guard]", "[dunning.retries]\npaydays = 1\n[guard]", "dunning.retries.paydays"),
        ("share_percent = 25", "share_percent = 0", "guard.share_percent"),
        ("share_percent = 25", "share = 25", "guard.share"),
        ('kind = "ministra"', "", "targets.portal-north.kind"),
        ("[guard]", '[rental]\nstarts = "some day"\n[guard]', "rental.starts"),
        ("[guard]", "[rental]\nends = 1\n[guard]", "rental.ends"),
        ("[guard]", '[jobs]\ninstall = "never"\n[guard]', "jobs.install"),
        ("[guard]", "[promises]\ndays_max = 400\n[guard]", "promises.days_max"),
        ("[guard]", '[promises]\nowed_min = "1.234"\n[guard]', "promises.owed_min"),
        (
            "[guard]",
            '[promises]\nowed_min = "5.00"\nowed_max = "4.99"\n[guard]',
            "promises.owed_max",
        ),
        ("[guard]", "[guard", ""),
    ],
)
def test_a_wrong_operator_file_names_the_key(operator, old, new, field):
    """operator.toml is checked like a form, and the key is named."""
    path = operator / "operator.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    _, places, _ = looked_at(operator)
    assert ("operator.toml", 0, field) in places


def test_paths_that_are_nothing_are_wrong_usage(tmp_path):
    """A missing path, an unknown file and an empty folder are refused by name."""
    stray = tmp_path / "prices2.csv"
    stray.write_text("x")
    for path in (tmp_path / "nosuch", stray, tmp_path):
        with pytest.raises(Invalid, match=re.escape(str(path))):
            find_files([path])
    stray.unlink()
    with pytest.raises(Invalid, match=rf"{re.escape(str(tmp_path))}: nothing to import"):
        find_files([tmp_path])


@given(raw=st.binary(max_size=300))
def test_no_bytes_whatever_break_the_reader(raw):
    """Any content ends in rows or problems, never in an exception."""
    for sheet in sheets.SHEETS:
        read_sheet(sheet, raw, Problems())


def test_the_reference_names_every_column():
    """docs/reference/import.md lists each file with exactly its columns."""
    text = REFERENCE.read_text("utf-8")
    for sheet in sheets.SHEETS:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{sheet.file}`")]
        named = row.split("|")[2]
        assert [part for part in named.split("`") if part.isidentifier()] == list(sheet.names)


def test_the_terms_of_an_offering_are_columns():
    """Each term may be named in a cell; what is wrong with one is said by its column and row."""
    head = "code,kind,name,grants,tax,interval,timing,unused,trial_days\n"
    problems = Problems()
    raw = head + "A,plan,A,base,standard,P3M,arrears,billed,7\nB,plan,B,base,standard,,,,\n"
    first, second = read_sheet(sheets.OFFERINGS, raw.encode(), problems)
    assert first.terms.unusual() == {
        "interval": "P3M",
        "timing": "arrears",
        "unused": "billed",
        "trial_days": "7",
    }
    assert second.terms == USUAL
    assert not problems.found
    wrong = head + "C,plan,C,base,standard,1M,later,kept,-1\n"
    assert read_sheet(sheets.OFFERINGS, wrong.encode(), problems) == []
    told = "\n".join(str(one) for one in problems.found["offerings.csv"])
    for column in ("interval", "timing", "unused", "trial_days"):
        assert column in told
    assert "must be advance or arrears" in told
