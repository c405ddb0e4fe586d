"""Why a value of a request is refused, in words: nobody has to read a pattern."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from gateway.inventory.model import SERIAL as SERIAL_FORM
from gateway.inventory.model import SERIAL_RULE
from runtime.wording import CURRENCY as CURRENCY  # noqa: PLC0414 - routes take it from here
from runtime.wording import FORMS, in_words

# No control characters, and none that turn the order of a text; the schema tells it of each text.
PRINTED = r"^[^\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]*$"
AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,4})?$"
CASH = r"^[0-9]{1,12}(\.[0-9]{1,4})?( [A-Z]{3})?$"
PERCENT = r"^[0-9]{1,3}(\.[0-9]{1,4})?%$"
MARGIN = r"^([0-9]{1,3}(\.[0-9]{1,4})?%|[0-9]{1,7})$"
CODE = r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,39}$"
CONTRACT = r"^[0-9A-Za-z][0-9A-Za-z/_.-]{0,25}$"
NUMBER = r"^[0-9A-Za-z][0-9A-Za-z/_.-]{0,39}$"
NAME = r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,29}$"
ID = r"^[0-9A-Za-z][0-9A-Za-z:@._-]{0,159}$"
VENDOR_REF = r"^[!-~]{1,120}$"
LANGUAGE = r"^[a-z]{2,3}$"
URL = r"^(https?://[!-~]{1,2000})?$"
LINE = r"^([0-9A-Za-z-]{1,50}\.[0-9]{1,6})?$"
SERIAL = f"^{SERIAL_FORM}$"
# How a MAC may be written; empty where nobody knows it.
_PAIRS = "|".join(f"([0-9A-Fa-f]{{2}}{mark}){{5}}[0-9A-Fa-f]{{2}}" for mark in ":-")
_FOURS = "|".join(f"([0-9A-Fa-f]{{4}}{mark}){{2}}[0-9A-Fa-f]{{4}}" for mark in (r"\.", ":", "-"))
MAC = rf"^([0-9A-Fa-f]{{12}}|{_PAIRS}|{_FOURS})?$"

_BEGINS = "beginning with a letter or digit"
_FORMS = {
    **FORMS,
    PRINTED: "one line of text without characters that nobody sees",
    AMOUNT: "an amount like 5.00: digits, at most four of them behind a point, no sign, no comma",
    CASH: "an amount like 5.00 or 5.00 EUR: no sign, no comma",
    PERCENT: "a share like 12.5%",
    MARGIN: "a share like 12.5%, or a whole number",
    CODE: f"a code of letters, digits, '_', '.' and '-', {_BEGINS}, at most 40 long",
    CONTRACT: f"a number of letters, digits, '/', '_', '.' and '-', {_BEGINS}, at most 26 long",
    NUMBER: f"a number of letters, digits, '/', '_', '.' and '-', {_BEGINS}, at most 40 long",
    NAME: f"a name of letters, digits, '_', '.' and '-', {_BEGINS}, at most 30 long",
    ID: f"an id of letters, digits and ':@._-', {_BEGINS}, at most 160 long",
    VENDOR_REF: "visible ASCII without blanks, at most 120 long",
    SERIAL: f"a serial: it has {SERIAL_RULE}",
    MAC: "a MAC address like 00:1A:79:00:00:01",
    LANGUAGE: "a language like de: two or three small letters",
    URL: "an address like https://example.org/back, without blanks",
    LINE: "a line like INV-00000012.1",
}
# What pydantic puts behind the name of an object's member where that name is wrong.
OF_NAME = "[key]"
NAME_CHARS_MAX = 40


def refused(wrong: ErrorDetails) -> tuple[str, str]:
    """Name a field as it was sent, its parts apart by points, and say what is wrong with it."""
    place, why = [str(part) for part in wrong["loc"]], in_words(wrong, _FORMS)
    if place[-1:] == [OF_NAME] and len(place) > 1:
        place, why = place[:-1], f"the name {place[-2][:NAME_CHARS_MAX]!r} {why}"
    return ".".join(filter(None, place)) or "body", why
