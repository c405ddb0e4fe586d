"""Documents of a household over the API, by command and on pages: void invoices, statements."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from lxml import html

from app.cli.explaining import explained
from app.desk.cash_paper import receipt_lines
from billing.reads import cash, credit_notes, invoices
from runtime.store import audit
from tests.flows.app.guest import visiting
from tests.flows.app.served import at_work, go_to, rest
from tests.flows.app.visitor import let_in

FLAT = "300001"
SELLER = {
    "name": "Harbour Television GmbH",
    "address": ["Harbour Road 1", "1020 Vienna", "Austria"],
    "tax_number": "ATU12345678",
    "register": "FN 123456 x, Commercial Court Vienna",
}
PRINTED = "Harbour Road 1 1020 Vienna Austria Tax number ATU12345678 FN 123456 x, Commercial Court"


@pytest.fixture
async def flat(harbour, served):
    """A household that has paid its first invoice; the product is at work."""
    async with at_work(harbour):
        order = {"contract": FLAT, "name": "Flat 1", "plan": "HARBOUR"}
        assert (await served.api("POST", "accounts", order))[0] == 201
        await rest(harbour, "settle")
        _, account = await served.api("GET", f"accounts/{FLAT}")
        owed = account["owed"]["text"]
        paid = {"amount": owed, "reference": "R-1"}
        assert (await served.api("POST", f"accounts/{FLAT}/payments", paid))[0] == 201
        await rest(harbour, "settle", "compose")
        yield served


async def test_a_void_invoice_and_the_one_that_takes_its_place_name_each_other(flat):
    """Called void and charged again: state, notes and both numbers are told wherever one looks."""
    _, account = await flat.api("GET", f"accounts/{FLAT}")
    (first,) = account["invoices"]
    assert (first["state"], first["corrects"]) == ("paid", [])
    number = first["number"]
    order = {"recharge": True, "reason": "wrong address"}
    status, done = await flat.api("POST", f"invoices/{number}/void", order)
    assert (status, done["state"], done["void_reason"]) == (200, "void", "wrong address")
    status, problem = await flat.api("POST", f"invoices/{number}/void", order)
    assert (status, problem["detail"]) == (409, f"{number} is void already")
    assert (await flat.api("POST", "invoices/INV-9/void", {}))[0] == 404
    assert (await flat.api("POST", f"invoices/{number}/void", {"recharge": 1}))[0] == 400
    await rest(flat.house, "settle")
    _, old = await flat.api("GET", f"invoices/{number}")
    (new,) = old["replaced_by"]
    (note,) = old["credit_notes"]
    _, other = await flat.api("GET", f"invoices/{new}")
    assert (other["state"], other["corrects"], other["total"]) == ("paid", [number], old["total"])
    _, given_back = await flat.api("GET", f"credit-notes/{note}")
    assert given_back["total"] == old["total"]
    async with flat.house.store.read() as tx:
        told = list(explained(await invoices.view(tx, number)))
        (deed,) = [
            one
            for one in await audit.history(tx, f"contract:{FLAT}")
            if one.action == "invoice.void"
        ]
    assert f"  replaced by {new}" in told
    assert f"  given back by {note}" in told
    assert told[0].endswith(", void")
    assert (deed.actor, deed.reason) == ("api:first", "wrong address")
    page = await (await let_in(flat)).get(f"/console/accounts/{FLAT}")
    assert '<span class="pill" data-tone="off">void</span>' in page.text


async def test_a_proforma_says_what_would_be_billed_and_bills_nothing(flat):
    """Numbered in a series of its own, it is what the next invoice comes to, and no money moves."""
    before = (await flat.api("GET", f"accounts/{FLAT}"))[1]["invoices"]
    path = f"accounts/{FLAT}/proformas"
    status, problem = await flat.api("POST", path, {})
    assert (status, "nothing would be billed" in problem["detail"]) == (409, True)
    bill_day = date.fromisoformat(before[0]["lines"][0]["period_end"]).isoformat()
    made = []
    for _ in range(2):
        status, one = await flat.api("POST", path, {"billed_on": bill_day, "valid_days": 3})
        assert status == 201
        made.append(one)
    assert [one["number"] for one in made] == ["PRO-00000001", "PRO-00000002"]
    assert made[0]["total"] == made[1]["total"]
    assert (made[0]["lines"][0]["period_start"], made[0]["seller"]) == (bill_day, SELLER)
    assert (await flat.api("GET", "proformas/PRO-00000001"))[1] == made[0]
    assert (await flat.api("GET", "proformas/PRO-9"))[0] == 404
    status, problem = await flat.api("POST", path, {"billed_on": "2030-01-01"})
    assert (status, problem["field"]) == (400, "billed_on")
    assert (await flat.api("GET", f"accounts/{FLAT}"))[1]["invoices"] == before
    await go_to(flat.house, datetime.fromisoformat(f"{bill_day}T12:00:00+00:00"))
    await rest(flat.house, "settle")
    after = (await flat.api("GET", f"accounts/{FLAT}"))[1]["invoices"]
    assert (after[0]["number"], after[0]["total"]) != (before[0]["number"], None)
    assert after[0]["total"] == made[0]["total"]


async def test_a_statement_is_read_everywhere_alike(flat):
    """Over the API, on the console and at the portal: opening, documents, payments, closing."""
    status, told = await flat.api("GET", f"accounts/{FLAT}/statement")
    assert status == 200
    assert [one["kind"] for one in told["lines"]] == ["invoice", "payment"]
    moved = sum(one["amount"]["amount_minor"] for one in told["lines"])
    assert told["opening"]["amount_minor"] + moved == told["closing"]["amount_minor"] == 0
    assert told["lines"][1]["document"] == "R-1"
    since = told["until"]
    status, problem = await flat.api(
        "GET", f"accounts/{FLAT}/statement?since=2041-01-01&until={since}"
    )
    assert (status, problem["field"]) == (400, "since")
    assert (await flat.api("GET", "accounts/nobody/statement"))[0] == 404
    owner = await let_in(flat)
    page = (await owner.get(f"/console/accounts/{FLAT}/statement")).text
    theirs = (await (await visiting(flat, FLAT)).get("/portal/statement?since=&until=")).text
    for text in (page, theirs):
        shown = " ".join(" ".join(html.fromstring(text).itertext()).split())
        assert "Payment R-1" in shown
        assert f"Invoice {told['lines'][0]['document']}" in shown
        assert "Owed after 0.00 EUR" in shown
    assert (await owner.get(f"/console/accounts/{FLAT}/statement?since=x")).status == 400


async def test_every_document_names_who_sold(flat):
    """Over the API, on the pages of staff and of the household, and by command: whole and alike."""
    _, account = await flat.api("GET", f"accounts/{FLAT}")
    number = account["invoices"][0]["number"]
    await flat.api("POST", f"invoices/{number}/void", {"recharge": True})
    await rest(flat.house, "settle")
    _, account = await flat.api("GET", f"accounts/{FLAT}")
    (note,) = [one["number"] for one in account["credit_notes"]]
    documents = [*account["invoices"], *account["credit_notes"]]
    paths = (f"invoices/{number}", f"credit-notes/{note}", "receipts/RCT-00000001")
    asked = (*paths, f"accounts/{FLAT}/statement")
    documents += [(await flat.api("GET", path))[1] for path in asked]
    assert [one["seller"] for one in documents] == [SELLER] * 7
    owner, theirs = await let_in(flat), await visiting(flat, FLAT)
    receipt = "/console/receipts/RCT-00000001"
    looks = [
        *[await owner.get(f"/console/accounts/{FLAT}{more}") for more in ("", "/statement")],
        *[await owner.get(receipt), await owner.post(f"{receipt}/print", once="p1", reason="")],
        *[await theirs.get(f"/portal/{one}") for one in (paths[0], paths[1], "statement")],
    ]
    for seen in looks:
        shown = " ".join(" ".join(html.fromstring(seen.text).itertext()).split())
        assert f"{SELLER['name']} {PRINTED}" in shown
    async with flat.house.store.read() as tx:
        for document in (await invoices.view(tx, number), await credit_notes.view(tx, note)):
            assert f"  sold by {SELLER['name']}, Harbour Road 1, 1020" in "\n".join(
                explained(document)
            )
        slip = receipt_lines(await cash.find_receipt(tx, "RCT-00000001"), "Harbour TV", "Anna")
    assert list(slip[:5]) == [SELLER["name"], *SELLER["address"], "Tax number ATU12345678"]
