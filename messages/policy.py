"""What an operator says of its notices: channels, quiet hours, texts of its own. Pure.

Everything strange is refused, naming its place; what is not said is as it comes with the product.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from messages import templates
from messages.letters import wording
from messages.letters.model import SUBJECT_CHARS_MAX
from messages.plan import KINDS, USUAL, Route, Via, Way
from messages.quiet import Quiet
from messages.templates import language_of
from terms.errors import Invalid

TEXT_CHARS_MAX = {"screen": 500, "sms": 1_000, "subject": SUBJECT_CHARS_MAX, "mail": 10_000}
_OF_LETTERS = frozenset({"contract", "operator"})
ALSO = {"mail": _OF_LETTERS, "subject": _OF_LETTERS}
NIGHT = Quiet(since=time(21), until=time(8))
_LANGUAGE = re.compile(r"[a-z]{2,3}")
LANGUAGES_MAX = 20
V = TypeVar("V")

TextKey = tuple[str, str, str]  # language, kind, part


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of notices. Short messages have a night by default, other channels none."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    quiet: Mapping[Via, Quiet | None] = field(default_factory=dict)
    texts: Mapping[TextKey, str] = field(default_factory=dict)

    def route(self, kind: str) -> Route:
        """Tell where a kind goes."""
        return self.routes.get(kind, USUAL)

    def quiet_of(self, via: Via) -> Quiet | None:
        """Tell the quiet hours of a channel."""
        return self.quiet.get(via, NIGHT if via is Via.SMS else None)

    def not_before(self, via: Via, zone: str, now: datetime) -> datetime | None:
        """Tell from when on a household in a zone may be told by a channel; None: at any time."""
        hours = self.quiet_of(via)
        return hours.free_from(now, ZoneInfo(zone)) if hours else None

    @property
    def vias(self) -> frozenset[Via]:
        """Every channel that anything goes by."""
        return frozenset(via for route in self.routes.values() for via in route.via)

    def languages(self) -> tuple[str, ...]:
        """Name the languages there are texts in."""
        return tuple(sorted({*templates.languages(), *(language for language, _, _ in self.texts)}))

    def text(self, kind: str, locale: str, part: str, values: Mapping[str, str]) -> str:
        """Write one part of a notice in a language, else in English; the operator's text first.

        `part` is screen, sms, subject or mail. Raises Invalid for a value that is missing.
        """
        own = self._own(kind, locale, part)
        if own is not None:
            return templates.filled(kind, own, values)
        if part in wording.PARTS:
            line = self.text(kind, locale, "screen", values)
            return wording.notice(part, locale, {**values, "line": line})
        if part == "sms":
            return self.text(kind, locale, "screen", values)
        return templates.write(kind, locale, values)

    def _own(self, kind: str, locale: str, part: str) -> str | None:
        """Find the operator's text: of that language, or in English where we speak neither."""
        language = language_of(locale)
        found = self.texts.get((language, kind, part))
        if found is None and kind not in templates.texts(language):
            return self.texts.get((templates.FALLBACK, kind, part))
        return found

    def document(self) -> str:
        """Write it as JSON."""
        texts: dict[str, dict[str, dict[str, str]]] = {}
        for (language, kind, part), text in self.texts.items():
            texts.setdefault(language, {}).setdefault(kind, {})[part] = text
        told = {
            "channels": {
                kind: {one.way.value: [via.value for via in one.via]}
                for kind, one in self.routes.items()
            },
            "quiet": {via.value: str(hours or "") for via, hours in self.quiet.items()},
            "texts": texts,
        }
        return json.dumps(told, sort_keys=True, ensure_ascii=False)


def read_policy(told: Mapping[str, Any]) -> Policy:
    """Read [notices] of operator.toml, or a document. Raises Invalid naming what is wrong."""
    _known(told, {"channels", "quiet", "texts"}, "notices")
    channels = _table(told.get("channels", {}), "notices.channels")
    return Policy(
        routes={kind: _route(kind, said) for kind, said in channels.items()},
        quiet=dict(_quiet(_table(told.get("quiet", {}), "notices.quiet"))),
        texts=dict(_texts(_table(told.get("texts", {}), "notices.texts"))),
    )


def _route(kind: str, said: Any) -> Route:
    place = f"notices.channels.{kind}"
    _kind(kind, place)
    way = Way.FIRST
    if isinstance(said, Mapping):
        _known(said, {one.value for one in Way}, place)
        if len(said) != 1:
            raise Invalid(place, "must be a list of channels, or {all = [...]}")
        ((name, said),) = said.items()
        way = Way(name)
    if not isinstance(said, list):
        raise Invalid(place, "must be a list of channels, or {all = [...]}")
    try:
        return Route(via=tuple(Via(one) for one in said), way=way)
    except ValueError:
        raise Invalid(place, f"channels are {', '.join(Via)}") from None
    except Invalid as error:
        raise Invalid(place, error.reason) from None


def _quiet(told: Mapping[str, Any]) -> Iterator[tuple[Via, Quiet | None]]:
    for name, text in told.items():
        place = f"notices.quiet.{name}"
        if name not in {Via.MAIL, Via.SMS}:
            raise Invalid(place, "quiet hours are of mail and sms")
        if not isinstance(text, str):
            raise Invalid(place, "must be like 21:00-08:00, or empty for none")
        yield Via(name), Quiet.parse(place, text) if text else None


def _texts(told: Mapping[str, Any]) -> Iterator[tuple[TextKey, str]]:
    if len(told) > LANGUAGES_MAX:
        raise Invalid("notices.texts", f"more than {LANGUAGES_MAX} languages")
    for language, kinds in told.items():
        if not _LANGUAGE.fullmatch(language):
            raise Invalid(f"notices.texts.{language}", "must be a language such as de")
        for kind, parts in _table(kinds, f"notices.texts.{language}").items():
            place = f"notices.texts.{language}.{kind}"
            _kind(kind, place)
            for part, text in _table(parts, place).items():
                yield (language, kind, part), _text(f"{place}.{part}", kind, part, text)


def _text(place: str, kind: str, part: str, text: Any) -> str:
    if part not in TEXT_CHARS_MAX:
        raise Invalid(place, f"parts of a notice are {', '.join(TEXT_CHARS_MAX)}")
    if not isinstance(text, str) or not text.strip() or len(text) > TEXT_CHARS_MAX[part]:
        raise Invalid(place, f"1 to {TEXT_CHARS_MAX[part]} characters are needed")
    if any(ord(letter) < ord(" ") for letter in text if part != "mail" or letter not in "\n\t"):
        raise Invalid(place, "no control characters are taken")
    places = KINDS[kind].sample.keys() | ALSO.get(part, frozenset())
    strange = templates.strange(text, places)
    if strange:
        raise Invalid(place, f"{strange} is unknown: there are {', '.join(sorted(places))}")
    return text


def _kind(kind: str, place: str) -> None:
    if kind not in KINDS:
        raise Invalid(place, f"there is no such notice: {', '.join(sorted(KINDS))}")


def _table(told: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(told, Mapping):
        raise Invalid(place, "must be a table")
    return told


def _known(told: Mapping[str, V], names: set[str], place: str) -> None:
    for name in told:
        if name not in names:
            raise Invalid(f"{place}.{name}", f"is unknown: there are {', '.join(sorted(names))}")
