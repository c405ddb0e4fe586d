"""Usage in files and batches: what is good is taken once, what is not is named with its line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.desk import metering
from app.imports.usage_file import rows
from terms.errors import Invalid
from tests.flows.app.visitor import hurry, let_in

HEAD = "id,contract,meter,quantity,at"
NOON = datetime(2039, 11, 30, 12, tzinfo=UTC)  # a day before the operator begins
AT = NOON.isoformat()


def written(folder: Path, name: str, *lines: str) -> Path:
    """Write a file."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def told(key: str, **changes: object) -> str:
    """Write a record of a contract that nobody has as a JSON object."""
    row = {"id": key, "contract": "nobody", "meter": "hours", "quantity": 1.25, "at": AT}
    return json.dumps({**row, **changes})


async def taken(house, path: Path) -> metering.Outcome:
    """Take a file."""
    return await metering.take_all(house, "rec", rows(path), "test")


async def test_a_csv_file_is_taken_line_by_line(harbour, tmp_path):
    """Bad lines are named with their field, the others are taken; given again nothing is new."""
    path = written(
        tmp_path,
        "usage.csv",
        HEAD,
        f"1,nobody,hours,1.5,{AT}",
        f"2,nobody,hours,-1,{AT}",
        "3,nobody,hours",
        f'4,"nobody",hours,NaN,{AT}',
        "",
        f"5,nobody,hours,2,{(NOON - timedelta(days=365)).isoformat()}",
        f"6,nobody,hours,2,{AT}",
    )
    outcome = await taken(harbour, path)
    assert outcome.taken.waiting == 2
    assert [(one.line, one.field) for one in outcome.refused] == [
        *((3, "quantity"), (4, ""), (5, "quantity"), (7, "at")),
    ]
    again = await taken(harbour, path)
    assert (again.taken.waiting, again.taken.known, again.refused_count) == (0, 2, 4)


async def test_lines_of_json_are_exact(harbour, tmp_path):
    """Numbers are read as they are written; what is no object or no number is named."""
    path = written(
        tmp_path,
        "usage.jsonl",
        told("1"),
        told("2", quantity=0.1),
        told("3").replace("1.25", "NaN"),
        told("4").replace("1.25", "1e400"),
        "[1]",
        "{",
        "[" * 5_000,
        told("8", id="x\u0000y"),
        told("9", colour="red"),
        told("10", quantity=True),
    )
    outcome = await taken(harbour, path)
    assert outcome.taken.waiting == 2
    assert [one.line for one in outcome.refused] == list(range(3, 11))
    fields = [one.field for one in outcome.refused]
    assert fields == ["", "quantity", "", "", "", "id", "colour", "quantity"]


async def test_a_file_of_another_kind_is_refused_whole(tmp_path):
    """Another header, another encoding or no file at all is said in one sentence."""
    odd = tmp_path / "odd.csv"
    odd.write_bytes(f"{HEAD}\n1,J\xf6rg".encode("latin-1"))
    for path, why in (
        (written(tmp_path, "a.csv", "id,contract"), "the first line"),
        (odd, "UTF-8"),
        (tmp_path / "nosuch.csv", "No such file"),
    ):
        with pytest.raises(Invalid, match=why):
            list(rows(path))


async def test_a_batch_over_the_api_says_what_became_of_it(harbour, served):
    """Good records of a batch are taken and wait; a bad one is named by its place and field."""
    good = {"id": "1", "contract": "nobody", "meter": "hours", "quantity": "1.5", "at": AT}
    batch = {"source": "rec", "records": [good, {**good, "id": "2", "quantity": "-1"}]}
    status, answer = await served.api("POST", "usage", batch)
    assert status == 200
    assert (answer["waiting"], answer["counted"], answer["known"]) == (1, 0, 0)
    assert [(one["n"], one["field"]) for one in answer["refused"]] == [(2, "quantity")]
    status, again = await served.api("POST", "usage", batch)
    assert (status, again["waiting"], again["known"]) == (200, 0, 1)
    more = {"source": "rec", "records": [good | {"quantity": "2"}]}
    status, again = await served.api("POST", "usage", more)
    assert (status, again["known"], again["contradicting"]) == (200, 0, 1)
    (one,) = again["contradictions"]
    assert (one["id"], one["held"]["quantity"], one["told"]["quantity"]) == ("1", "1.5", "2")
    _, waiting = await served.api("GET", "usage/waiting")
    assert [(one["id"], one["contract"], one["reason"]) for one in waiting["items"]] == [
        ("1", "nobody", "no_service")
    ]
    for bad in ({"source": "rec", "records": []}, {"records": [good]}, {"source": "rec"}):
        status, _ = await served.api("POST", "usage", bad)
        assert status == 400
    status, page = await served.api("GET", "accounts/200001/usage")
    assert (status, page["items"]) == (200, [])
    status, _ = await served.api("GET", "accounts/nobody/usage")
    assert status == 404
    status, _ = await served.api("POST", "usage/dismiss", {"source": "rec", "id": "nosuch"})
    assert status == 404


async def test_who_looks_after_what_waits_sees_it(harbour, served):
    """A record that nobody has stands on the page of what waits for a person, with the reason."""
    hurry(harbour)
    batch = [(1, json.loads(told("1<b>", quantity="3")))]
    async with harbour.store.begin() as tx:
        outcome = metering.Outcome()
        await metering.take(harbour, tx, "rec", batch, actor="test", outcome=outcome)
    seen = await (await let_in(served)).get("/console/waiting")
    assert "3 hours, told by rec as 1&lt;b&gt;" in seen.text
    assert "there is no such contract" in seen.text
