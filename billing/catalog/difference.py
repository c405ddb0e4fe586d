"""What another edition of a catalogue changes: who pays what from when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from billing.catalog.document import Document, Row
from billing.catalog.model import OfferingKind, usual_channel
from billing.catalog.terms import TERMS, USUAL

_LIMITS = ("from_on", "until_on", "ends", "limit", "limit_account", "group")
_USUAL = {name: str(getattr(USUAL, name) or "") for name in TERMS}
_PRICED = ("deposit", "lost_fee", "includes_tax", "tiers", "bundled", "minimum", "usage")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is otherwise: `field` of an offering, price, tax, promotion, tier, from a day
    on.

    `before` and `after` are words of people; an empty one is nothing. `where` is a currency or a
    jurisdiction.
    """

    table: str
    key: str
    field: str
    where: str = ""
    from_on: str = ""
    before: str = ""
    after: str = ""

    @property
    def name(self) -> str:
        """What it is about, as people call it."""
        return f"tier {self.key}" if self.table == "loyalty_tiers" else self.key

    def __str__(self) -> str:
        since = f" from {self.from_on}" if self.from_on else ""
        place = f" in {self.where}" if self.where and self.table == "taxes" else ""
        if not self.before:
            return f"{self.name}: {self.field} {self.after}{place}{since}, new"
        return f"{self.name}: {self.field} {self.after or 'none'}{place}{since}, was {self.before}"


def differences(before: Document, after: Document) -> list[Difference]:
    """List what an edition changes, by table, key and day."""
    found = [
        *_taxes(before.get("taxes", ()), after.get("taxes", ())),
        *_offerings(before.get("offerings", ()), after.get("offerings", ())),
        *_prices(before.get("prices", ()), after.get("prices", ())),
    ]
    # A version from before promotions or loyalty were a part of it knows nothing of them.
    for table, differ in (
        ("promotions", _promotions),
        ("loyalty", _loyalty),
        ("loyalty_tiers", _tiers),
    ):
        if not before or table in before:
            found += differ(before.get(table, ()), after.get(table, ()))
    return sorted(found, key=lambda one: (one.name, one.table, one.from_on, one.where, one.field))


def _taxes(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    for row in after:
        place = row.get("jurisdiction", "")
        held = _in_force(before, row, ("tax", "jurisdiction"))
        if held.get("rate") != row["rate"]:
            yield Difference(
                table="taxes",
                key=row["tax"],
                field="rate",
                where=place,
                from_on=row["effective_from"],
                before=held.get("rate", ""),
                after=row["rate"],
            )


def _offerings(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    known = {row["code"]: row for row in before}
    for row in after:
        held = known.get(row["code"], {})
        if not held:
            name = f"{row['name']} ({row['kind']})"
            yield Difference(table="offerings", key=row["code"], field="name", after=name)
            continue
        for field in sorted({*held, *row}):
            was, now = _term(held, field), _term(row, field)
            if was != now:
                yield Difference(
                    table="offerings", key=row["code"], field=field, before=was, after=now
                )


def _prices(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    for row in after:
        held = _in_force(before, row, ("offering", "currency"))
        for field in ("amount", *_PRICED):
            was, now = _text(held.get(field)), _text(row.get(field))
            if was != now:
                yield Difference(
                    table="prices",
                    key=row["offering"],
                    field=field,
                    where=row["currency"],
                    from_on=row["effective_from"],
                    before=_money(was, field, row),
                    after=_money(now, field, row),
                )


def _promotions(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    known = {row["code"]: row for row in before}
    for row in after:
        held = known.get(row["code"], {})
        fields = sorted({*held, *row} - {"code"})
        if not held:
            off = _taken_off(row)
            yield Difference(table="promotions", key=row["code"], field="discount", after=off)
            fields = [name for name in fields if name in _LIMITS]
        for name in fields:
            was, now = _text(held.get(name)), _text(row.get(name))
            if was != now:
                yield Difference(
                    table="promotions", key=row["code"], field=name, before=was, after=now
                )


def _loyalty(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    held, row = next(iter(before), {}), next(iter(after), {})
    yield from _otherwise("loyalty", "loyalty", held, row)


def _tiers(before: Sequence[Row], after: Sequence[Row]) -> Iterator[Difference]:
    held, now = ({row["name"]: row for row in rows} for rows in (before, after))
    for name in sorted({*held, *now}):
        yield from _otherwise("loyalty_tiers", name, held.get(name, {}), now.get(name, {}))


def _otherwise(table: str, key: str, held: Row, row: Row) -> Iterator[Difference]:
    """List the fields of a row that say something else, gone ones too."""
    for field in sorted({*held, *row} - {"name"}):
        was, now = _text(held.get(field)), _text(row.get(field))
        if was != now:
            yield Difference(table=table, key=key, field=field, before=was, after=now)


def _taken_off(row: Row) -> str:
    of = _text(row.get("limited_to")) or "the invoice"
    words = f"{row.get('percent') or row.get('amount')} off {of}"
    if "periods" in row:
        return f"{words}, {row['periods']} periods"
    return f"{words}, {row['ahead']} periods ahead" if "ahead" in row else words


def _in_force(rows: Sequence[Row], of: Row, keys: Sequence[str]) -> Row:
    """Find what was in force of the same on the day of a row."""
    mine = [
        row
        for row in rows
        if all(row.get(key) == of.get(key) for key in keys)
        and row["effective_from"] <= of["effective_from"]
    ]
    return max(mine, key=lambda row: str(row["effective_from"]), default={})


def _money(text: str, field: str, row: Row) -> str:
    return (
        f"{text} {row['currency']}"
        if text and field not in ("includes_tax", "tiers", "usage")
        else text
    )


def _term(row: Row, field: str) -> str:
    """Write what an offering says; of a term that it leaves out, what that means."""
    if field == "sales_channel" and row["kind"] == OfferingKind.ONE_OFF:
        return _text(row.get(field)) or usual_channel(grants=bool(row.get("grants")))
    return _text(row.get(field)) or _USUAL.get(field, "")


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "")
