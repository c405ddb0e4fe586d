"""Direct debits from every side: API, console and portal; who may, what is shown, what is noted."""

import html
import re
import shlex
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import typer
from sqlalchemy import select

from app.cli.debits import write_private
from app.desk import debits
from app.desk.auditing import Sought, reading
from billing.accounts.store import account
from billing.debits.model import Creditor, DebitState
from billing.flows import collect
from billing.flows.debits.mandate import Wish
from billing.flows.settle import settle
from billing.payments.store import attempt
from billing.reads import debits as reads
from terms.errors import Invalid, NotFound
from terms.ids import AccountId
from tests.flows.app.guest import visiting
from tests.flows.app.visitor import let_in

HERE, THERE = "200001", "200002"
PAYER, OTHER = "DE02120300000000202051", "DE02500105170137075030"
CREDITOR = Creditor(
    identifier="DE98ZZZ09999999999", name="Harbour TV", iban="DE89370400440532013000", notice_days=1
)
REFUSED = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<OrgnlGrpInfAndSts><OrgnlMsgId>{}</OrgnlMsgId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>
</CstmrPmtStsRpt></Document>"""
OF_ANOTHER_AMOUNT = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">
<CstmrPmtStsRpt><OrgnlPmtInfAndSts><OrgnlPmtInfId>{}-RCUR</OrgnlPmtInfId><TxInfAndSts>
<OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>RJCT</TxSts>
<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">0.01</InstdAmt></Amt></OrgnlTxRef>
</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""
UNTIL = "2099-01-01"


async def announced(house) -> None:
    """Settle everybody and announce what follows, as the lanes do."""
    async with house.store.begin() as tx:
        rows = await tx.rows(select(account.c.id))
        now = await house.clock.business_now(tx) + timedelta(days=130)
        await settle(house.desk, tx, [AccountId(row.id) for row in rows], now)
        keys = [row.id for row in await tx.rows(select(attempt.c.id))]
        await collect.prepare(house.desk, tx, keys)


async def collects(house, **other: Any) -> None:
    """Say who collects, as the operator does on the machine itself."""
    async with house.store.begin() as tx:
        await debits.collect_as(house, tx, replace(CREDITOR, **other), actor="op")


async def test_who_collects_is_audited_with_what_was_so_before(harbour):
    """A wrong number is refused by name; of another account both are told, masked."""
    for field, value in {"identifier": "DE97ZZZ09999999999", "iban": "DE00"}.items():
        with pytest.raises(Invalid, match=field):
            await collects(harbour, **{field: value})
    await collects(harbour)
    await collects(harbour)
    await collects(harbour, iban=OTHER)
    async with harbour.store.read() as tx:
        new, old = await reading(tx, Sought(subject="debits:creditor"), deeds_max=50)
    assert (old.before, new.before) == ("", old.after)
    assert "IBAN DE…3000" in old.after
    assert "IBAN DE…5030" in new.after
    assert OTHER not in new.after


async def deeds(house) -> list[str]:
    """Return what was done about debits, the oldest first."""
    async with house.store.read() as tx:
        found = await reading(tx, Sought(), deeds_max=50)
    return [one.action for one in found if one.action.startswith(("debit.", "mandate."))][::-1]


async def test_debits_are_collected_over_the_api(harbour, served):
    """Who collects, a mandate, a batch and its file, the bank's answer; each is noted."""

    async def post(path: str, body: dict[str, Any], expected: int = 200) -> Any:
        status, told = await served.api("POST", path, body)
        assert status == expected, told
        return told

    async def get(path: str) -> Any:
        return (await served.api("GET", path))[1]

    given = {"iban": PAYER, "holder": "Somebody Ü"}
    here = f"accounts/{HERE}/mandates"
    assert await get("debits/creditor") == []
    await post(here, given, 409)
    assert (await served.api("POST", "debits/creditor", {}))[0] == 405
    await collects(served.house)
    for field, wrong in {"iban": PAYER[:-1] + "2", "holder": "日本"}.items():
        told = await post(here, given | {field: wrong}, 400)
        assert (told["field"], wrong in str(told)) == (field, False)
    (made,) = await post(here, given, 201)
    assert (made["label"], made["state"]) == ("IBAN DE…2051", "active")
    assert await post(here, given, 201) == [made]
    for field, other in (("holder", "Somebody Else"), ("reference", "//no//")):
        assert field in str(await post(here, given | {field: other}, 409))
    first, *_ = await get(f"accounts/{HERE}/methods")
    assert (first["provider"], first["charged"]) == ("sepa", True)
    await announced(served.house)
    (day,) = await get("debits/coming")
    assert day["debits"] == 1
    (batch,) = await post("debits/batches", {"until": UNTIL}, 201)
    file = await get(f"debits/batches/{batch['id']}/file")
    assert file == await get(f"debits/batches/{batch['id']}/file")
    assert PAYER in file["content"]
    (one,) = (await get(f"debits/batches/{batch['id']}"))["items"]
    assert (one["account"], one["state"]) == (HERE, "presented")
    assert await post("debits/hand-in", {"batch": batch["id"]}) == {
        "batch": batch["id"],
        "changed": 1,
    }
    await post("debits/withdraw", {"batch": batch["id"]}, 409)
    await post("debits/hand-in", {"batch": "DDX"}, 404)
    heard = await post("debits/report", {"pieces": [REFUSED.format(batch["id"])]})
    assert heard == {"new": 1, "known": 0, "unknown": [], "others": [], "unclear": []}
    await post("debits/report", {"pieces": ["<x/>"]}, 400)
    (shown,) = (await get("debits/batches"))["items"]
    assert (shown["state"], shown["returned"]) == ("returned", 1)
    (changed,) = await post(f"{here}/account", {"method": made["method"], "iban": OTHER})
    assert changed["label"] == "IBAN DE…5030"
    assert await deeds(served.house) == [
        *("debit.creditor", "mandate.give", "debit.make", "debit.file", "debit.file"),
        *("debit.hand_in", "debit.hear", "mandate.amend"),
    ]


