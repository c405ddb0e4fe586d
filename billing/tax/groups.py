"""Tax groups of a document as the text of a column. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from billing.tax.levels import Level
from billing.tax.model import HOME, TaxGroup
from terms.money import Money, Rate


def encode_groups(groups: Sequence[TaxGroup]) -> str:
    """Write tax groups as text."""
    rows = [
        [g.tax, g.rate.ppm, g.net.amount_minor, g.amount.amount_minor, *_unusual(g)] for g in groups
    ]
    return json.dumps(rows, separators=(",", ":"))


def _unusual(group: TaxGroup) -> tuple[str, ...]:
    is_usual = group.level is Level.GROUP and group.jurisdiction == HOME
    return () if is_usual else (group.level.value, group.jurisdiction)


def decode_groups(text: str, currency: str) -> Iterator[TaxGroup]:
    """Read what `encode_groups` wrote."""
    for tax, ppm, net, amount, *unusual in json.loads(text):
        level, jurisdiction = unusual or (Level.GROUP, HOME)
        yield TaxGroup(
            tax=tax,
            rate=Rate(ppm),
            net=Money(net, currency),
            amount=Money(amount, currency),
            jurisdiction=jurisdiction,
            level=Level(level),
        )
