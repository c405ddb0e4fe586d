"""How faults are written down, and which calls they hit."""

import pytest

from simulators.faults import FAULTS, BadFault, Faults, from_json, hits, parse, seconds


def test_a_specification_of_three() -> None:
    """Faults are separated by semicolons, their parts by colons."""
    error, slow, lost = parse("error:503:count=3;slow:20ms; lost:match=PUT accounts ;")
    assert (error.name, error.number, error.count_left) == ("error", 503, 3)
    assert (slow.name, slow.seconds) == ("slow", 0.02)
    assert (lost.name, lost.match, lost.count_left) == ("lost", "PUT accounts", None)


def test_every_fault_has_a_usable_default() -> None:
    """Each name alone is a valid specification."""
    assert [parse(name)[0].name for name in FAULTS] == list(FAULTS)


def test_a_pattern_may_hold_colons() -> None:
    """What follows match= belongs to the pattern until the next key."""
    (fault,) = parse("reset:match=PUT users/00:1A:79:count=2")
    assert (fault.match, fault.count_left) == ("PUT users/00:1A:79", 2)


@pytest.mark.parametrize(
    "spec",
    ["nosuch", "slow:soon", "error:many", "error:500:often", "lost:match=[", "huge:1XB", "skew:x"],
)
def test_nonsense_is_refused(spec: str) -> None:
    """A specification that cannot be read is refused when it is set."""
    with pytest.raises(BadFault):
        parse(spec)


def test_json_is_the_same_thing() -> None:
    """A fault given as JSON equals the one given as text."""
    value = {"name": "error", "argument": 503, "count": 2, "match": "GET x", "applied": True}
    assert from_json(value) == parse("error:503:count=2:match=GET x:applied=yes")[0]
    with pytest.raises(BadFault, match="unknown key 'cuont'"):
        from_json({"name": "error", "cuont": 1})


@pytest.mark.parametrize(
    ("match", "is_hit"),
    [
        ("", True),
        ("PUT", True),
        ("GET", False),
        ("PUT accounts", True),
        ("PUT|POST accounts", True),
        ("PUT users", False),
        ("accounts/10\\d+$", True),
        ("users", False),
    ],
)
def test_match(match: str, *, is_hit: bool) -> None:
    """A match is verbs, a pattern for path and query, or both."""
    assert hits(match, "PUT", "/stalker_portal/api/v1/accounts/1001") == is_hit


def test_count_and_skip_are_spent_by_hits_alone() -> None:
    """Skip lets the first matching calls pass, count limits those that suffer."""
    faults = Faults()
    faults.add(parse("lost:match=PUT:skip=1:count=1"))
    names = []
    for method in ("GET", "PUT", "GET", "PUT", "PUT"):
        fault = faults.draw(method, "/x").fault
        names.append(fault.name if fault else None)
    assert names == [None, None, None, "lost", None]
    assert faults.shown() == []


def test_delays_add_up_before_the_first_fault() -> None:
    """A slow call may fail as well."""
    faults = Faults()
    faults.add(parse("slow:1s;slow:500ms;error:500;lost"))
    suffered = faults.draw("GET", "/")
    assert suffered.delay_s == 1.5
    assert suffered.fault is not None
    assert suffered.fault.name == "error"


def test_a_mode_replaces_its_forerunner() -> None:
    """There is one clock skew at a time, and it never counts as the fault of a call."""
    faults = Faults()
    faults.add(parse("skew:1h;skew:-2m"))
    mode = faults.mode("skew")
    assert mode is not None
    assert mode.seconds == -120
    assert faults.draw("GET", "/").fault is None


@pytest.mark.parametrize(
    ("text", "expected"), [("20ms", 0.02), ("3", 3), ("1.5s", 1.5), ("2m", 120), ("-1h", -3600)]
)
def test_durations(text: str, expected: float) -> None:
    """Durations have a unit, or are seconds."""
    assert seconds(text) == expected
