"""Published vectors: all of them come out as published, each under the policy of its source."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.reading import Fields, Vector
from tests.vectors.run import ANTI, BAD, GOOD, OURS, UNREADABLE, Outcome, judged, main, read

FILE = Path(__file__).parents[2] / "facts" / "billing-vectors.json"
EVERY = read(FILE)
BY_ID = {vector.id: vector for vector in EVERY}
# What these fields tell is when a day has not begun yet and when it has: an hour more or less
# may be as true.
MOMENTS = {"not_yet", "due"}


@pytest.mark.parametrize("key", BY_ID)
def test_a_published_vector_comes_out_as_published(key: str):
    """What the product works out is what the source of the vector states."""
    assert str(judged(BY_ID[key])) == f"pass {key} {BY_ID[key].area}"


def test_the_file_is_whole():
    """As many vectors are run as the file says that it has."""
    assert len(EVERY) == json.loads(FILE.read_text("utf-8"))["count"] == 137


def changes(value: Any):
    """Yield a value with one of its numbers changed, for every one of them."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from ({**value, name: other} for other in changes(each) if name not in MOMENTS)
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from ([*value[:n], other, *value[n + 1 :]] for other in changes(each))
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        digits = [match.start() for match in re.finditer("[0-9]", value)]
        if digits:
            at = digits[-1]
            yield f"{value[:at]}{(int(value[at]) + 1) % 10}{value[at + 1 :]}"
        else:
            yield f"{value} not"


@pytest.mark.parametrize("key", BY_ID)
def test_a_wrong_vector_does_not_pass(key: str):
    """Whichever expected number is changed, the vector fails: each of them is compared."""
    vector = BY_ID[key]
    told = dict(vector.expected.values)
    if vector.kind == ANTI:  # what others do may be anything but what ours is
        told = {OURS: told[OURS]}
    for other in changes(told):
        changed = replace(vector, expected=Fields("expected", other))
        assert judged(changed).outcome is not Outcome.PASS, other


def test_an_instant_on_the_wrong_side_of_midnight_fails():
    """Where the day has begun it is due, and where it has not it is not yet."""
    for key in ("LG-T01", "LG-T02", "LG-T03"):
        told = dict(BY_ID[key].expected.values)
        for one, other in (("not_yet", "due"), ("due", "not_yet")):
            expected = Fields("expected", {**told, one: told[other]})
            assert judged(replace(BY_ID[key], expected=expected)).outcome is Outcome.FAIL


ODD: list[Any] = [None, True, -1, 10**30, 1.5, "", "x", "1/0", "NaN", "9999-12-31", "\ud800"]
ODD += [[], {}, [[]], [None]]


@pytest.mark.parametrize("key", BY_ID)
def test_no_input_brings_the_runner_down(key: str):
    """Whatever is given in place of a value, one line is said of the vector."""
    one = BY_ID[key]
    for name in one.given.values:
        for odd in ODD:
            given = Fields("inputs", {**one.given.values, name: odd})
            assert len(str(judged(replace(one, given=given))).splitlines()) == 1
    for name in one.expected.values:
        expected = Fields("expected", {**one.expected.values, name: []})
        if one.kind != ANTI:
            assert judged(replace(one, expected=expected)).outcome is not Outcome.PASS


def vector(kind: str = "anchor", **more: Any) -> dict[str, Any]:
    """Write a vector of a rounded split."""
    plain = {
        "id": "XX-1",
        "area": "conservation.split",
        "kind": kind,
        "inputs": {"amount_cents": 100, "weights": [1, 1, 1]},
        "expected": {"parts": [34, 33, 33]},
    }
    return {**plain, **more}


def run(folder: Path, *found: Any) -> int:
    """Run a file of vectors."""
    path = folder / "vectors.json"
    path.write_text(json.dumps({"format": "billing-vectors/1", "vectors": found}), "utf-8")
    return main([path])


def test_a_good_file_is_told_line_by_line(tmp_path: Path, capsys):
    """Each vector has a line, and the totals stand behind them."""
    assert run(tmp_path, vector(), vector(id="XX-2", area="unheard.of\ud800")) == GOOD
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "pass XX-1 conservation.split",
        "unsupported XX-2 unheard.of? no area unheard.of?",
        "1 pass, 0 fail, 1 unsupported, 0 malformed",
    ]


