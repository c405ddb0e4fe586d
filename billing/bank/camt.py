"""Reads CAMT.053, the bank-to-customer statement of ISO 20022, in any version of its namespace.

Source: the message definition camt.053.001, versions 02 to 13 (iso20022.org). What a bank has not
booked is left out; a batch whose parts add up to it is read part by part.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lxml import etree

from billing.bank.model import (
    AMOUNT_MINOR_MAX,
    REASON_CHARS_MAX,
    Line,
    LineKind,
    Statement,
    account_of,
    plain,
    reference,
)
from terms.errors import Invalid
from terms.money import Money

LINES_MAX = 500_000
_ROOT = re.compile(r"\{(urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.[0-9]{2})\}Document")
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ENCODINGS = frozenset({b"utf-8", b"us-ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"})
_OPENING, _CLOSING, _BETWEEN = ("OPBD", "PRCD"), ("CLBD",), "ITBD"
_BOOKED = "BOOK"
# Families of bank transaction codes that are the bank's own price.
_CHARGES = frozenset({"CHRG", "COMM", "FEES"})
_RETURNS = frozenset({"RRTN", "RPCR", "UPDD", "PRDD", "RCDD", "RIMB"})
_REFS = ("AcctSvcrRef", "TxId")


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A statement on its way in."""

    lines: list[Line] = field(default_factory=list)
    entries: int = 0


class _Names:
    """Paths of elements in the namespace of one file."""

    def __init__(self, namespace: str) -> None:
        self._in = f"{{{namespace}}}"
        self._paths: dict[str, str] = {}

    def path(self, path: str) -> str:
        found = self._paths.get(path)
        if found is None:
            found = "/".join(f"{self._in}{name}" for name in path.split("/"))
            self._paths[path] = found
        return found

    def text(self, node: Any, *paths: str) -> str:
        """Return the first of these texts that is there."""
        for path in paths:
            found: str | None = node.findtext(self.path(path))
            if found and (said := plain(found)):
                return said
        return ""

    def texts(self, node: Any, path: str) -> str:
        """Return all texts of a path, in a row."""
        return plain(" ".join(each.text or "" for each in node.iterfind(self.path(path))))


