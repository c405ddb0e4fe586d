"""What letters say, per kind and language, kept as data beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from messages.templates import FALLBACK, filled, language_of

_TEXTS = Path(__file__).parent / "texts"
NOTICE = "notice"
PARTS: Mapping[str, str] = {"subject": "subject", "mail": "text"}


def written(kind: str, locale: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Write subject and text of a letter in the household's language, else in English.

    Raises Invalid for a value that the text needs and was not given.
    """
    found = _texts().get(language_of(locale), {}).get(kind) or _texts()[FALLBACK][kind]
    return filled(kind, found["subject"], values), filled(kind, found["text"], values)


def notice(part: str, locale: str, values: Mapping[str, str]) -> str:
    """Write one part of the letter that carries a notice, whose line is among the values."""
    found = _texts().get(language_of(locale), {}).get(NOTICE) or _texts()[FALLBACK][NOTICE]
    return filled(NOTICE, found[PARTS[part]], values)


@cache
def _texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Read all letters of all languages."""
    return {path.stem: tomllib.loads(path.read_text("utf-8")) for path in _TEXTS.glob("*.toml")}
