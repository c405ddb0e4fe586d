"""The operator's bank, which writes a statement of what came in: CAMT.053 of ISO 20022, version 08.

It knows what was transferred and nothing of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

from terms.money import Money

OURS, THEIRS = "AT611904300234573201", "DE89370400440532013000"
_SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money that came in: how much, from whom, and what the payer wrote."""

    amount: Money
    name: str
    text: str


def statement(on: date, *transfers: Transfer) -> str:
    """Write the statement of a day on which the account was empty in the morning."""
    currency = transfers[0].amount.currency
    total = sum((one.amount for one in transfers), Money(0, currency))
    entries = "".join(_entry(on, number, one) for number, one in enumerate(transfers, 1))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{_SPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>DAY-{on}</MsgId><CreDtTm>{on}T20:00:00</CreDtTm></GrpHdr>"
        f"<Stmt><Id>DAY-{on}</Id><ElctrncSeqNb>1</ElctrncSeqNb>"
        f"<Acct><Id><IBAN>{OURS}</IBAN></Id><Ccy>{currency}</Ccy></Acct>"
        f"{_balance('OPBD', Money(0, currency), on)}{_balance('CLBD', total, on)}{entries}"
        "</Stmt></BkToCstmrStmt></Document>\n"
    )


def _balance(code: str, amount: Money, on: date) -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f"<Bal>{kind}{_amount(amount)}<Dt><Dt>{on}</Dt></Dt></Bal>"


def _entry(on: date, number: int, one: Transfer) -> str:
    family = "<Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>"
    payer = (
        f"<RltdPties><Dbtr><Pty><Nm>{escape(one.name)}</Nm></Pty></Dbtr>"
        f"<DbtrAcct><Id><IBAN>{THEIRS}</IBAN></Id></DbtrAcct></RltdPties>"
    )
    return (
        f"<Ntry>{_amount(one.amount)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{on}</Dt></BookgDt><ValDt><Dt>{on}</Dt></ValDt>"
        f"<AcctSvcrRef>{on:%Y%m%d}-{number}</AcctSvcrRef><BkTxCd>{family}</BkTxCd>"
        f"<NtryDtls><TxDtls>{_amount(one.amount)}{payer}"
        f"<RmtInf><Ustrd>{escape(one.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )


def _amount(amount: Money) -> str:
    return f'<Amt Ccy="{amount.currency}">{amount.plain}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
