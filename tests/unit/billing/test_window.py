"""How long what is bought once may be watched."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.catalog.window import HOURS_MAX, Window

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
INSTANTS = st.integers(0, 2_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))


@given(st.integers(1, HOURS_MAX))
def test_what_is_written_is_read(hours: int):
    """Hours and days are written so that they are read as the same window."""
    window = Window(hours=hours)
    assert Window.parse(str(window)) == window


@given(INSTANTS, INSTANTS)
def test_an_event_is_written_and_read_to_the_second(one: datetime, other: datetime):
    """A window between two instants keeps both, to the second."""
    opens, closes = min(one, other), max(one, other) + timedelta(seconds=1)
    window = Window(opens_at=opens, closes_at=closes)
    assert Window.parse(str(window)) == window


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("48h", datetime(2026, 3, 30, 12, tzinfo=UTC)),
        ("2d", datetime(2026, 3, 30, 12, tzinfo=UTC)),
        ("1h", datetime(2026, 3, 28, 13, tzinfo=UTC)),
    ],
)
def test_it_lasts_from_its_begin(text: str, until: datetime):
    """Hours and days count from the instant at which somebody begins, whatever clocks do."""
    assert Window.parse(text).span(NOON) == (NOON, until)
    assert not Window.parse(text).is_over(NOON)


def test_an_event_lasts_as_long_as_it_is_on():
    """Whoever begins, an event is open when it is on, and over for all when it closes."""
    window = Window.parse("2026-06-01T22:00+02:00/2026-06-01T23:30Z")
    opens, closes = datetime(2026, 6, 1, 20, tzinfo=UTC), datetime(2026, 6, 1, 23, 30, tzinfo=UTC)
    assert window.span(NOON) == window.span(closes) == (opens, closes)
    assert not window.is_over(closes - timedelta(microseconds=1))
    assert window.is_over(closes)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0h", "48", "h", "-1h", "9999d", "48H", "1.5h", "٤h"),
        "2026-06-01T20:00Z",
        "2026-06-01T20:00/2026-06-01T21:00",
        "2026-06-01T20:00Z/2026-06-01T20:00Z",
        "2026-06-02T20:00Z/2026-06-01T20:00Z",
        "2026-06-31T20:00Z/2026-07-01T20:00Z",
        "/",
    ],
)
def test_what_is_no_window_is_refused(text: str):
    """A window that does not end, never opens or cannot be read is refused with the reason."""
    with pytest.raises(ValueError, match=r"window|instant|zone|closes before|longer"):
        Window.parse(text)
