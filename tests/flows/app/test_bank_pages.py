"""Statements of banks over the API and in the browser: taken, shown, decided about."""

from typing import Any

from sqlalchemy import select

from app.desk.auditing import Sought, reading
from billing.bank.store import bank_entry
from tests.fixtures.bank import Row, camt, mt940
from tests.flows.app.visitor import let_in

HERE, THERE = "200001", "200002"
IN = Row(amount="7.00", ref="B1", name="Somebody <b>", text="no number")
OUT = Row(amount="-7.00", ref="B2", is_reversal=True)


async def entries(house) -> dict[str, tuple[str, str]]:
    """Return the id and the state of each line, by its reference."""
    async with house.store.read() as tx:
        return {row.ref: (row.id, row.state) for row in await tx.rows(select(bank_entry))}


async def deeds(house) -> list[str]:
    """Return what was done at the bank, the newest first."""
    async with house.store.read() as tx:
        found = await reading(tx, Sought(), deeds_max=50)
    return [one.action for one in found if one.action.startswith("bank.")]


async def sent(served, data: bytes) -> tuple[int, Any]:
    """Send a file, cut in the middle."""
    text = data.decode()
    pieces = [text[: len(text) // 2], text[len(text) // 2 :]]
    return await served.api("POST", "bank/statements", {"pieces": pieces})


async def test_a_statement_is_taken_and_decided_over_the_api(harbour, served):
    """What waits is listed with its reason; each decision is done once, and audited."""
    taken = camt(IN, OUT, IN.but(ref="B3"), IN.but(ref="B4"))
    status, told = await sent(served, taken)
    assert (status, told["states"]) == (200, {"suspense": 3, "review": 1})
    status, told = await sent(served, taken)
    assert (status, told["states"], told["known"]) == (200, {}, 4)
    status, problem = await sent(served, taken.replace(b"CRDT", b"XXXX"))
    assert (status, problem["field"]) == (400, "pieces")
    later = camt(IN.but(ref="B5"), key="S-9", opening="999.00")
    assert (await sent(served, later))[0] == 200
    _, page = await served.api("GET", "bank/statements")
    assert [one["gap"] and one["gap"]["amount_minor"] for one in page["items"]] == [88500, None]
    _, first = await served.api("GET", "bank/statements?limit=1")
    _, second = await served.api("GET", f"bank/statements?limit=1&after={first['next']}")
    assert first["items"] + second["items"] == page["items"]
    assert second["next"] is None
    _, page = await served.api("GET", "bank/waiting?limit=3")
    assert len(page["items"]) == 3
    _, rest = await served.api("GET", f"bank/waiting?limit=3&after={page['next']}")
    assert {one["why"] for one in page["items"] + rest["items"]} == {"unknown", "no_payment"}
    ids = {ref: key for ref, (key, _) in (await entries(served.house)).items()}
    to = [{"contract": HERE, "amount": "7.00"}]
    wrong = {"line": ids["B4"], "to": to}
    assert (await served.api("POST", "bank/assign", wrong))[0] == 200
    assert (await served.api("POST", "bank/undo", {"line": ids["B4"]}))[0] == 200
    asked = {
        "bank/assign": {"line": ids["B1"], "to": to},
        "bank/return": {"line": ids["B2"], "of": ids["B1"]},
        "bank/suspend": {"line": ids["B3"]},
        "bank/aside": {"line": ids["B3"], "reason": "rent"},
    }
    for path, body in asked.items():
        assert (await served.api("POST", path, body))[0] == 200, path
    status, problem = await served.api("POST", "bank/aside", {"line": ids["B5"], "reason": " "})
    assert (status, problem["field"]) == (400, "reason")
    (aside,) = (await served.api("GET", "bank/outside"))[1]["items"]
    assert (aside["id"], aside["reason"], aside["provider"]) == (ids["B3"], "rent", "")
    assert (await served.api("POST", "bank/assign", asked["bank/assign"]))[0] == 409
    gone = {"line": "nosuch", "to": to}
    assert (await served.api("POST", "bank/assign", gone))[0] == 404
    states = {ref: state for ref, (_, state) in (await entries(served.house)).items()}
    assert states == {
        "B1": "assigned",
        "B2": "returned",
        "B3": "outside",
        "B4": "suspense",
        "B5": "suspense",
    }
    done = ["bank.aside", "bank.suspend", "bank.return", "bank.assign", "bank.undo", "bank.assign"]
    done += ["bank.take", "bank.take"]
    assert await deeds(served.house) == done


async def test_what_went_wrong_is_taken_back_once(harbour, served):
    """From an account or from what was set aside; told again, it is harmless and not audited."""
    assert (await sent(served, camt(IN)))[0] == 200
    line = (await entries(served.house))["B1"][0]
    assert (await served.api("POST", "bank/undo", {"line": line}))[0] == 409
    to = [{"contract": HERE, "amount": "7.00"}]
    for path, body in (("assign", {"to": to}), ("aside", {"reason": "a gift"})):
        assert (await served.api("POST", f"bank/{path}", {"line": line} | body))[0] == 200
        for _ in range(2):
            status, told = await served.api("POST", "bank/undo", {"line": line, "reason": "no"})
            assert (status, told["id"], told["amount"]["text"]) == (200, line, "7.00")
    assert (await served.api("GET", "bank/outside"))[1]["items"] == []
    assert await deeds(served.house) == [
        *("bank.undo", "bank.aside", "bank.undo", "bank.assign", "bank.take")
    ]


async def test_all_of_a_line_goes_only_to_one_of_whom_no_amount_is_said(harbour, served):
    """An empty amount is none, and of several each has to be said: over the API and on the page."""
    assert (await sent(served, camt(IN)))[0] == 200
    line = (await entries(served.house))["B1"][0]
    some = {"contract": HERE, "amount": "7.00"}
    for to, field in (
        ([some | {"amount": ""}], "to.0.amount"),
        ([{"contract": HERE}, some], "amount"),
    ):
        status, problem = await served.api("POST", "bank/assign", {"line": line, "to": to})
        assert (status, problem["field"]) == (400, field)
    cashier = await let_in(served, "cashier")
    await cashier.get("/console/bank")
    for whom, said in ((f"{HERE}=", "not an amount"), (HERE, "7.00 EUR goes to")):
        done = await cashier.post("/console/bank/assign", line=line, to=whom)
        assert said in (await cashier.get(done.location)).text


async def test_money_has_commas_on_pages_alone(harbour, served):
    """Whoever reads a page sees thousands apart; a program is told the same digits as ever."""
    assert (await sent(served, camt(IN.but(amount="12345.67"))))[0] == 200
    page = await (await let_in(served, "cashier")).get("/console/bank")
    assert "12,345.67 EUR in" in page.text
    assert "12,445.67 EUR" in page.text
    (line,) = (await served.api("GET", "bank/waiting"))[1]["items"]
    assert line["amount"]["text"] == "12345.67"


async def test_a_cashier_decides_in_the_browser(harbour, served):
    """The page shows whose a line may be; its buttons decide, and whoever only looks has none."""
    cashier, support = await let_in(served, "cashier"), await let_in(served, "support")
    maybe = IN.but(ref="B3", text=f"{HERE} or {THERE}")
    said = await cashier.post("/console/bank/take", content=mt940(IN, OUT, maybe).decode())
    assert said.status == 303
    page = await cashier.get("/console/bank")
    assert "3 lines wait" in page.text
    assert "Somebody &lt;b&gt;" in page.text
    assert "it fits several accounts" in page.text or "names its account" in page.text
    seen = await support.get("/console/bank")
    assert "3 lines wait" in seen.text
    assert "/console/bank/assign" not in seen.text
    assert (await support.post("/console/bank/aside", line="x")).status == 403
    ids = {ref: key for ref, (key, _) in (await entries(served.house)).items()}
    await cashier.post("/console/bank/assign", line=ids["B1"], to=THERE)
    assert "Not theirs" in (await cashier.get("/console/bank")).text
    assert "Not theirs" not in (await support.get("/console/bank")).text
    await cashier.post("/console/bank/undo", line=ids["B1"])
    await cashier.post("/console/bank/assign", line=ids["B1"], to=HERE)
    await cashier.post("/console/bank/return", line=ids["B2"], of=ids["B1"])
    await cashier.post("/console/bank/suspend", line=ids["B3"])
    bare = await cashier.post("/console/bank/aside", line=ids["B3"])
    assert (bare.status, "<strong>Reason</strong>" in bare.text) == (400, True)
    await cashier.post("/console/bank/aside", line=ids["B3"], reason=" ")
    assert (await entries(served.house))["B3"][1] == "suspense"
    await cashier.post("/console/bank/aside", line=ids["B3"], reason="the <b>rent")
    page = await cashier.get("/console/bank")
    assert "Lately set aside" in page.text
    assert "the &lt;b&gt;rent" in page.text
    assert "Nothing waits." in page.text
    assert "after all" not in (await support.get("/console/bank")).text
    assert "Somebody's after all" in page.text
    await cashier.post("/console/bank/undo", line=ids["B3"], reason="a household's")
    page = await cashier.get("/console/bank")
    assert "Lately set aside" not in page.text
    assert "1 line waits" in page.text
    done = ["bank.undo", "bank.aside", "bank.suspend", "bank.return", "bank.assign", "bank.undo"]
    done += ["bank.assign", "bank.take"]
    assert await deeds(served.house) == done


async def test_what_the_bank_has_taken_back_is_shown_as_such(harbour, served):
    """It lies on no account any more, so nobody is asked whether it is theirs."""
    cashier = await let_in(served, "cashier")
    assert (await sent(served, camt(IN, OUT, IN.but(ref="B3"))))[0] == 200
    ids = {ref: key for ref, (key, _) in (await entries(served.house)).items()}
    for ref in ("B1", "B3"):
        await cashier.post("/console/bank/assign", line=ids[ref], to=HERE)
    page = await cashier.get("/console/bank")
    assert (page.text.count("Not theirs"), page.text.count("taken back by the bank")) == (2, 0)
    await cashier.post("/console/bank/return", line=ids["B2"], of=ids["B1"])
    page = await cashier.get("/console/bank")
    assert (page.text.count("Not theirs"), page.text.count("taken back by the bank")) == (1, 1)
    assert f'name="line" value="{ids["B3"]}"' in page.text
    assert f'name="line" value="{ids["B1"]}"' not in page.text
