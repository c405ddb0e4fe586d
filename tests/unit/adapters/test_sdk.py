"""What every adapter shares: HTTP statuses as errors, explanations, the registry, states."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters import registry
from gateway.adapters.sdk import (
    Adapter,
    Answer,
    Catalogued,
    Health,
    Operable,
    Options,
    mismatch,
    refusal,
    retry_after_s,
)
from gateway.adapters.state import ViewerState, differences
from runtime.http import HttpDoor
from terms.errors import (
    Conflict,
    Invalid,
    NotFound,
    Permanent,
    Retryable,
    TargetError,
    Throttled,
    Unauthorized,
    Unreachable,
)
from terms.ids import TargetName

SHUT = HttpDoor(networks=[])  # leads nowhere
STATUSES: Mapping[int, type[TargetError]] = {
    301: Permanent,
    400: Permanent,
    401: Unauthorized,
    403: Unauthorized,
    404: Permanent,
    408: Retryable,
    409: Conflict,
    412: Conflict,
    422: Permanent,
    423: Conflict,
    425: Retryable,
    429: Throttled,
    500: Retryable,
    501: Retryable,
    502: Unreachable,
    503: Unreachable,
    504: Unreachable,
}


class Plain(Adapter[ViewerState]):
    """The least an adapter can be."""

    kind = "plain"
    options_type: ClassVar[type[Options]] = Options

    def express(self, desired: ViewerState) -> ViewerState:
        """Keep everything."""
        return desired

    async def probe(self) -> Health:
        """Be well."""
        return Health()

    async def observe(self, ref: str) -> ViewerState | None:
        """Hold nothing."""
        return None

    async def apply(self, desired: ViewerState, observed: ViewerState | None) -> None:
        """Do nothing."""

    async def remove(self, ref: str) -> None:
        """Do nothing."""

    async def scan(self) -> AsyncIterator[ViewerState]:
        """Show nothing."""
        states: list[ViewerState] = []
        for state in states:
            yield state


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_one_class(status: int) -> None:
    """The class of the error follows from the status alone, and the body is never quoted."""
    error = refusal(Answer(status=status, headers={}, body=b"secret"))
    assert type(error) is STATUSES[status]
    assert "secret" not in str(error)
    assert str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "0"}, 1),
        ({"retry-after": "86400"}, 900),
        ({"retry-after": "9" * 5000}, 900),
        ({"retry-after": "-5"}, 60),
        ({"retry-after": "\u0667"}, 60),
        ({"retry-after": "soon"}, 60),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, 60),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30,
        ),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:29:00 GMT",
            },
            1,
        ),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float) -> None:
    """Retry-After is read in both its forms and kept between a second and a quarter hour."""
    assert retry_after_s(headers) == seconds


def plain() -> Plain:
    """Make an adapter that does nothing."""
    return Plain(TargetName("plain"), Options(), SHUT)


def test_a_mismatch_without_explanation_is_a_conflict() -> None:
    """Where the adapter knows no reason the world has moved, and the fields are named."""
    wish = ViewerState(ref="1", enabled=True, tariff="basic")
    error = mismatch(plain(), wish, replace(wish, tariff="other"))
    assert type(error) is Conflict
    assert "tariff: other instead of basic" in str(error)
    assert "account: missing" in str(mismatch(plain(), wish, None))


def test_a_mismatch_with_explanation_is_permanent() -> None:
    """A reason that repeating cannot mend parks the row."""

    class Clear(Plain):
        def explain(self, desired: ViewerState, held: ViewerState | None) -> str:
            return "no such tariff"

    clear = Clear(TargetName("clear"), Options(), SHUT)
    error = mismatch(clear, ViewerState(ref="1", enabled=True), None)
    assert type(error) is Permanent
    assert str(error) == "no such tariff"


def test_abilities_are_seen_by_what_an_adapter_can_do() -> None:
    """An adapter without the methods is neither operable nor catalogued."""
    assert not isinstance(plain(), Operable)
    assert not isinstance(plain(), Catalogued)
    ministra: Any = registry.adapter_class("ministra")
    assert issubclass(ministra, Operable)
    assert issubclass(ministra, Catalogued)


def test_an_unknown_kind_names_the_known_ones() -> None:
    """A misspelt kind is answered with those there are."""
    with pytest.raises(NotFound, match="ministra"):
        registry.adapter_class("minstra")


def test_a_wrong_option_is_named_without_its_value() -> None:
    """What an operator typed wrongly is named; a secret among it is not shown."""
    options = {"base_url": "http://portal", "login": "api", "password": 12345}
    with pytest.raises(Invalid) as caught:
        registry.open_adapter("ministra", name=TargetName("north"), options=options, http=SHUT)
    assert caught.value.field == "target north: password"
    assert "12345" not in str(caught.value)


STATES = st.builds(
    ViewerState,
    ref=st.text(st.characters(codec="utf-8")),
    enabled=st.booleans(),
    tariff=st.none() | st.text(st.characters(codec="utf-8")),
    packages=st.frozensets(st.sampled_from(["a", "b", "ü"])),
    devices=st.frozensets(st.sampled_from(["00:1A:79:00:00:01", "00:1A:79:00:00:02"])),
    streams=st.none() | st.integers(1, 9),
    expires_on=st.none() | st.dates(),
    label=st.text(st.characters(codec="utf-8")),
    revision=st.integers(0, 99),
)


@given(STATES, STATES)
def test_states_are_equal_exactly_when_their_text_is(one: ViewerState, two: ViewerState) -> None:
    """Equality, the canonical text and the list of differences say the same; revisions are free."""
    assert ViewerState.decode(one.encode(), revision=one.revision) == one
    assert (one == two) == (one.encode() == two.encode()) == (differences(one, two) == {})
    assert one == replace(one, revision=one.revision + 1, vendor={"row": "7"})


def test_differences_are_words_for_people() -> None:
    """Each differing field shows what is held and what is wished."""
    held = ViewerState(ref="1", enabled=False, packages=frozenset({"b", "a"}))
    wish = replace(held, enabled=True, packages=frozenset(), expires_on=date(2027, 1, 31))
    assert differences(wish, held) == {
        "enabled": ("no", "yes"),
        "packages": ("a, b", "none"),
        "expires_on": ("none", "2027-01-31"),
    }
    assert differences(wish, None) == {"account": ("missing", "present")}
