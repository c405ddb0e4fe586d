"""What an operator tells of something outside: secrets and pages, checked in one place for all.

What a database keeps was checked when it was told, perhaps by an older version: it is opened all
the same, so that a new rule locks nobody out. Whoever verifies with a secret takes `signing_keys`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, SecretStr, ValidationInfo

from terms.http import page_address

KEY_CHARS_MIN = 16  # providers make keys of 38 and 40; a shorter one was made up by somebody
M = TypeVar("M", bound=BaseModel)
V = TypeVar("V")


class Origin(StrEnum):
    """Where options come from."""

    TOLD = "told"  # by an operator, just now
    KEPT = "kept"  # by a database of ours


def read_options(model: type[M], options: Mapping[str, Any], origin: Origin) -> M:
    """Check options. Raises pydantic's ValidationError."""
    return model.model_validate(dict(options), context={"origin": origin})


def check_secret(text: str, chars_min: int = 1) -> None:
    """Raise ValueError, which never repeats it, for what cannot be a secret."""
    if not text.strip():
        raise ValueError("must not be empty")
    if text != text.strip():
        raise ValueError("must not begin or end with a blank")
    if not text.isprintable():
        raise ValueError("holds a character that nobody sees")
    if len(text) < chars_min:
        raise ValueError(f"must have at least {chars_min} characters")


def signing_keys(secrets: Iterable[SecretStr]) -> list[bytes]:
    """Give those that can prove who signed something: by a blank one anybody can."""
    texts = [secret.get_secret_value() for secret in secrets]
    return [text.encode() for text in texts if text.strip()]


def _when_told(check: Callable[[V], object]) -> AfterValidator:
    def checked(value: V, info: ValidationInfo) -> V:
        if (info.context or {}).get("origin") is not Origin.KEPT:
            check(value)
        return value

    return AfterValidator(checked)


def formed(pattern: str, what: str) -> AfterValidator:
    """Make a check of a text by a pattern, which says in words what the text has to be."""

    def checked(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {what}")
        return text

    return AfterValidator(checked)


def _secret(value: SecretStr) -> None:
    check_secret(value.get_secret_value())


def _key(value: SecretStr) -> None:
    check_secret(value.get_secret_value(), KEY_CHARS_MIN)


# What we show to somebody outside, who alone knows how long it is.
Secret = Annotated[SecretStr, _when_told(_secret)]
# What messages are signed with: whoever guesses it is believed.
SigningKey = Annotated[SecretStr, _when_told(_key)]
# Where a browser is led to.
PageAddress = Annotated[str, _when_told(page_address)]
