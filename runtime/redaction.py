"""Takes secrets and card numbers out of whatever is about to be written where people read.

It judges the name of a value and the shape of a text; it knows none of the secrets themselves.
What is hidden stays hidden: it would rather hide a serial number than show a card.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from terms.luhn import passes_luhn

HIDDEN = "[hidden]"
TEXT_CHARS_MAX = 16_384
ITEMS_MAX = 200
DEPTH_MAX = 8

# Compared with the single words of a name: `stbMac`, `stb_mac` and `X-Stb-Mac` all hold `mac`.
_SECRET_WORDS = frozenset(
    {
        *("password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "token"),
        *("tokens", "authorization", "auth", "credential", "credentials", "cookie", "cookies"),
        *("pin", "pins", "puk", "otp", "totp", "card", "cards", "pan", "cvc", "cvv", "iban"),
        *("mac", "macs", "signature", "apikey", "community"),
    }
)
# A key alone is no secret (a row has one), these are.
_SECRET_KEYS = re.compile(r"(?:api|master|private|priv|secret|access|data|signing|webhook)_?keys?")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CARD = re.compile(r"(?<!\d)[2-6]\d(?:[ -]?\d){11,17}(?!\d)")
_BASIC = re.compile(r"\b(Basic\s+)([\w+/=-]{4,})", re.IGNORECASE)
_NAMED = (
    r"(?:passw|passphrase|secret|token|(?:api|private|priv|auth|master)[ _-]?key|authorization"
    r"|credential|community|cvc|cvv|(?<![a-z])(?:pin|mac|otp|puk)(?![a-z]))"
)
_VALUE = r"(?:b?\"(?:[^\"\\]|\\.)*\"?|b?'(?:[^'\\]|\\.)*'?|(?:Basic\s+)?[^\s,;&\"'<>)}\]]+)"
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END|\Z)", re.DOTALL),
        HIDDEN,
    ),
    # user:password@ of a URL
    (re.compile(r"(?<=://)[^/\s?#'\"]+@"), f"{HIDDEN}@"),
    (re.compile(r"(?:sk|rk)_(?:test|live)_\w+|whsec_[\w+/=-]+"), HIDDEN),
    (re.compile(r"\b(Bearer|Digest)\s+[\w+/=.~-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # name: value, name=value, "name": "value" with a name that tells
    (
        re.compile(rf"({_NAMED}[\w-]{{0,40}}[\"']?\s{{0,4}}[:=]\s{{0,4}}){_VALUE}", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(r"([?&](?:key|sig|signature|pin|mac|code)=)[^&\s#\"']+", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            r"(?<![0-9A-F])[0-9A-F]{2}([:-])(?:[0-9A-F]{2}\1){4}[0-9A-F]{2}(?![0-9A-F])",
            re.IGNORECASE,
        ),
        HIDDEN,
    ),
)
# Every shape above holds one of these; most texts hold none, and that is told quickly.
_HINTS = (
    *("://", "=", "k_test_", "k_live_", "whsec_", "-----", "bearer", "digest", "basic", "passw"),
    *("passphrase", "secret", "token", "api", "priv", "auth", "master", "credential", "community"),
    *("cvc", "cvv", "pin", "mac", "otp", "puk"),
)
_MANY_DIGITS = re.compile(r"\d[ -]?(?:\d[ -]?){11}\d")
_MAC_MARKS = 5


def scrub(text: str) -> str:
    """Hide what looks like a secret in a text, and cut out the middle of a very long one."""
    if len(text) > TEXT_CHARS_MAX:
        # Both ends tell most. Not in the middle of a word: half a secret has no shape.
        half = TEXT_CHARS_MAX // 2
        text = f"{text[:half].rpartition(' ')[0]} [cut] {text[-half:].partition(' ')[2]}"
    if _is_plain(text):
        return text
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return _CARD.sub(_card, _BASIC.sub(_basic, text))


def _is_plain(text: str) -> bool:
    lower = text.lower()
    return (
        not any(hint in lower for hint in _HINTS)
        and text.count(":") < _MAC_MARKS
        and text.count("-") < _MAC_MARKS
        and not _MANY_DIGITS.search(text)
    )


def redact(value: Any, *, depth: int = 0) -> Any:
    """Copy a value into plain JSON types with every secret hidden, whatever holds it."""
    if isinstance(value, str):
        return scrub(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no infinity
    if isinstance(value, int):
        return HIDDEN if _CARD.fullmatch(str(value)) and passes_luhn(str(value)) else value
    if isinstance(value, bytes | bytearray):
        return scrub(value.decode("utf-8", "backslashreplace"))
    if depth >= DEPTH_MAX:
        return "[deep]"
    if isinstance(value, Mapping):
        return _redact_mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item, depth=depth + 1) for item in list(value)[:ITEMS_MAX]]
    return scrub(_told(value))


@lru_cache(maxsize=2_048)
def _judged(name: str) -> tuple[str, bool]:
    return scrub(name), is_secret_name(name)


def is_secret_name(name: str) -> bool:
    """Say whether a value of this name is hidden unseen."""
    words = [word.lower() for word in _WORD.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or bool(_SECRET_KEYS.search("_".join(words)))


def _redact_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in list(value.items())[:ITEMS_MAX]:
        shown, is_secret = _judged(name if isinstance(name, str) else _told(name))
        # An empty or missing value is worth knowing and gives nothing away.
        hide = is_secret and item is not None and not (isinstance(item, str) and not item)
        found[shown] = HIDDEN if hide else redact(item, depth=depth + 1)
    return found


def _told(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a log line must not fail for its value's sake
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _basic(match: re.Match[str]) -> str:
    """Hide HTTP Basic credentials, and leave the word "basic" before other words alone."""
    try:
        padded = match[2] + "=" * (-len(match[2]) % 4)
        plain = base64.b64decode(padded, altchars=b"-_" if "-" in padded or "_" in padded else None)
    except (binascii.Error, ValueError):
        return match[0]
    return match[1] + HIDDEN if b":" in plain else match[0]


def _card(match: re.Match[str]) -> str:
    return HIDDEN if passes_luhn(match[0]) else match[0]