def looks_like(data: bytes) -> bool:
    """Tell whether this is XML at all."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read(data: bytes) -> Iterator[Statement]:
    """Read every statement of a file; none is checked yet. Raises Invalid, which names a line."""
    refuse_unsafe(data)
    try:
        yield from _statements(data)
    except etree.XMLSyntaxError as error:
        raise Invalid("file", f"it is no sound XML: {error.msg}") from None


def refuse_unsafe(data: bytes) -> None:
    """Raise Invalid for XML that asks for more than to be read."""
    declared = _DECLARED.search(data[:200])
    if declared and declared.group(1).lower() not in _ENCODINGS:
        raise Invalid("file", f"the encoding {declared.group(1).decode()} is not read here")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise Invalid("file", "a statement has no DOCTYPE")


def _statements(data: bytes) -> Iterator[Statement]:
    events = etree.iterparse(
        io.BytesIO(data),
        events=("end",),
        tag=("{*}Ntry", "{*}Stmt"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    names: _Names | None = None
    draft = _Draft()
    statements = 0
    for _, node in events:
        if names is None:
            names = _opened(node.getroottree().getroot())
        if node.tag == names.path("Ntry"):
            draft.entries += 1
            draft.lines += _lines(names, node, draft.entries)
            if len(draft.lines) > LINES_MAX:
                raise Invalid("file", f"a statement has more than {LINES_MAX} lines")
            _forget(node)
        elif node.tag == names.path("Stmt"):
            yield _statement(names, node, draft)
            statements += 1
            draft = _Draft()
            _forget(node)
    if names is None:
        _opened(events.root)
    if not statements:
        raise Invalid("file", "there is no statement in it")


def _opened(node: Any) -> _Names:
    found = _ROOT.fullmatch(node.tag)
    if found is None:
        raise Invalid("file", "it is not of camt.053.001, the statement of ISO 20022")
    return _Names(found.group(1))


def _forget(node: Any) -> None:
    """Let go of what is read, so that a long file takes little memory."""
    node.clear()
    before = node.getprevious()
    while before is not None and before.tag == node.tag:
        node.getparent().remove(before)
        before = node.getprevious()


def _statement(names: _Names, node: Any, draft: _Draft) -> Statement:
    where = f"line {node.sourceline}"
    opening, opened_on, closing, closed_on = _balances(names, node, where)
    account = names.text(node, "Acct/Id/IBAN", "Acct/Id/Othr/Id")
    number = names.text(node, "ElctrncSeqNb", "LglSeqNb")
    page = names.text(node, "StmtPgntn/PgNb")
    key = names.text(node, "Id")
    return Statement(
        account=account_of(account),
        id=f"{key}/{page}" if page and page != "1" else key,
        sequence=int(number) if number.isascii() and number.isdigit() else None,
        opening=opening,
        closing=closing,
        opened_on=opened_on,
        closed_on=closed_on,
        lines=tuple(draft.lines),
    )


def _balances(names: _Names, node: Any, where: str) -> tuple[Money, date, Money, date]:
    opening: list[tuple[Money, date]] = []
    closing: list[tuple[Money, date]] = []
    between: list[tuple[Money, date]] = []
    for one in node.iterfind(names.path("Bal")):
        code = names.text(one, "Tp/CdOrPrtry/Cd")
        found = _amount(names, one, where), _day(names, one, "Dt", where)
        if code in _OPENING:
            opening.append(found)
        elif code in _CLOSING:
            closing.append(found)
        elif code == _BETWEEN:
            between.append(found)
    # A page in the middle opens, or closes, with a balance in between.
    first = [*opening, *between]
    last = [*closing, *between[::-1]]
    if not first or not last or not (opening or closing or between[1:]):
        raise Invalid("file", f"{where}: a statement needs its opening and its closing balance")
    return *first[0], *last[0]


def _lines(names: _Names, node: Any, n: int) -> list[Line]:
    where = f"entry {n} (line {node.sourceline})"
    if names.text(node, "Sts/Cd", "Sts") != _BOOKED:
        return []
    whole = _amount(names, node, where)
    if not whole.amount_minor:
        return []
    parts = node.findall(names.path("NtryDtls/TxDtls"))
    if len(parts) == 1:
        return [_line(names, node, parts[0], whole, where)]
    if parts:
        amounts = [_part_amount(names, one, whole, where) for one in parts]
        known = [one for one in amounts if one is not None and one.amount_minor]
        if len(known) == len(parts) and sum(each.amount_minor for each in known) == (
            whole.amount_minor
        ):
            return [
                _line(names, node, part, amount, f"{where}, part {m}", is_part=True)
                for m, (part, amount) in enumerate(zip(parts, known, strict=True), 1)
            ]
    return [_line(names, node, None, whole, where)]


def _line(
    names: _Names, node: Any, part: Any, amount: Money, where: str, *, is_part: bool = False
) -> Line:
    booked_on = _day(names, node, "BookgDt", where)
    has_value = node.find(names.path("ValDt")) is not None
    of_whole = reference(names.text(node, "AcctSvcrRef"))
    detail = etree.Element("none") if part is None else part
    own = ""
    for name in _REFS:
        own = own or reference(names.text(detail, f"Refs/{name}"))
    came_in = amount.amount_minor > 0
    party, bank_account = ("Dbtr", "DbtrAcct") if came_in else ("Cdtr", "CdtrAcct")
    kind = _kind(names, node, detail)
    if kind is LineKind.RETURN and not names.text(detail, f"RltdPties/{bank_account}/Id/IBAN"):
        party, bank_account = "Dbtr", "DbtrAcct"
    texts = names.texts(detail, "RmtInf/Ustrd"), names.text(detail, "AddtlTxInf")
    return Line(
        place=where,
        kind=kind,
        booked_on=booked_on,
        value_on=_day(names, node, "ValDt", where) if has_value else booked_on,
        amount=amount,
        # Parts of a batch share the reference of the whole.
        ref=f"{of_whole}/{own}".strip("/") if is_part else of_whole or own,
        end_to_end=reference(names.text(detail, "Refs/EndToEndId", "Refs/TxId")),
        structured=names.texts(detail, "RmtInf/Strd/CdtrRefInf/Ref")
        or names.texts(detail, "RmtInf/Strd/RfrdDocInf/Nb"),
        text=texts[0] or texts[1] or names.text(node, "AddtlNtryInf"),
        name=names.text(detail, f"RltdPties/{party}/Nm", f"RltdPties/{party}/Pty/Nm"),
        iban=account_of(
            names.text(
                detail,
                f"RltdPties/{bank_account}/Id/IBAN",
                f"RltdPties/{bank_account}/Id/Othr/Id",
            )
        ),
        reason=names.text(detail, "RtrInf/Rsn/Cd")[:REASON_CHARS_MAX],
    )


def _kind(names: _Names, node: Any, detail: Any) -> LineKind:
    code = "BkTxCd/Domn/Fmly/SubFmlyCd"
    codes = {names.text(node, code), names.text(detail, code)}
    if codes & _CHARGES:
        return LineKind.CHARGE
    is_back = names.text(node, "RvslInd") in ("true", "1")
    if is_back or detail.find(names.path("RtrInf")) is not None or codes & _RETURNS:
        return LineKind.RETURN
    return LineKind.MONEY


def _amount(names: _Names, node: Any, where: str, path: str = "Amt") -> Money:
    found = node.find(names.path(path))
    if found is None:
        raise Invalid("file", f"{where}: an amount is missing")
    side = names.text(node, "CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        raise Invalid("file", f"{where}: it says neither credit nor debit")
    amount = _money(found.text or "", found.get("Ccy", ""), where)
    return amount if side == "CRDT" else -amount


def _part_amount(names: _Names, part: Any, whole: Money, where: str) -> Money | None:
    """Return the amount of a part in the direction it says, or that of the whole."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        found = part.find(names.path(path))
        if found is not None and found.get("Ccy") == whole.currency:
            amount = _money(found.text or "", whole.currency, where)
            side = names.text(part, "CdtDbtInd")
            is_in = side == "CRDT" if side else whole.amount_minor > 0
            return amount if is_in else -amount
    return None


def _money(text: str, currency: str, where: str) -> Money:
    try:
        amount = Money.parse(text.strip(), currency)
    except ValueError as error:
        raise Invalid("file", f"{where}: {error}") from None
    if not 0 <= amount.amount_minor <= AMOUNT_MINOR_MAX:
        raise Invalid("file", f"{where}: {amount} is no amount of a line")
    return amount


def _day(names: _Names, node: Any, path: str, where: str) -> date:
    said = names.text(node, f"{path}/Dt", f"{path}/DtTm")
    try:
        return date.fromisoformat(said[:10])
    except ValueError:
        raise Invalid("file", f"{where}: {said or 'nothing'!r} is no date") from None
