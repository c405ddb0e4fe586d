"""Whatever is wrong with a value is said in our words: of a request, of a file, of a setting."""

from __future__ import annotations

import re
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.wording import in_words, of_file

# How the library begins its sentences.
LIBRARY = re.compile(r"\b(Input|Field required|Extra inputs|String should|List should|Value error)")


class Way(StrEnum):
    """A few words."""

    IN = "in"
    OUT = "out"


class Inner(BaseModel):
    """A table within."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str = ""


class Whole(BaseModel):
    """A field of every kind that options, settings and requests have."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", min_length=2, max_length=3)
    currency: str = Field("EUR", pattern="^[A-Z]{3}$")
    one: str = Field("http", pattern="^http$")
    few: str = Field("json", pattern="^(json|form)$")
    flag: bool = False
    day: date = date(2026, 3, 31)
    at: datetime = datetime(2026, 3, 31, 8)  # noqa: DTZ001 - never looked at
    whole: int = Field(1, ge=1, le=9)
    share: float = Field(1.0, gt=0, le=8)
    words: list[str] = Field(["x"], min_length=1, max_length=2)
    tables: list[Inner] = Field([], max_length=1)
    inner: Inner = Inner()
    map: dict[str, str] = Field({})
    way: Way = Way.IN
    side: Literal["left", "right"] = "left"


CASES: list[tuple[str, Any, str, str]] = [
    ("text", 5, "must be a text", "must be a text, not a number"),
    ("currency", "eur", "must be a currency like EUR", "must be a currency like EUR"),
    ("one", "pigeon", "must be http", "must be http"),
    ("few", "xml", "must be one of json, form", "must be one of json, form"),
    ("flag", "perhaps", "must be true or false", "must be true or false"),
    ("flag", [], "must be true or false", "must be true or false, not a list"),
    ("day", "x", "must be a day like 2026-03-31", "must be a day like 2026-03-31"),
    ("day", [], "must be a day like 2026-03-31", "must be a date like 2026-03-31, not a list"),
    ("at", "x", "must be an instant like 2026-03-31T08:00:00Z", "must be an instant like"),
    ("whole", "x", "must be a whole number", "must be a whole number"),
    ("whole", 10, "must be at most 9", "'10' is not a whole number from 1 to 9"),
    ("share", 0, "must be more than 0", "'0' is not a number above 0 and up to 8"),
    ("share", "nan", "must be", "must be a number above 0 and up to 8, not a text"),
    ("words", [], "must not be empty", "must not be empty"),
    ("words", "x", "must be a list", "must be a list: [ ... ]"),
    ("tables", [{}, {}], "must hold at most 1", "more than 1 tables"),
    ("tables", [{"nam": 1}], "is not known here", "unknown; known are name"),
    ("inner", "x", "must be an object", "must be a table: [inner]"),
    ("map", "x", "must be an object", "must be a table: [map]"),
    ("way", "up", "must be 'in' or 'out'", "must be 'in' or 'out'"),
    ("side", "up", "must be 'left' or 'right'", "must be 'left' or 'right'"),
    ("other", 1, "is not known here", "unknown; known are text, currency, one"),
]


@pytest.mark.parametrize(("field", "value", "asked", "written"), CASES)
def test_no_word_of_the_library_is_left(field, value, asked, written):
    """The words are short, say what may stand there, and come from one place."""
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate({field: value})
    (wrong,) = caught.value.errors(include_url=False)
    for told, wanted in ((in_words(wrong), asked), (of_file(Whole, wrong, field), written)):
        assert told.startswith(wanted), told
        assert not LIBRARY.search(told)
