"""What is written can be read, in both schemes: contrast as WCAG 2.1 asks for (1.4.3, AA)."""

import re
from itertools import product
from pathlib import Path

import pytest

from app.web import static

SHEET = (Path(static.__file__).parent / "static" / "console.css").read_text("utf-8")
CONTRAST_MIN = 4.5
TEXTS = ("ink", "soft", "faint")
GROUNDS = ("paper", "card", "well")
ON_THEIR_OWN = tuple((tone, f"{tone}-well") for tone in ("good", "warn", "bad", "calm"))
ON_CARD = tuple((tone, "card") for tone in ("good", "warn", "bad", "calm", "accent"))


def colours(scheme: str) -> dict[str, str]:
    """Read the colours of a scheme; dark ones stand behind their media query."""
    light, dark = SHEET.split("prefers-color-scheme: dark")[:2]
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    return (
        found
        if scheme == "light"
        else found | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark.split("\n}\n")[0]))
    )


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(scheme):
    """Texts on each ground, states on their wells and on cards, words on buttons."""
    known = colours(scheme)
    pairs = (*product(TEXTS, GROUNDS), *ON_THEIR_OWN, *ON_CARD, ("accent-ink", "accent"))
    weak = {
        pair: round(contrast(known[pair[0]], known[pair[1]]), 2)
        for pair in pairs
        if contrast(known[pair[0]], known[pair[1]]) < CONTRAST_MIN
    }
    assert weak == {}


def test_the_measure_is_that_of_the_standard():
    """Black on white is 21, and the same on the same is 1."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#8a939c", "#8a939c") == 1
