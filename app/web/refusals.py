"""Why a value of a request is refused, in words: nobody has to read a pattern."""

from __future__ import annotations

import re

from pydantic_core import ErrorDetails

from gateway.inventory.model import SERIAL as SERIAL_FORM
from gateway.inventory.model import SERIAL_RULE

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
CURRENCY = r"^[A-Z]{3}$"
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
    CURRENCY: "a currency like EUR",
    LANGUAGE: "a language like de: two or three small letters",
    URL: "an address like https://example.org/back, without blanks",
    LINE: "a line like INV-00000012.1",
}
_WORDS = re.compile(r"\^\(([a-z_]+(?:\|[a-z_]+)*)\)\$")
_NO_WHOLE_NUMBER = frozenset({"int_type", "int_parsing", "int_from_float", "int_parsing_size"})
_EMPTY = frozenset({"string_too_short", "too_short"})
# What pydantic puts behind the name of an object's member where that name is wrong.
OF_NAME = "[key]"
NAME_CHARS_MAX = 40
_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be a text",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must hold at most {max_length}",
    "too_short": "must hold at least {min_length}",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}


def in_words(wrong: ErrorDetails) -> str:
    """Say what is wrong with a value and what it may be."""
    kind, limits = wrong["type"], wrong.get("ctx", {})
    if kind in _NO_WHOLE_NUMBER:
        return "must be a whole number"
    if kind in _EMPTY and limits["min_length"] == 1:
        return "must not be empty"
    if kind == "string_pattern_mismatch":
        return _form(limits["pattern"])
    said = _KINDS.get(kind)
    return said.format(**limits) if said else wrong["msg"].removeprefix("Value error, ")


def refused(wrong: ErrorDetails) -> tuple[str, str]:
    """Name a field as it was sent, its parts apart by points, and say what is wrong with it."""
    place, why = [str(part) for part in wrong["loc"]], in_words(wrong)
    if place[-1:] == [OF_NAME] and len(place) > 1:
        place, why = place[:-1], f"the name {place[-2][:NAME_CHARS_MAX]!r} {why}"
    return ".".join(filter(None, place)) or "body", why


def _form(pattern: str) -> str:
    """Say what a text must look like; a pattern that has no words here stands for itself."""
    if words := _WORDS.fullmatch(pattern):
        return f"must be one of {', '.join(words[1].split('|'))}"
    return f"must be {_FORMS[pattern]}" if pattern in _FORMS else f"must be like {pattern}"
