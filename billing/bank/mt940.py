"""Reads MT940, the customer statement message of SWIFT, by the package `mt-940`.

The package forgives what it cannot read: here every line of money has to be there, and all of
them to add up. Source: the message of category 9, MT 940, as banks publish it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import mt940

from billing.bank.model import (
    AMOUNT_MINOR_MAX,
    Line,
    LineKind,
    Statement,
    account_of,
    plain,
    reference,
)
from terms.errors import Invalid
from terms.money import Money

_ENCODINGS = ("utf-8-sig", "iso-8859-1")
_BEGINS = re.compile(r"^:20:", re.MULTILINE)
_LINE = re.compile(r"^:61:", re.MULTILINE)
_CHARGES = frozenset({"CHG", "COM"})
_RETURNS = frozenset({"RTI"})
_REVERSALS = frozenset({"RC", "RD"})
_OPENING = ("final_opening_balance", "intermediate_opening_balance")
_CLOSING = ("final_closing_balance", "intermediate_closing_balance")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def looks_like(data: bytes) -> bool:
    """Tell whether this is such a message."""
    return b":20:" in data and (b":60F:" in data or b":60M:" in data)


def read(data: bytes) -> Iterator[Statement]:
    """Read every statement of a file; none is checked yet. Raises Invalid, which names a line."""
    text = _decoded(data)
    begins = [found.start() for found in _BEGINS.finditer(text)]
    if not begins:
        raise Invalid("file", "there is no statement in it")
    for begin, end in zip(begins, [*begins[1:], len(text)], strict=True):
        yield _statement(text[begin:end], text.count("\n", 0, begin) + 1)


def _decoded(data: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding).replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    raise Invalid("file", "it is no text")  # pragma: no cover - the last encoding reads anything


def _statement(text: str, first_line: int) -> Statement:
    where = f"line {first_line}"
    try:
        found: Any = mt940.parse(text, options=mt940.Options.all())
    except (ValueError, RuntimeError, ArithmeticError, KeyError, TypeError) as error:
        raise Invalid("file", f"{where}: {plain(str(error))[:200]}") from None
    places = [first_line + text.count("\n", 0, one.start()) for one in _LINE.finditer(text)]
    if len(found.transactions) != len(places):
        raise Invalid("file", f"{where}: of {len(places)} entries {len(found.transactions)} are")
    said = found.data
    opening, opened_on = _balance(said, _OPENING, where)
    closing, closed_on = _balance(said, _CLOSING, where)
    lines = [
        _line(one.data, f"entry {n} (line {place})")
        for n, (one, place) in enumerate(zip(found.transactions, places, strict=True), 1)
    ]
    number = str(said.get("statement_number") or "")
    part = str(said.get("sequence_number") or "")
    return Statement(
        account=account_of(str(said.get("account_identification") or "").rpartition("/")[2]),
        # Numbers begin anew every year.
        id=f"{closed_on} {number or said.get('transaction_reference') or ''} {part}".strip(),
        sequence=int(number) if number.isdigit() else None,
        opening=opening,
        closing=closing,
        opened_on=opened_on,
        closed_on=closed_on,
        lines=tuple(one for one in lines if one.amount.amount_minor),
    )


def _balance(said: Any, names: tuple[str, ...], where: str) -> tuple[Money, date]:
    for name in names:
        found = said.get(name)
        if found is not None:
            return _money(found.amount, where), _day(found.date, where)
    raise Invalid("file", f"{where}: a statement needs its opening and its closing balance")


def _line(said: Any, where: str) -> Line:
    amount = _money(said["amount"], where)
    booked_on = _day(said.get("entry_date") or said["date"], where)
    code = str(said.get("id") or "")[1:]
    kind = LineKind.MONEY
    if code in _CHARGES:
        kind = LineKind.CHARGE
    elif said.get("status") in _REVERSALS or code in _RETURNS or said.get("return_debit_notes"):
        kind = LineKind.RETURN
    purpose = said.get("purpose"), said.get("additional_purpose")
    free = said.get("transaction_details"), said.get("extra_details")
    text = plain("".join(str(one) for one in purpose if one))
    name = said.get("applicant_name"), said.get("recipient_name")
    payer = account_of(said.get("applicant_iban") or said.get("gvc_applicant_iban"))
    return Line(
        place=where,
        kind=kind,
        booked_on=booked_on,
        value_on=_day(said["date"], where),
        amount=amount,
        ref=reference(said.get("bank_reference")),
        end_to_end=reference(said.get("end_to_end_reference"))
        or reference(said.get("customer_reference")),
        text=text or plain(" ".join(str(one) for one in free if one)),
        name=plain(" ".join(str(one) for one in name if one)),
        iban=payer if _IBAN.fullmatch(payer) else "",
    )


def _money(found: Any, where: str) -> Money:
    try:
        amount = Money.parse(f"{found.amount:f}", found.currency)
    except (ValueError, TypeError) as error:
        raise Invalid("file", f"{where}: {error}") from None
    if abs(amount.amount_minor) > AMOUNT_MINOR_MAX:
        raise Invalid("file", f"{where}: {amount} is no amount of a line")
    return amount


def _day(found: Any, where: str) -> date:
    if not isinstance(found, date):
        raise Invalid("file", f"{where}: a date is missing")
    return date(found.year, found.month, found.day)
