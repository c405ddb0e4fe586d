"""Purchase lists as others write them: taken whole, or refused by file and line."""

from __future__ import annotations

import resource
import time

import pytest
from sqlalchemy import select, update

from app.imports.load import import_boxes
from gateway.inventory import store
from gateway.inventory.flows import NewBox, register
from gateway.inventory.imprints import secret_imprint
from gateway.inventory.logins import box_login
from runtime.secrets import Sealer

HEAD = "serial,mac,model,contract,handed_over_on,place,password"
NAME = "delivery 7.csv"
KNOWN = "; known are HT-2, Pier-1, Pier-2, RB-1"
ROWS = 50_000
WITHIN_S = 60.0  # seconds on a quiet machine
MIB = 1024  # of what getrusage counts


def row(n: int, *, model: str = "HT-2", place: str = "", password: str = "") -> str:
    """Write one row of a list."""
    return f"HT2-7{n:05},,{model},,,{place},{password or f'secret-{n}'}"


def listed(*rows: str) -> str:
    """Write a list."""
    return "\n".join((HEAD, *rows, ""))


async def taken(house, path, content: bytes | str):
    """Import a list."""
    path = path / NAME
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return await import_boxes(house, path)


async def serials(house) -> list[str]:
    """Tell which boxes of these lists are known."""
    async with house.store.read() as tx:
        found = await store.after(tx, "HT2-7", boxes_max=10)
    return [box.serial for box in found if box.serial.startswith("HT2-7")]


@pytest.mark.parametrize(
    "content",
    [
        listed(row(1), row(2)).encode("utf-8-sig"),
        listed(row(1), row(2)).replace("\n", "\r\n").encode(),
        listed(row(1), "", row(2), "", "").encode(),
        listed(row(1), row(2)).rstrip("\n").encode(),
    ],
    ids=["BOM", "CRLF", "empty lines", "no end of line"],
)
async def test_other_programs_write_lists_too(harbour, tmp_path, content):
    """What a spreadsheet puts around the rows changes nothing."""
    outcome = await taken(harbour, tmp_path, content)
    assert (list(outcome.problems), outcome.new) == ([], {"boxes.csv": 2})
    assert await serials(harbour) == ["HT2-700001", "HT2-700002"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", f"{NAME}: empty: the first line names the columns"),
        (b"\n\n", f"{NAME}: empty: the first line names the columns"),
        (HEAD, f"{NAME}: names no box: nothing stands below the names of the columns"),
        (
            listed(row(1)).replace(",", ";"),
            f"{NAME}: columns are separated by commas, not by semicolons as in line 1",
        ),
        (
            listed(row(1)).replace(",", "\t"),
            f"{NAME}: columns are separated by commas, not by tabs as in line 1",
        ),
        (
            listed(row(1), row(2, place="Küche")).encode("latin-1"),
            f"{NAME}: not UTF-8 in line 3: save the file as UTF-8",
        ),
        (listed(row(1)).encode("utf-16"), f"{NAME}: not UTF-8 in line 1: save the file as UTF-8"),
        (
            listed(row(1), row(2), row(1, password="another")),
            f"{NAME}, row 4: serial: HT2-700001 stands in row 2 already",
        ),
        (
            listed(row(1), row(2, model="HT-9")),
            f"{NAME}, row 3: model: there is no model 'HT-9' in models.csv{KNOWN}",
        ),
        (
            listed(row(1), row(2) + ",more"),
            f"{NAME}, row 3: 8 cells where the header names 7 columns",
        ),
        (
            listed(row(1), 'HT2-700002,,"HT-2,,,,'),
            f"{NAME}: not readable as CSV: a quote opened in row 3 is never closed",
        ),
    ],
    ids=[
        *("empty", "blank", "no row", "semicolons", "tabs", "Latin-1", "UTF-16"),
        *("twice", "unknown model", "too long a row", "open quote"),
    ],
)
async def test_what_is_wrong_is_told_by_file_and_line(harbour, tmp_path, content, told):
    """One wrong place, and nothing of the list is taken."""
    outcome = await taken(harbour, tmp_path, content)
    assert not outcome.taken
    assert told in [str(problem) for problem in outcome.problems]
    assert await serials(harbour) == []


