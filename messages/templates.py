"""The texts of notices per language, kept as data beside this file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path

from terms.errors import Invalid

_TEXTS = Path(__file__).parent / "texts"
_PLACE = re.compile(r"\{([a-z_]+)\}")
_BRACES = re.compile(r"\{[^{}]{0,40}\}?|\}")
FALLBACK = "en"
TEXT_CHARS_MAX = 500


@cache
def texts(language: str) -> Mapping[str, str]:
    """Read all texts of one language; empty where we do not speak it."""
    path = _TEXTS / f"{language}.toml"
    if not re.fullmatch("[a-z]{2,3}", language) or not path.is_file():
        return {}
    return tomllib.loads(path.read_text("utf-8"))


def kinds() -> tuple[str, ...]:
    """Name every kind of notice there is a text for."""
    return tuple(sorted(texts(FALLBACK)))


def languages() -> tuple[str, ...]:
    """Name the languages spoken."""
    return tuple(sorted(path.stem for path in _TEXTS.glob("*.toml")))


def write(kind: str, locale: str, params: Mapping[str, str]) -> str:
    """Write the text of a notice in the household's language, else in English.

    Raises Invalid for a kind without text and for a value the text needs but was not given.
    """
    found = texts(language_of(locale)).get(kind) or texts(FALLBACK).get(kind)
    if found is None:
        raise Invalid("kind", f"there is no text for notices of kind {kind!r}")
    return filled(kind, found, params)[:TEXT_CHARS_MAX]


def strange(text: str, places: Collection[str]) -> str:
    """Name what a text has in braces that is no place of it; nothing where all is well."""
    rest = _PLACE.sub(lambda found: "" if found[1] in places else found[0], text)
    found = _BRACES.search(rest)
    return found[0] if found else ""


def language_of(locale: str) -> str:
    """Give the language of a locale: de-AT has de."""
    return locale.partition("-")[0].partition("_")[0].lower()


def filled(kind: str, text: str, params: Mapping[str, str]) -> str:
    """Fill the places of a text. Raises Invalid for a value it needs and was not given."""

    def fill(match: re.Match[str]) -> str:
        if match[1] not in params:
            raise Invalid(match[1], f"the text {kind!r} needs it and was not given it")
        return params[match[1]]

    return _PLACE.sub(fill, text)