async def test_a_cashier_takes_a_batch_to_the_bank(harbour, served):
    """The page shows what is announced; the file is downloaded, noted, and told from others."""
    await collects(served.house)
    cashier, support = await let_in(served, "cashier"), await let_in(served, "support")
    page = await support.get(f"/console/accounts/{HERE}")
    assert "Take a mandate for direct debit" in page.text

    async def send(who: Any, path: str, once: str, **form: str) -> Any:
        return await who.post(path, once=once, **form)

    mandate = f"/console/accounts/{HERE}/mandate"
    said = await send(support, mandate, "m1", iban=PAYER, holder="Some Body")
    assert said.status == 303
    assert "IBAN DE…2051" in (await support.get(said.location)).text
    await announced(served.house)
    page = await cashier.get("/console/bank/debits")
    assert "Make batches" in page.text
    assert "Make batches" not in (await support.get("/console/bank/debits")).text
    assert (await send(support, "/console/bank/debits/make", "x1")).status == 403
    await send(cashier, "/console/bank/debits/make", "c1", until=UNTIL)
    (batch,) = (await served.api("GET", "debits/batches"))[1]["items"]
    got = await send(cashier, "/console/bank/debits/file", "c2", batch=batch["id"])
    assert got.headers["Content-Disposition"] == f'attachment; filename="{batch["id"]}.xml"'
    assert f"<IBAN>{PAYER}</IBAN>" in got.text
    gone = await send(cashier, "/console/bank/debits/file", "c3", batch="DDX")
    assert "no batch" in (await cashier.get(gone.location)).text
    await send(cashier, "/console/bank/debits/withdraw", "c4", batch=batch["id"], reason="late")
    await announced(served.house)
    await announced(served.house)
    await send(cashier, "/console/bank/debits/make", "c5", until=UNTIL)
    newest = (await served.api("GET", "debits/batches"))[1]["items"][0]["id"]
    said = await send(cashier, "/console/bank/debits/hand-in", "c6", batch=newest)
    assert "is handed in" in (await cashier.get(said.location)).text
    (one,) = (await served.api("GET", f"debits/batches/{newest}"))[1]["items"]
    for once, report, told in (
        ("c7", OF_ANOTHER_AMOUNT.format(newest, one["mark"]), f"of it: {one['mark']} is of"),
        ("c8", REFUSED.format(newest), "1 debit went back"),
    ):
        said = await send(cashier, "/console/bank/debits/report", once, content=report)
        page = await cashier.get(said.location)
        assert told in page.text
    assert "all went back" in page.text
    assert PAYER not in page.text
    assert await deeds(served.house) == [
        *("debit.creditor", "mandate.give", "debit.make", "debit.file", "debit.withdraw"),
        *("debit.make", "debit.hand_in", "debit.hear", "debit.hear"),
    ]


