"""The rules of dunning by themselves: the table [dunning] of operator.toml, as TOML or as JSON."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.imports import memory
from app.imports.dunning_rules import Dunning, segments_of
from app.imports.operator import FILE
from billing.dunning.brake import BrakePolicy
from billing.dunning.segment import Segments
from runtime.store import Tx
from runtime.wording import of_file
from terms.errors import Invalid

CHARS_MAX = 200_000
SECTION = "dunning"
_KEY, _CELL = "dunning", "document"
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All segments and the brake, and the document that says so."""

    segments: Segments
    brake: BrakePolicy
    document: Document


def read_text(text: str, name: str = SECTION) -> Document:
    """Read TOML or JSON: a table by itself, or out of a whole operator.toml. Raises Invalid."""
    if len(text) > CHARS_MAX:
        raise Invalid("rules", f"longer than {CHARS_MAX} characters")
    try:
        told = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid("rules", f"neither readable as TOML nor as JSON: {error}") from None
    if name not in told and "operator" not in told:
        return dict(told)
    section = told.get(name, {})
    if not isinstance(section, dict):
        raise Invalid(name, f"must be a table: [{name}]")
    return section


def read_rules(told: Document, currency: str) -> Rules:
    """Check a document. Raises Invalid naming the first field that is wrong."""
    try:
        read = Dunning.model_validate_json(json.dumps(told, default=str))
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        field = ".".join((SECTION, *(str(part) for part in wrong["loc"])))
        raise Invalid(field, of_file(Dunning, wrong, field)) from None
    return Rules(
        segments=segments_of(read, currency),
        brake=read.brake.policy,
        document=read.model_dump(mode="json", exclude_unset=True),
    )


async def remembered(tx: Tx) -> Document | None:
    """Read what was published last; None before any document was kept."""
    cells = (await memory.remembered(tx, FILE)).get(_KEY)
    return json.loads(cells[_CELL]) if cells else None


async def remember(tx: Tx, document: Document) -> None:
    """Keep what is published."""
    await memory.remember(tx, FILE, [(_KEY, {_CELL: json.dumps(document, sort_keys=True)})])
