"""Numbers of payment cards, told by how they begin, their length and their check digit. Pure.

The ranges are those that card schemes have published for ISO/IEC 7812. Account numbers of other
kinds pass; of random digits as long as a card's one number in forty is taken for one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from terms.luhn import passes_luhn

HIDDEN = "[card]"

# First digits, and how many there are in all.
_RANGES = (
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|35(?:2[89]|[3-8]\d)\d{12,15}"
    r"|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|62\d{14,17}"
)
_CARD = re.compile(_RANGES)
# Groups of digits with one blank or dash between them, and none of them part of a word.
_RUN = re.compile(r"(?<!\w)\d+(?:[ -]\d+)*(?!\w)")
_GROUP = re.compile(r"\d+")
_LEAST, _MOST = 13, 19


def holds_card(text: str) -> bool:
    """Tell whether a text holds what is the number of a card, also with blanks or dashes in it."""
    return any(True for _ in _cards(text))


def without_cards(text: str) -> str:
    """Hide such numbers in a text."""
    for start, end in reversed(list(_cards(text))):
        text = text[:start] + HIDDEN + text[end:]
    return text


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the numbers of cards begin and end."""
    for run in _RUN.finditer(text):
        if run.end() - run.start() < _LEAST:
            continue
        groups = list(_GROUP.finditer(text, *run.span()))
        first = 0
        while first < len(groups):
            last = _last(groups, first)
            if last is not None:
                yield groups[first].start(), groups[last].end()
                first = last
            first += 1


def _last(groups: Sequence[re.Match[str]], first: int) -> int | None:
    """Tell with which group a card ends that begins with the first one, if it is one."""
    digits = ""
    for place, group in enumerate(groups[first:], first):
        digits += group[0]
        if len(digits) > _MOST:
            break
        if len(digits) >= _LEAST and _CARD.fullmatch(digits) and passes_luhn(digits):
            return place
    return None


def without_cards_in_json(body: bytes) -> bytes:
    """Hide such numbers in the texts of a document; its numbers, keys and all else stay."""
    text = body.decode("utf-8", "replace")
    if not holds_card(text):
        return body
    try:
        return json.dumps(_hidden(json.loads(body)), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return body


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return without_cards(value)
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if isinstance(value, dict):
        return {key: _hidden(one) for key, one in value.items()}
    return value
