"""The quality grade of an adapter: which rules it keeps, which not and why.

`<kind>.quality.toml` lies beside the file that defines the adapter's class. Printed into
docs/reference/adapters.md by `.venv/bin/python -m gateway.adapters.conformance.grade`.
"""

from __future__ import annotations

import inspect
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from gateway.adapters import registry
from gateway.adapters.inbound import Inbound
from gateway.adapters.sdk import Adapter, Catalogued, Metered, Operable
from terms.errors import Invalid

RULES: Mapping[str, str] = {
    "suite": "passes the conformance suite against a simulator of its own",
    "real": "passed the suite against a real target",
    "recorded": "reads recorded answers of a real target",
    "quirks": "has a test for every documented quirk it meets",
    "readback": "every field it writes is seen in the read-back",
    "whole_list": "a scan gives every account, in bounded memory",
    "explains": "names the code that the target took and ignored",
    "ownership": "never takes over another account or another account's device",
    "expiry": "lets the target go dark by itself when we are gone",
    "messages": "puts a message on the screen",
    "inbound": "answers a target that asks us",
    "budget": "its calls per change are counted by a test",
}


HEAD = """# Adapters

Made from the grades that lie beside the adapters: do not edit, run
`.venv/bin/python -m gateway.adapters.conformance.grade > docs/reference/adapters.md`
(`python3 dev.py setup` makes `.venv`). The kinds of payment providers stand in
[payments.md](payments.md).

| kind | rules kept | exempt | abilities |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What became of each rule: "done: how" or "exempt: why"; and what operators must check."""

    kind: str
    document: str
    rules: Mapping[str, str]
    checklist: Sequence[str]


def grade_of(cls: type[Adapter[Any]]) -> Grade:
    """Read the grade beside an adapter. Raises Invalid where it is missing or incomplete."""
    path = Path(inspect.getfile(cls)).with_name(f"{cls.kind}.quality.toml")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise Invalid(path.name, f"the adapter {cls.kind!r} has no grade beside it") from None
    return parse(cls.kind, text)


def parse(kind: str, text: str) -> Grade:
    """Read a grade. Raises Invalid naming the rule that is missing, unknown or without reason."""
    try:
        file = tomllib.loads(text)
        rules = dict(file["rules"])
        document, checklist = str(file["document"]), [str(line) for line in file["checklist"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Invalid(f"{kind}.quality.toml", f"{error!r}") from None
    for name in sorted(RULES.keys() ^ rules.keys()):
        reason = "it is not graded" if name in RULES else "there is no such rule"
        raise Invalid(f"{kind}.quality.toml: {name}", reason)
    graded = {name: _graded(kind, name, rules[name]) for name in RULES}
    return Grade(kind=kind, document=document, rules=graded, checklist=tuple(checklist))


def _graded(kind: str, name: str, value: object) -> str:
    if isinstance(value, dict) and len(value) == 1:
        ((verdict, why),) = value.items()
        if verdict in {"done", "exempt"} and isinstance(why, str) and why.strip():
            return f"{verdict}: {why}"
    raise Invalid(f"{kind}.quality.toml: {name}", 'write { done = "how" } or { exempt = "why" }')


def reference(classes: Sequence[type[Adapter[Any]]]) -> str:
    """Print all grades as a page of the reference."""
    parts = [HEAD]
    grades = [grade_of(cls) for cls in classes]
    for cls, grade in zip(classes, grades, strict=True):
        exempt = [name for name, text in grade.rules.items() if text.startswith("exempt")]
        kept = f"{len(RULES) - len(exempt)} of {len(RULES)}"
        parts.append(
            f"| `{cls.kind}` | {kept} | {', '.join(exempt) or '-'} | {_abilities(cls)} |\n"
        )
    parts += [_page(cls, grade) for cls, grade in zip(classes, grades, strict=True)]
    return "".join(parts)


def _abilities(cls: type[Adapter[Any]]) -> str:
    abilities: Mapping[str, type[Any]] = {
        "catalogue": Catalogued,
        "actions": Operable,
        "calls us": Inbound,
        "usage": Metered,
    }
    return ", ".join(name for name, kind in abilities.items() if issubclass(cls, kind)) or "-"


def _type(annotation: Any) -> str:
    """Name the type of an option, without how it is checked."""
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return " | ".join(map(_type, get_args(annotation)))
    if annotation is NoneType:
        return "None"
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).removeprefix("typing.")


def _page(cls: type[Adapter[Any]], grade: Grade) -> str:
    lines = [f"\n## {cls.kind}\n\n{grade.document.strip()}\n\n### Options\n\n"]
    lines.append("| option | type | default | meaning |\n|---|---|---|---|\n")
    for name, field in cls.options_type.model_fields.items():
        default = "required" if field.is_required() else f"`{field.default}`"
        lines.append(
            f"| `{name}` | {_type(field.annotation)} | {default} | {field.description or ''} |\n"
        )
    lines.append("\n### Grade\n\n| rule | |\n|---|---|\n")
    lines += [f"| {sentence} | {grade.rules[name]} |\n" for name, sentence in RULES.items()]
    lines.append("\n### Before going live\n\n")
    lines += [f"- {line}\n" for line in grade.checklist]
    return "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(reference([registry.adapter_class(kind) for kind in registry.kinds()]))
