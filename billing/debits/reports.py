"""Reads what a bank says of debits: pain.002 (refused before they were settled) and CAMT.054.

Source: the message definitions pain.002.001 and camt.054.001 (iso20022.org), EPC130-08. A report
moves no money in our books: the statement of the account does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree

from billing.bank.camt import refuse_unsafe
from billing.bank.model import REF_CHARS_MAX, reference
from billing.debits.model import Back, Report, Unclear
from billing.debits.reasons import CODE_CHARS_MAX, UNSAID
from terms.errors import Invalid
from terms.money import Money

BACK_MAX = 100_000
_ROOT = re.compile(
    r"\{(urn:iso:std:iso:20022:tech:xsd:(pain\.002|camt\.054)\.001\.[0-9]{2})\}Document"
)
_REFUSED = "RJCT"
_TAKEN = frozenset({"RCVD", "PDNG", "ACTC", "ACCP", "ACWC", "ACSP", "ACSC", "ACCC"})
_BELOW = frozenset({"PART", ""})  # what it is about is told one by one
_SILENT = "no status"


def read(data: bytes) -> Report:
    """Read a report. Raises Invalid for anything else."""
    refuse_unsafe(data)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise Invalid("file", f"it is no sound XML: {error.msg}") from None
    found = _ROOT.fullmatch(root.tag)
    if found is None:
        raise Invalid("file", "it is neither pain.002.001 nor camt.054.001 of ISO 20022")
    report = _Reading(root, found.group(1))
    told = list(report.refused() if found.group(2) == "pain.002" else report.returned())
    if len(told) > BACK_MAX:
        raise Invalid("file", f"it tells of more than {BACK_MAX} debits")
    return Report(
        back=tuple(one for one in told if isinstance(one, Back)),
        unclear=tuple(one for one in told if isinstance(one, Unclear)),
    )


class _Word(NamedTuple):
    """How something stands, and why: its own word, or that of what it is in."""

    status: str
    code: str


class _Reading:
    """The elements of one report, by paths without their namespace."""

    def __init__(self, root: Any, namespace: str) -> None:
        self._root = root
        self._in = f"{{{namespace}}}"

    def refused(self) -> Iterator[Back | Unclear]:
        """Yield what pain.002 refuses: all, or by blocks, each of them whole or single debits.

        What says nothing of itself is as what it is in.
        """
        report = self._root.find(self._path("CstmrPmtStsRpt"))
        if report is None:
            raise Invalid("file", "there is no report in it")
        blocks = report.findall(self._path("OrgnlPmtInfAndSts"))
        group, above = report.find(self._path("OrgnlGrpInfAndSts")), _Word("", UNSAID)
        if group is not None:
            above = self._word(group, "GrpSts", above)
            yield from self._whole(group, "OrgnlMsgId", above, tells_below=bool(blocks))
        for block in blocks:
            word = self._word(block, "PmtInfSts", above)
            singles = block.findall(self._path("TxInfAndSts"))
            yield from self._whole(block, "OrgnlPmtInfId", word, tells_below=bool(singles))
            for one in singles:
                yield from self._single(one, word)

    def _whole(
        self, node: Any, name: str, word: _Word, *, tells_below: bool
    ) -> Iterator[Back | Unclear]:
        """Yield that a batch, or a block of it, is refused whole, or that nobody knows."""
        if word.status == _REFUSED:
            yield Back(mark=self._mark(node, name), code=word.code, is_batch=True)
        elif word.status not in (_TAKEN | _BELOW if tells_below else _TAKEN):
            said = word.status or _SILENT
            yield Unclear(mark=self._mark(node, name), said=said, is_batch=True)

    def _single(self, node: Any, above: _Word) -> Iterator[Back | Unclear]:
        """Yield that one debit is refused, or that nobody knows."""
        word = self._word(node, "TxSts", above)
        mark = self._mark(node, "OrgnlEndToEndId")
        if word.status == _REFUSED:
            yield Back(mark=mark, code=word.code, amount=self._amount(node))
        elif above.status == _REFUSED:
            yield Unclear(mark=mark, said=f"{word.status} in what is {_REFUSED}")
        elif word.status not in _TAKEN:
            yield Unclear(mark=mark, said=word.status or _SILENT)

    def _word(self, node: Any, path: str, above: _Word) -> _Word:
        said = self._text(node, path)
        code = self._text(node, "StsRsnInf/Rsn/Cd")[:CODE_CHARS_MAX]
        return _Word(said or above.status, code or above.code)

    def returned(self) -> Iterator[Back]:
        """Yield what CAMT.054 says went back."""
        notifications = self._root.findall(self._path("BkToCstmrDbtCdtNtfctn/Ntfctn"))
        if not notifications:
            raise Invalid("file", "there is no notification in it")
        for one in notifications:
            for detail in one.iterfind(self._path("Ntry/NtryDtls/TxDtls")):
                if detail.find(self._path("RtrInf")) is not None:
                    mark = self._mark(detail, "Refs/EndToEndId")
                    yield Back(mark=mark, code=self._code(detail, "RtrInf"))

    def _mark(self, node: Any, path: str) -> str:
        mark = reference(self._text(node, path))
        if not 0 < len(mark) <= REF_CHARS_MAX:
            raise Invalid("file", f"line {node.sourceline}: it does not say which debit it is of")
        return mark

    def _code(self, node: Any, path: str) -> str:
        return self._text(node, f"{path}/Rsn/Cd")[:CODE_CHARS_MAX] or UNSAID

    def _amount(self, node: Any) -> Money | None:
        found = node.find(self._path("OrgnlTxRef/Amt/InstdAmt"))
        if found is None:
            return None
        try:
            return Money.parse((found.text or "").strip(), found.get("Ccy", ""))
        except ValueError as error:
            raise Invalid("file", f"line {node.sourceline}: {error}") from None

    def _text(self, node: Any, path: str) -> str:
        return (node.findtext(self._path(path)) or "").strip()

    def _path(self, path: str) -> str:
        return "/".join(f"{self._in}{name}" for name in path.split("/"))
