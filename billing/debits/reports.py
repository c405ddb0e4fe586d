"""Reads what a bank says of debits: pain.002 (refused before they were settled) and CAMT.054.

Source: the message definitions pain.002.001 and camt.054.001 (iso20022.org), EPC130-08. A report
moves no money in our books: the statement of the account does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from billing.bank.camt import refuse_unsafe
from billing.bank.model import REF_CHARS_MAX, reference
from billing.debits.model import Back
from billing.debits.reasons import CODE_CHARS_MAX, UNSAID
from terms.errors import Invalid
from terms.money import Money

BACK_MAX = 100_000
_ROOT = re.compile(
    r"\{(urn:iso:std:iso:20022:tech:xsd:(pain\.002|camt\.054)\.001\.[0-9]{2})\}Document"
)
_REFUSED = "RJCT"


def read(data: bytes) -> list[Back]:
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
    report = _Report(root, found.group(1))
    told = list(report.refused() if found.group(2) == "pain.002" else report.returned())
    if len(told) > BACK_MAX:
        raise Invalid("file", f"it tells of more than {BACK_MAX} debits")
    return told


class _Report:
    """The elements of one report, by paths without their namespace."""

    def __init__(self, root: Any, namespace: str) -> None:
        self._root = root
        self._in = f"{{{namespace}}}"

    def refused(self) -> Iterator[Back]:
        """Yield what pain.002 refuses: single debits; or blocks, or all, where none is named."""
        report = self._root.find(self._path("CstmrPmtStsRpt"))
        if report is None:
            raise Invalid("file", "there is no report in it")
        singles = report.findall(self._path("OrgnlPmtInfAndSts/TxInfAndSts"))
        for one in singles:
            if self._text(one, "TxSts") == _REFUSED:
                mark = self._mark(one, "OrgnlEndToEndId")
                yield Back(mark=mark, code=self._code(one, "StsRsnInf"), amount=self._amount(one))
        if singles:
            return
        group = report.find(self._path("OrgnlGrpInfAndSts"))
        if group is not None and self._text(group, "GrpSts") == _REFUSED:
            code = self._code(group, "StsRsnInf")
            yield Back(mark=self._mark(group, "OrgnlMsgId"), code=code, is_batch=True)
            return
        for block in report.findall(self._path("OrgnlPmtInfAndSts")):
            if self._text(block, "PmtInfSts") == _REFUSED:
                code = self._code(block, "StsRsnInf")
                yield Back(mark=self._mark(block, "OrgnlPmtInfId"), code=code, is_batch=True)

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