async def test_a_box_known_otherwise_is_told(harbour, tmp_path):
    """A box that somebody has registered by hand is not taken from a list again."""
    async with harbour.store.begin() as tx:
        await register(tx, harbour.work, [NewBox(serial="HT2-700002", model="HT-2")], actor="ann")
    outcome = await taken(harbour, tmp_path, listed(row(1), row(2)))
    assert [str(one) for one in outcome.problems] == [
        f"{NAME}, row 3: serial: HT2-700002 is known already"
    ]
    assert await serials(harbour) == ["HT2-700002"]


async def test_fifty_thousand_rows_are_looked_at_in_seconds(harbour, tmp_path):
    """The last of very many rows is as wrong as the first, and nothing of them stays."""
    rows = [row(n) for n in range(ROWS)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    outcome = await taken(harbour, tmp_path, listed(*rows, row(0, password="another")))
    assert time.monotonic() - began < WITHIN_S
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400 * MIB
    assert [one.row for one in outcome.problems] == [ROWS + 2]
    assert await serials(harbour) == []


async def test_a_secret_of_a_box_in_stock_is_flagged(harbour, tmp_path, capfd):
    """Two lists that share a secret are as bad as one; the same list again shares with nobody."""
    canary = "cAnArY-7731"
    first = listed(row(1, password=canary), row(2))
    assert (await taken(harbour, tmp_path, first)).warnings == []
    assert (await taken(harbour, tmp_path, first)).warnings == []
    second = listed(row(3, password=canary), row(4), row(5, password=canary), row(6), row(7))
    outcome = await taken(harbour, tmp_path, second)
    assert outcome.taken
    (warning,) = outcome.warnings
    assert str(warning) == (
        f"{NAME}, row 2: password: the boxes of rows 2, 4 have the same as box HT2-700001, "
        "known already: give each a secret of its own"
    )
    outcome = await taken(harbour, tmp_path, listed(row(8, password="secret-2")))
    (warning,) = outcome.warnings
    assert str(warning) == (
        f"{NAME}, row 2: password: it is the same as box HT2-700002, known already: "
        "give each a secret of its own"
    )
    async with harbour.store.read() as tx:
        imprints = [str(tuple(one)) for one in await tx.rows(select(secret_imprint))]
    assert canary not in "".join([*imprints, *capfd.readouterr(), repr(outcome)])


async def test_boxes_known_before_there_were_imprints_are_compared(harbour, tmp_path):
    """What was sealed earlier, or under a key that is not the first any more, is compared when the
    next list comes.
    """
    assert (await taken(harbour, tmp_path, listed(row(1), row(2)))).taken
    async with harbour.store.begin() as tx:
        await tx.driver("DELETE FROM secret_imprint")
        await tx.execute(update(box_login).values(imprinted_by=None))
    again = listed(row(3, password="secret-1"))
    assert len((await taken(harbour, tmp_path, again)).warnings) == 1
    async with harbour.store.read() as tx:
        rows = await tx.rows(select(box_login.c.imprinted_by))
    assert {row.imprinted_by for row in rows} == {harbour.sealer.key_id}


def test_an_imprint_tells_equal_from_other_and_nothing_else():
    """Equal secrets have equal ones under one key; another name, secret or key has another."""
    one, other = Sealer([b"a" * 32]), Sealer([b"b" * 32])
    imprints = {
        one.imprint("secret", place="x"),
        one.imprint("secret", place="y"),
        one.imprint("Secret", place="x"),
        other.imprint("secret", place="x"),
    }
    assert len(imprints) == 4
    after = Sealer([b"a" * 32, b"b" * 32])
    assert one.imprint("secret", place="x") == after.imprint("secret", place="x")
