"""A long statement of a bank, as banks write it: most lines name an invoice or a contract."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from app.desk import banking
from app.settings import Settings
from app.shape import bring_up, open_house
from app.wiring import House
from bench.bill_run import paid_household
from bench.billing_process import settings
from bench.crowd import CONTRACT, multiply
from bench.database import fresh_postgres
from bench.report import Result, at_most

LINES = int(os.environ.get("BOXOFFICE_BENCH_LINES", "50000"))
ACTOR, WITHIN_S = "bench", 20.0
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
# Of ten lines: four name an invoice, three a contract, two nobody, and one is the bank's own.
BY_INVOICE, BY_CONTRACT, UNKNOWN = 4, 7, 9


async def run() -> list[Result]:
    """Take a statement about a crowd on PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-bench-") as name:
        async with fresh_postgres() as url:
            took_s = await _measured(settings(Path(name), url))
    return [at_most("bank", took_s, unit="s", target=WITHIN_S)]


async def _measured(place: Settings) -> float:
    await bring_up(place)
    async with open_house(place) as house:
        await paid_household(house)
        async with house.store.begin() as tx:
            await multiply(tx, LINES)
        async with house.store.begin() as tx:
            await tx.driver("ANALYZE")
        return await _taken(house)


async def _taken(house: House) -> float:
    data = "\n".join(_file()).encode()
    begun_s = time.perf_counter()
    outcome = await banking.take_all(house, data, ACTOR)
    took_s = time.perf_counter() - begun_s
    tenth = LINES // 10
    wanted = {"matched": 7 * tenth, "suspense": 2 * tenth, "charge": tenth}
    if outcome.states != wanted:
        raise RuntimeError(f"{outcome.states} and not {wanted}")
    return took_s


def _file() -> Iterator[str]:
    day = datetime.now(UTC).date()
    total = sum(-100 if n % 10 >= UNKNOWN else 100 + n for n in range(LINES))
    yield f'<Document xmlns="{NAMESPACE}"><BkToCstmrStmt><Stmt><Id>LONG</Id>'
    yield "<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>"
    for code, cents in (("OPBD", 0), ("CLBD", total)):
        yield f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(cents)}"
        yield f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    for n in range(LINES):
        yield _entry(n, str(day))
    yield "</Stmt></BkToCstmrStmt></Document>"


def _amount(cents: int) -> str:
    side = "DBIT" if cents < 0 else "CRDT"
    units, rest = divmod(abs(cents), 100)
    return f'<Amt Ccy="EUR">{units}.{rest:02}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def _entry(n: int, day: str) -> str:
    kind = n % 10
    text, code = f"Television {n}, with thanks", "ESCT"
    if kind < BY_INVOICE:
        text = f"Invoice INV-{n + 1:08} of this month"
    elif kind < BY_CONTRACT:
        text = f"{int(CONTRACT) + n} television"
    elif kind >= UNKNOWN:
        code = "CHRG"
    return (
        f"<Ntry>{_amount(-100 if code == 'CHRG' else 100 + n)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>"
        f"<AcctSvcrRef>R{n:09}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd>"
        f"<SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls>"
        f"<Refs><EndToEndId>E{n}</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>Payer Number {n}"
        f"</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>DE{n:020}</IBAN></Id></DbtrAcct></RltdPties>"
        f"<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
