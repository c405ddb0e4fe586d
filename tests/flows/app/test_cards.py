"""No number of a payment card comes in by any door, lies in any table or stands in any log."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from app.desk import banking, paying
from app.imports.load import import_paths
from billing.flows.receive import prove, receive
from terms.errors import Invalid
from terms.money import Money
from tests.flows.app.guest import visiting
from tests.flows.app.paying import cleared, signed
from tests.flows.app.served import ENVIRONMENT, HARBOUR
from tests.flows.app.test_audit import API, GUEST, HERE, OWNER, STEPS, TOM
from tests.flows.app.visitor import added, hurry, let_in

CARD = "4242424242424242"
WHY = "number of a payment card"
WORDS = dict.fromkeys(("tomorrow", "after", "next"), "2030-01-01")
# What a field may hold is looked at after its shape, which no card has.
SHAPELESS = ("reason", "note", "name", "text", "resolution", "reference", "place", "password")


class Words(dict):
    """Says something of whatever a step is about."""

    def __missing__(self, name: str) -> str:
        return "x1"


async def tables(house) -> str:
    """Read every row of every table."""
    async with house.store.read() as tx:
        names = await tx.fetch("SELECT name FROM sqlite_schema WHERE type = 'table'")
        rows = [await tx.fetch(f"SELECT * FROM {name}") for (name,) in names]
    return repr(rows)


async def test_no_route_takes_a_card(harbour, served, capfd):
    """Each route that takes a text refuses one by its name; nothing of it is kept or logged."""
    hurry(harbour)
    await added(harbour, TOM, "technician")
    browsers = {OWNER: await let_in(served), TOM: await let_in(served, "technician", TOM)}
    browsers[GUEST] = await visiting(served, HERE)
    headers = {"Authorization": f"Bearer {served.token}", "Content-Type": "application/json"}
    refused = 0
    for who, path, parts, fields in STEPS:
        field = next((name for name in SHAPELESS if name in fields), "")
        if not field or path.endswith("/sign-in"):
            continue
        words = Words(WORDS)
        there = path.format_map({name: text.format_map(words) for name, text in parts.items()})
        told = {
            name: text.format_map(words) if isinstance(text, str) else text
            for name, text in fields.items()
        } | {field: CARD}
        if who == API:
            body = json.dumps(told).encode()
            status, answer, _ = await served.raw("POST", there, headers=headers, data=body)
            assert json.loads(answer)["errors"][0]["field"] == field, (path, answer)
            text = answer.decode()
        else:
            seen = await browsers[who].post(there, **told)
            status, text = seen.status, seen.text
        assert status == 400, (path, status, text[:900])
        assert WHY in text, path
        assert CARD not in text, path
        refused += 1
    assert refused > 20
    assert CARD not in await tables(harbour) + "".join(capfd.readouterr())


async def test_no_file_and_no_command_takes_a_card(harbour, tmp_path):
    """A list names file, row and field; the counter names the field."""
    header, row, *_ = (HARBOUR / "subscribers.csv").read_text("utf-8").splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    cells |= {"contract": "200099", "name": f"Card {CARD}"}
    text = f"{header}\n{','.join(cells.values())}\n"
    (tmp_path / "subscribers.csv").write_text(text, "utf-8")
    outcome = await import_paths(harbour, [tmp_path / "subscribers.csv"], ENVIRONMENT)
    (problem,) = outcome.problems
    assert (problem.field, WHY in problem.why) == ("name", True)
    async with harbour.store.begin() as tx:
        with pytest.raises(Invalid, match="reference"):
            await paying.take_cash(
                harbour, tx, HERE, amount=Money(100, "EUR"), reference=CARD, actor="cli:ann"
            )
    assert CARD not in await tables(harbour)


async def test_what_others_have_written_is_kept_without_it(harbour, capfd):
    """A provider's message and a bank's line may hold one that somebody typed: it is hidden."""
    body = cleared(HERE, 2640).replace(b'"object": "event"', f'"note": "{CARD}"'.encode())
    messages = prove(harbour.desk, "cards", {k.lower(): v for k, v in signed(body).items()}, body)
    async with harbour.store.begin() as tx:
        await receive(harbour.desk, tx, messages)
    await banking.take_all(harbour, STATEMENT.format(card=CARD, day=DAY).encode(), "cli:ann")
    kept = await tables(harbour)
    assert CARD not in kept + "".join(capfd.readouterr())
    assert kept.count("[card]") == 3


DAY = datetime.now(UTC).date()
STATEMENT = """\
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>
<Acct><Id><IBAN>DE89370400440532013000</IBAN></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">0.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">9.00</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">9.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>R1</AcctSvcrRef>
<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>
<RltdPties><Dbtr><Pty><Nm>Payer {card}</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>my card {card}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt>
</Document>"""
