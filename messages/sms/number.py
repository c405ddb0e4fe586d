"""A telephone number as networks take it: ITU-T E.164, a plus and at most 15 digits. Pure."""

from __future__ import annotations

import re

from terms.errors import Invalid

_WRITTEN = re.compile(r"[ ()./\u00a0-]")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_CODE = re.compile(r"[1-9]\d{0,2}")


def check_country_code(name: str, text: str) -> None:
    """Raise Invalid, naming the field, unless the text is a country code or nothing."""
    if text and not _CODE.fullmatch(text):
        raise Invalid(name, "must be a country code such as 43, without a plus")


def international(name: str, text: str, country_code: str = "") -> str:
    """Read a number as people write it; one that begins with 0 is of the country given.

    Raises Invalid, naming the field.
    """
    digits = _WRITTEN.sub("", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    elif digits.startswith("0") and country_code:
        digits = f"+{country_code}{digits[1:]}"
    if not digits.startswith("+"):
        raise Invalid(name, "lacks its country: write it like +43 1 234567")
    if not _E164.fullmatch(digits):
        raise Invalid(name, "is no telephone number")
    return digits
