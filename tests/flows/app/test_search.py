"""Whoever is meant is found, by what people say of a household; and not by looking at all."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from billing.accounts import finding
from billing.accounts.store import search_term
from billing.reads import search
from tests.flows.app.served import at_work, rest

ORDERS = (
    {"contract": "300001", "name": "Zoë Müller-Ångström", "phone": "+43 664 123 45 67"},
    {"contract": "300002", "name": "zoe miller", "phone": "0664/7654321"},
    {"contract": "300077", "name": "Hohe Straße", "phone": ""},
)


async def hits(served, text, **more):
    """Search: (by, contract) of what is found."""
    asked = "".join(f"&{name}={value}" for name, value in more.items())
    status, found = await served.api("GET", f"search?q={quote(text, safe='')}{asked}")
    assert status == 200, found
    return [(one["by"], one["contract"]) for one in found["items"]]


@pytest.fixture
async def known(counter):
    """Some households more, with a box and an invoice."""
    for order in ORDERS:
        body: dict[str, object] = {**order, "plan": "HARBOUR"}
        if order["contract"] == "300001":
            body["box"] = {"serial": "HT2-90001", "model": "HT-2", "mac": "00:1A:79:90:00:01"}
        assert (await counter.api("POST", "accounts", body))[0] == 201
    async with at_work(counter.house):
        await rest(counter.house, "settle")
    return counter


async def test_whoever_is_meant_is_found(known):
    """Names without case and accents, begun words, phones by their end, labels, invoices."""
    _, account = await known.api("GET", "accounts/300001")
    invoice = account["invoices"][0]["number"]
    for text, found in (
        ("300001", [("contract", "300001")]),
        ("30000", [("contract", "300001"), ("contract", "300002")]),
        ("300 077", [("contract", "300077")]),
        ("zoe", [("name", "300001"), ("name", "300002")]),
        ("MÜLL zoë", [("name", "300001")]),
        ("angstrom", [("name", "300001")]),
        ("strasse", [("name", "300077")]),
        ("0664 1234567", [("phone", "300001")]),
        ("+43 (664) 765-4321", [("phone", "300002")]),
        ("4567", [("phone", "300001")]),
        ("HT2-90001", [("serial", "300001")]),
        ("ht2-90001", [("serial", "300001")]),
        ("00-1a-79-90-00-01", [("mac", "300001")]),
        ("001a79900001", [("mac", "300001")]),
        (invoice, [("invoice", "300001")]),
        (invoice.lower(), [("invoice", "300001")]),
        ("%", []),
        ("' OR 1=1 --", []),
        ("nobody", []),
    ):
        assert await hits(known, text) == found, text
    assert len(await hits(known, "subscriber", limit=5)) == 5


async def test_a_box_in_stock_is_found_without_a_household(known):
    """A label leads to the box, whoever has it or not."""
    box = {"serial": "HT2-90009", "model": "HT-2", "mac": "00:1A:79:90:00:09"}
    await known.api("POST", "boxes", box)
    assert await hits(known, "HT2-90009") == [("serial", None)]


@pytest.mark.parametrize(
    "condition",
    [
        search._begin(finding.contract_begins("3000")),
        search._begin(finding.phone_ends("0664 1234567")),
        search._all_begin(finding.words_begin("zoe")),
        search._all_begin(finding.words_begin("zoe muller angstrom")),
    ],
    ids=["contract", "phone", "word", "words"],
)
async def test_no_search_looks_at_everybody(store, condition):
    """Each way to find somebody goes by an index, on either engine."""
    query = search._households().where(condition).order_by(search_term.c.term).limit(20)
    async with store.read() as tx:
        dialect = sqlite.dialect() if tx.engine == "sqlite" else postgresql.dialect()
    told = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    assert await scans(store, str(told)) == []


async def scans(store, statement: str) -> list[str]:
    """Name the steps of a plan that read a whole table."""
    async with store.begin() as tx:
        if tx.engine == "sqlite":
            plan = [row[3] for row in await tx.fetch(f"EXPLAIN QUERY PLAN {statement}")]
            return [step for step in plan if step.startswith("SCAN")]
        await tx.driver("SET LOCAL enable_seqscan = off")
        plan = [row[0] for row in await tx.fetch(f"EXPLAIN {statement}")]
        return [step for step in plan if "Seq Scan" in step]
