"""Writes pain.008.001.08, the direct debit initiation of ISO 20022, as SEPA Core wants it.

Source: EPC130-08, the customer-to-bank implementation guidelines of the SEPA Core Direct Debit. The
same batch is the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from lxml import etree

from billing.debits.codes import NAME_CHARS_MAX, TEXT_CHARS_MAX, spelled
from billing.debits.model import Creditor, Line
from billing.debits.model import Sequence as SequenceType
from terms.money import Money

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"
# What stands for the bank of an account where its IBAN says all.
_NOT_PROVIDED = "NOTPROVIDED"
# What says that the account is another one than the mandate was given for.
_OTHER_ACCOUNT = "SMNDA"


def write(
    batch: str, creditor: Creditor, collect_on: date, lines: Sequence[Line], made_at: datetime
) -> bytes:
    """Write the file of a batch: one block for each sequence in it."""
    document = etree.Element(f"{{{NAMESPACE}}}Document", nsmap={None: NAMESPACE})
    root = _add(document, "CstmrDrctDbtInitn")
    header = _add(root, "GrpHdr")
    _add(header, "MsgId", batch)
    _add(header, "CreDtTm", made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _sums(header, lines)
    _name(_add(header, "InitgPty"), creditor.name)
    for kind in SequenceType:
        own = [one for one in lines if one.sequence is kind]
        if own:
            block = _block(root, f"{batch}-{kind}", creditor, collect_on, own)
            for one in own:
                _debit(block, one)
    etree.indent(document)
    text: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    return text + b"\n"


def _block(
    root: Any, name: str, creditor: Creditor, collect_on: date, lines: Sequence[Line]
) -> Any:
    block = _add(root, "PmtInf")
    _add(block, "PmtInfId", name)
    _add(block, "PmtMtd", "DD")
    _add(block, "BtchBookg", "true")
    _sums(block, lines)
    kind = _add(block, "PmtTpInf")
    _add(_add(kind, "SvcLvl"), "Cd", "SEPA")
    _add(_add(kind, "LclInstrm"), "Cd", "CORE")
    _add(kind, "SeqTp", lines[0].sequence.value)
    _add(block, "ReqdColltnDt", collect_on.isoformat())
    _name(_add(block, "Cdtr"), creditor.name)
    _account(block, "CdtrAcct", creditor.iban)
    bank = _add(_add(block, "CdtrAgt"), "FinInstnId")
    if creditor.bic:
        _add(bank, "BICFI", creditor.bic)
    else:
        _add(_add(bank, "Othr"), "Id", _NOT_PROVIDED)
    _add(block, "ChrgBr", "SLEV")
    scheme = _add(_add(_add(_add(block, "CdtrSchmeId"), "Id"), "PrvtId"), "Othr")
    _add(scheme, "Id", creditor.identifier)
    _add(_add(scheme, "SchmeNm"), "Prtry", "SEPA")
    return block


def _debit(block: Any, one: Line) -> None:
    debit = _add(block, "DrctDbtTxInf")
    _add(_add(debit, "PmtId"), "EndToEndId", one.mark)
    _add(debit, "InstdAmt", one.amount.plain).set("Ccy", one.amount.currency)
    mandate = _add(_add(debit, "DrctDbtTx"), "MndtRltdInf")
    _add(mandate, "MndtId", one.reference)
    _add(mandate, "DtOfSgntr", one.signed_on.isoformat())
    if one.is_amended:
        _add(mandate, "AmdmntInd", "true")
        changed = _add(_add(mandate, "AmdmntInfDtls"), "OrgnlDbtrAcct")
        _add(_add(_add(changed, "Id"), "Othr"), "Id", _OTHER_ACCOUNT)
    bank = _add(_add(debit, "DbtrAgt"), "FinInstnId")
    _add(_add(bank, "Othr"), "Id", _NOT_PROVIDED)
    _name(_add(debit, "Dbtr"), one.holder)
    _account(debit, "DbtrAcct", one.iban)
    _add(_add(debit, "RmtInf"), "Ustrd", spelled(one.text, TEXT_CHARS_MAX))


def _sums(node: Any, lines: Sequence[Line]) -> None:
    total = sum(one.amount.amount_minor for one in lines)
    _add(node, "NbOfTxs", str(len(lines)))
    _add(node, "CtrlSum", Money(total, lines[0].amount.currency).plain)


def _account(node: Any, tag: str, iban: str) -> None:
    _add(_add(_add(node, tag), "Id"), "IBAN", iban)


def _name(node: Any, name: str) -> None:
    _add(node, "Nm", spelled(name, NAME_CHARS_MAX) or _NOT_PROVIDED)


def _add(node: Any, tag: str, text: str | None = None) -> Any:
    child = etree.SubElement(node, f"{{{NAMESPACE}}}{tag}")
    child.text = text
    return child
