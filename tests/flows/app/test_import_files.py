"""An operator folder with something wrong in it: what is said, where, and what is taken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports import sheets
from app.imports.check import Known, check
from app.imports.folder import Folder, find_files, read_folder
from app.imports.problems import Problems
from app.imports.sheet import read_sheet
from terms.errors import Invalid

HARBOUR = Path(__file__).parents[3] / "demo" / "operators" / "harbour"
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "import.md"
ENVIRONMENT = {
    "PORTAL_URL": "http://127.0.0.1:9",
    "PORTAL_LOGIN": "api",
    "PORTAL_PASSWORD": "p",
    "PROVIDER_URL": "http://127.0.0.1:9",
    "PROVIDER_KEY": "k",
    "PROVIDER_WEBHOOK_SECRET": "w",
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


def test_a_good_folder_has_no_problem(operator):
    """The demonstration's own folder is read whole and without complaint."""
    read, places, _ = looked_at(operator)
    assert places == []
    assert len(read.subscribers) == 25
    assert read.operator is not None
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
        ("boxes.csv", "mac", "00:1A:79:20:00", "is not a MAC address"),
        ("boxes.csv", "serial", "a b", "is not a serial number"),
        ("boxes.csv", "contract", "999999", "no subscriber with the contract '999999'"),
        ("boxes.csv", "contract", "", "belong together"),
        ("boxes.csv", "handed_over_on", "", "belong together"),
        ("prices.csv", "amount", "12,00".replace(",", "'"), "is not an amount"),
        ("prices.csv", "amount", "-1.00", "is not an amount"),
        ("prices.csv", "amount", "12.005", "finer than the minor unit of EUR"),
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
    change(operator / file, 2, column, cell)
    _, places, text = looked_at(operator)
    named = {name for place, row, name in places if (place, row) == (file, 2)}
    other = {"payment_customer": "payment_customer", "contract": "handed_over_on"}
    assert named & {column, other.get(column, ""), "contract" if "together" in why else column}
    assert why in text


def test_all_files_are_checked_before_anything_is_said(operator):
    """Problems of different files come out together, in the order of files and rows."""
    change(operator / "taxes.csv", 2, "rate", "much")
    change(operator / "subscribers.csv", 3, "bill_day", "0")
    change(operator / "boxes.csv", 4, "mac", "x")
    _, places, _ = looked_at(operator)
    files = [file for file, _, _ in places]
    assert {"taxes.csv", "subscribers.csv", "boxes.csv"} <= set(files)
    assert places == sorted(places)


def test_what_leans_on_a_bad_row_is_named_too(operator):
    """A plan without its tax takes its price and its subscribers with it, each with a reason."""
    change(operator / "offerings.csv", 2, "tax", "nosuch")
    read, places, text = looked_at(operator)
    assert ("offerings.csv", 2, "tax") in places
    assert ("prices.csv", 2, "offering") in places
    assert any(file == "subscribers.csv" and name == "plan" for file, _, name in places)
    assert any(file == "boxes.csv" and name == "contract" for file, _, name in places)
    assert all(row.plan != "HARBOUR" for row in read.subscribers)
    assert "no subscriber with the contract" in text


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
    ],
)
def test_a_file_that_is_no_such_sheet_is_refused_as_a_whole(raw, why):
    """Encoding, header and quoting are problems of the file, and no row of it is taken."""
    problems = Problems()
    assert read_sheet(sheets.TAXES, raw, problems) == []
    assert why in str(next(iter(problems)))
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
        ("share_percent = 25", "share_percent = 0", "guard.share_percent"),
        ("share_percent = 25", "share = 25", "guard.share"),
        ('kind = "ministra"', "", "targets.portal-north.kind"),
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
        with pytest.raises(Invalid):
            find_files([path])


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