async def test_the_page_tells_who_collects_and_how_it_is_changed(harbour, served):
    """All rules in force are shown, the account masked; no form changes it, one command does."""
    owner = await let_in(served)
    bare = await owner.get("/console/bank/debits")
    assert "Nobody is set up who collects." in bare.text
    told = {"name": "Harbour's TV", "bic": "COBADEFF", "cut_off_hour": 9, "says_first": True}
    await collects(served.house, **told)
    page = html.unescape((await owner.get("/console/bank/debits")).text)
    assert "IBAN DE…3000 at COBADEFF" in page
    for said in ("1 day before the debit", "until 9:00", "5 business days", "called FRST"):
        assert said in page
    assert CREDITOR.iban not in page
    (line,) = re.findall('<pre class="words">(.*)</pre>', page)
    words = shlex.split(line)
    assert words[:3] == ["boxoffice", "debits", "creditor"]
    with pytest.raises(Invalid, match="iban"):
        await collects(served.house, iban=words[words.index("--iban") + 1])
    assert words[words.index("--cut-off-hour") + 1] == "9"
    assert "Harbour's TV" in words
    assert (await owner.post("/console/bank/debits/creditor", once="1")).status == 404


async def test_a_subscriber_allows_and_ends_a_debit(harbour, served):
    """Nothing without the word that it is allowed; what is shown is the end of the number."""
    guest = await visiting(served, HERE)
    assert "Pay by direct debit" not in (await guest.get("/portal/")).text
    await collects(served.house)
    assert "DE98ZZZ09999999999" in (await guest.get("/portal/")).text
    refused = await guest.post("/portal/mandate", once="a1", iban=PAYER, holder="Some Body")
    assert (refused.status, "Without it" in refused.text) == (400, True)
    form = {"iban": PAYER, "holder": "Some Body", "accepted": "yes"}
    wrong = await guest.post("/portal/mandate", once="a2", **form | {"iban": OTHER[:-1] + "1"})
    assert (wrong.status, "do not check" in wrong.text) == (400, True)
    done = await guest.post("/portal/mandate", once="a3", **form)
    assert done.location == "/portal/?done=mandate"
    page = await guest.get(done.location)
    assert "IBAN DE…2051" in page.text
    assert PAYER not in page.text
    other = await guest.post("/portal/mandate", once="a5", **form | {"holder": "Else"})
    assert (other.status, "something else" in other.text) == (400, True)
    method = (await served.api("GET", f"accounts/{HERE}/methods"))[1][0]
    await guest.post("/portal/cards/remove", once="a4", method=method["id"])
    (mandate,) = (await served.api("GET", f"accounts/{HERE}/mandates"))[1]
    assert (mandate["state"], mandate["stopped"]) == ("revoked", "removed")
    assert (await served.api("GET", f"accounts/{THERE}/mandates"))[1] == []


def test_a_file_that_is_there_is_told_in_a_sentence(tmp_path, capsys):
    """The file of a batch is never written over another one, and the command says why."""
    file = tmp_path / "batch.xml"
    write_private(file, b"<x/>")
    with pytest.raises(typer.Exit):
        write_private(file, b"<y/>")
    assert file.read_bytes() == b"<x/>"
    assert capsys.readouterr().err == f"boxoffice: {file}: File exists\n"


async def test_a_person_says_that_a_debit_went_back_where_no_report_does(harbour):
    """By the debit, or by its block; what is in no batch, or no code, is refused by its field."""
    await collects(harbour)
    async with harbour.store.begin() as tx:
        wish = Wish(iban=PAYER, holder="Somebody")
        await debits.give(harbour, tx, HERE, wish, actor="anna")
    await announced(harbour)
    async with harbour.store.begin() as tx:
        until = date.fromisoformat(UNTIL)
        (batch,) = await debits.make(harbour, tx, until=until, actor="anna")
        (one,) = await reads.debits(tx, batch.id)
        with pytest.raises(NotFound, match="no debit 'X-0'") as unknown:
            await debits.went_back(harbour, tx, "X-0", "AM04", actor="anna")
        for word in ("AM045", "lol", "AMO4", "4AM0"):
            with pytest.raises(Invalid, match="code"):
                await debits.went_back(harbour, tx, one.mark, word, actor="anna")
        heard = await debits.went_back(harbour, tx, one.mark, "am04", actor="anna")
        again = await debits.went_back(harbour, tx, f"{batch.id}-RCUR", "AC04", actor="anna")
    assert unknown.value.field == "debit"
    assert [(each.new, each.known) for each in (heard, again)] == [(1, 0), (0, 1)]
    async with harbour.store.read() as tx:
        (one,) = await reads.debits(tx, batch.id)
    assert (one.state, one.code) == (DebitState.RETURNED, "AM04")
    assert (await deeds(harbour))[-2:] == ["debit.went_back"] * 2