def test_a_wrong_result_fails_the_run(tmp_path: Path, capsys):
    """What differs is told beside what was expected."""
    assert run(tmp_path, vector(expected={"parts": [33, 33, 34]})) == BAD
    assert "fail XX-1 conservation.split parts: [34, 33, 33] and not [33, 33, 34]" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "more",
    [
        {"inputs": {"amount_cents": 100}},
        {"inputs": {"amount_cents": 100, "weights": [1], "more": 1}},
        {"inputs": {}},
        {"expected": {"parts": [34, 33, 33], "mood": "good"}},
    ],
)
def test_an_unknown_shape_is_unsupported(tmp_path: Path, capsys, more: dict[str, Any]):
    """Other inputs than are known, or another question, are told and fail nothing."""
    assert run(tmp_path, vector(**more)) == GOOD
    assert capsys.readouterr().out.startswith("unsupported XX-1 ")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"inputs": {"amount_cents": "abc", "weights": [1]}}, "inputs.amount_cents"),
        ({"inputs": {"amount_cents": 100, "weights": "1"}}, "inputs.weights"),
        ({"inputs": {"amount_cents": True, "weights": [1]}}, "inputs.amount_cents"),
        ({"inputs": {"amount_cents": 100, "weights": [0]}}, "inputs"),
        ({"expected": {"parts": ["many", 33, 33]}}, "expected.parts"),
        ({"expected": {"parts": 3}}, "expected.parts"),
        ({"expected": {"parts": [[1], 33, 33]}}, "expected.parts"),
    ],
)
def test_a_value_that_cannot_be_read_is_named(tmp_path, capsys, more, told):
    """The vector and the field are told, and the others still run."""
    assert run(tmp_path, vector(**more), vector(id="XX-2")) == UNREADABLE
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first.startswith(f"malformed XX-1 conservation.split {told}")
    assert second == "pass XX-2 conservation.split"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([{"area": "a"}], "vectors[0].id"),
        (["text"], "vectors[0]"),
        ([vector(area=3)], "XX-1: area"),
        ([vector(inputs=[])], "XX-1: inputs"),
        ([vector(), vector()], "XX-1: id"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, capsys, found: list[Any], told: str):
    """What is no vector is named by its place or its id."""
    assert run(tmp_path, *found) == UNREADABLE
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vectors": 1}', "[" * 100_000, '{"vectors'])
def test_what_is_no_file_of_vectors_is_refused(tmp_path: Path, capsys, text: str):
    """Whatever else a file holds, it is said and nothing is run."""
    path = tmp_path / "vectors.json"
    path.write_text(text, "utf-8")
    assert main([path]) == UNREADABLE
    assert main([tmp_path / "none.json"]) == UNREADABLE
    assert main([]) == UNREADABLE
    assert capsys.readouterr().out.count("malformed") == 2


def test_an_anti_vector_passes_where_ours_differs(tmp_path: Path, capsys):
    """What must not be copied fails where we do the same, and passes where we do not."""
    same, other = {"parts": [34, 33, 33]}, {"parts": [33, 33, 33]}
    assert run(tmp_path, vector("anti", expected=other)) == GOOD
    assert run(tmp_path, vector("anti", expected=same)) == BAD
    quirk = BY_ID["KB-T05"]
    like_them = Fields("expected", {"killbill": [31, 31], "ours": [31, 31]})
    assert judged(replace(quirk, expected=like_them)).outcome is Outcome.FAIL
    capsys.readouterr()


def test_a_source_has_its_own_policy():
    """The same part is another where a source steps back from a clamped day, and ours does not."""
    stepped: Vector = BY_ID["KB-M08"]
    ours = replace(
        stepped, id="DX-M08", expected=Fields("expected", {"cycles_fraction": "14/28+1"})
    )
    assert judged(ours).outcome is Outcome.PASS
    assert judged(replace(stepped, id="DX-M08")).outcome is Outcome.FAIL
