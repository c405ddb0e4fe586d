"""Labels are read however they come: typed, Code 128, QR with JSON or a URL."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.desk.labels import LABEL_CHARS_MAX, Label, read_label
from terms.errors import Invalid

SERIAL = "RB00000018"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (SERIAL, Label(serial=SERIAL)),
        (" RB00 0000 18\n", Label(serial=SERIAL)),
        (f'{{"serial": "{SERIAL}"}}', Label(serial=SERIAL)),
        (
            f'{{"SN": "{SERIAL}", "Model": "RB-1", "mac": "00163E000001", "x": [1]}}',
            Label(serial=SERIAL, model="RB-1", mac="00163E000001"),
        ),
        ('{"serialNumber": 12345}', Label(serial="12345")),
        (f"https://example.net/b?sn={SERIAL}&model=RB-1", Label(serial=SERIAL, model="RB-1")),
        (f"HTTP://example.net/boxes/{SERIAL}/", Label(serial=SERIAL)),
    ],
)
def test_a_serial_is_found(text, label):
    """Wherever a maker has put it."""
    assert read_label(text) == label


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "scan or type"),
        ("{", "cut off"),
        ("[" * 400, "letters, digits"),
        ('{"a": ' * 80, "cut off"),
        ('{"wifi": "secret"}', "tells no serial"),
        ("{}", "tells no serial"),
        ("https://example.net/", "tells no serial"),
        ("https://[x", "tells no serial"),
        ("<script>", "letters, digits"),
        ("x" * (LABEL_CHARS_MAX + 1), "at most 500"),
    ],
)
def test_what_is_no_label_says_what_to_do(text, words):
    """A code that is cut off, of something else or too long."""
    with pytest.raises(Invalid, match=words) as caught:
        read_label(text)
    assert caught.value.field == "serial"


@given(st.text(max_size=60) | st.text(max_size=60).map(lambda text: "https://" + text))
def test_no_text_breaks_it(text):
    """Whatever a camera reads becomes a serial or a sentence."""
    with suppress(Invalid):
        assert read_label(text).serial
