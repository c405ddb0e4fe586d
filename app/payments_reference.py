"""docs/reference/payments.md, written from what every installed kind of provider says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from billing.payments import registry
from billing.payments.provider import ABILITIES

HEAD = """\
# Payment providers

Written from the providers' own options (`.venv/bin/python -m app.payments_reference >
docs/reference/payments.md`); a test compares. The options stand under `[payments.NAME]` of
`operator.toml` ([import.md](import.md)), beside `kind`; an unknown one is refused. How the
provider's messages reach the product: [run.md](../howto/run.md).
"""
_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list",
    "boolean": "`true` or `false`",
}
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "minItems": "at least",
    "maxItems": "at most",
}


def reference() -> str:
    """Write the whole page."""
    return HEAD + "".join(map(_of_kind, registry.kinds()))


def _of_kind(kind: str) -> str:
    cls = registry.provider_class(kind)
    model = cls.options_type
    schema = model.model_json_schema()
    rows = [
        _of_option(name, field, must=name in schema.get("required", ()))
        for name, field in schema["properties"].items()
    ]
    head = "| option | value | default | meaning |\n|---|---|---|---|\n"
    about = f"\n## {kind}\n\n{' '.join(model.__doc__.split())}\n\n{head}{''.join(rows)}"
    return about + _lacking(cls.lacks)


def _lacking(lacks: Mapping[str, str]) -> str:
    """Write what a kind cannot do, of what others can; the suite holds it to the rest."""
    if not lacks:
        return "\nIt does all that a provider may do.\n"
    rows = [f"| {ABILITIES[name]} | {why} |\n" for name, why in sorted(lacks.items())]
    return "\n| what it does not do | why |\n|---|---|\n" + "".join(rows)


def _of_option(name: str, field: dict[str, Any], *, must: bool) -> str:
    limits = [f"{said} {field[key]:g}" for key, said in _LIMITS.items() if key in field]
    value = ", ".join([_TYPES[field["type"]], *limits])
    if field.get("format") == "password" or field.get("items", {}).get("format") == "password":
        value += ", secret"
    default = "required" if must else f"`{field['default']}`"
    return f"| `{name}` | {value} | {default} | {field['description']} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
