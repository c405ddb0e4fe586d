"""What forms of the console bring, and what they have to say to the page shown next."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from app.web.console.views import Tone
from app.web.route import Form
from gateway.inventory.reviews import WORDS_CHARS_MAX
from runtime.chance import Chance

SAYINGS_MAX = 100

Key = Annotated[str, Field(max_length=200)]


class ReleaseForm(Form):
    """Which parked row is tried again."""

    kind: Key
    key: Key


class RepairForm(Form):
    """Which finding is put right."""

    id: Key


class ResolveForm(Form):
    """Which case, and what was decided; with `forget_key` the next key is let in."""

    id: Annotated[str, Field(max_length=100)]
    resolution: Annotated[str, Field(max_length=WORDS_CHARS_MAX)]
    forget_key: Literal["yes", ""] = ""


class DecideForm(Form):
    """Why somebody decides so, if they say it."""

    reason: Annotated[str, Field(max_length=200)] = ""


class Sayings:
    """Sentences for the page shown next: kept here, so that no link can forge one."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._said: dict[str, tuple[str, Tone]] = {}

    def put(self, text: str, tone: Tone) -> str:
        """Keep a sentence and give its key; the oldest are forgotten."""
        key = self._chance.token(9)
        self._said[key] = (text, tone)
        while len(self._said) > SAYINGS_MAX:
            del self._said[next(iter(self._said))]
        return key

    def take(self, key: str) -> tuple[str, Tone]:
        """Give a sentence, once."""
        return self._said.pop(key, ("", "good"))
