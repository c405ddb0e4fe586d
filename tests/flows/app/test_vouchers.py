"""Vouchers by every way in: told once, redeemed once, guessed at hardly; nothing keeps a code."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import re
from datetime import date

import pytest
from sqlalchemy import func, select

from app.desk import voucher_paper, vouchers
from app.identity.door import TooOften
from app.settings import Settings
from app.wiring import build, closing
from billing.flows.vouchers import BatchOrder, MadeBatch
from billing.payments.store import movement
from billing.vouchers import code as codes
from billing.vouchers.model import Batch, BatchState
from runtime.store import metadata
from runtime.store.audit import audit
from runtime.telemetry import configure
from terms.errors import DomainError, Invalid
from terms.money import Money, Rate
from tests.flows.app.guest import household, visiting
from tests.flows.app.served import serving
from tests.flows.app.visitor import let_in

ORDER = {
    "name": "SPRING",
    "value": "20.00",
    "currency": "EUR",
    "count": 3,
    "dealer": "Kiosk & Sons",
    "margin": "7.5%",
    "prefix": "KX",
}
A, B = "200001", "200002"
MANY = 400  # guesses; ten thousand come to the same


@pytest.fixture
async def house(migrated_url, tmp_path, machine):
    """A house with two households, on either engine, whose machine time stands still."""
    settings = Settings(data_dir=tmp_path, database_url=migrated_url)
    async with closing(build(settings, machine_now=machine)) as built:
        for contract in (A, B):
            await household(built, contract)
        yield built


@pytest.fixture
async def served(house):
    """That house behind its web server."""
    async with serving(house) as made:
        yield made


async def made(house, **changes) -> list[str]:
    """Make a batch and activate it; gives its codes."""
    order = BatchOrder(
        name="SPRING",
        value=Money(2_000, "EUR"),
        count=3,
        valid_until=house.clock.machine_now().date(),
        dealer="Kiosk",
        margin=Rate(75_000),
        **changes,
    )
    async with house.store.begin() as tx:
        batch = await vouchers.make(house, tx, order, actor="test")
        await vouchers.activate(house, tx, order.name, actor="test")
    return list(batch.codes)


async def taken(house) -> int:
    """Count the money that came in by vouchers."""
    async with house.store.read() as tx:
        query = select(func.count()).where(movement.c.provider == "voucher")
        return int(await tx.scalar(query))


async def kept(house) -> str:
    """Give all that any table holds."""
    async with house.store.read() as tx:
        return repr(
            [tuple(row) for t in metadata.sorted_tables for row in await tx.rows(select(t))]
        )


async def deeds(house) -> list[str]:
    """Tell what the audit has of vouchers."""
    async with house.store.read() as tx:
        rows = await tx.rows(select(audit.c.action).order_by(audit.c.position))
    return [row.action for row in rows if row.action.startswith("voucher.")]


def until(house) -> str:
    """Give the last day that a batch of this house may have, for a while."""
    return house.clock.machine_now().date().replace(day=28).replace(month=12).isoformat()


async def test_a_batch_goes_by_the_api_from_making_to_what_its_dealer_owes(house, served):
    """Made, activated, redeemed, stopped; the dealer owes what is redeemed less its margin."""
    order = {**ORDER, "valid_until": until(house)}
    status, refused = await served.api("POST", "vouchers", {**order, "currency": "USD"})
    assert (status, refused["field"]) == (400, "currency")
    status, told = await served.api("POST", "vouchers", order)
    assert (status, told["batch"]["state"], len(told["cards"])) == (201, "made", 3)
    code = told["cards"][0]["code"]
    assert re.fullmatch(r"KX(-[2-9A-HJKMNP-Z]{4}){4}", code)
    path = f"accounts/{A}/voucher"
    status, refused = await served.api("POST", path, {"code": code})
    assert (status, "not active yet" in refused["errors"][0]["why"]) == (400, True)
    assert (await served.api("POST", "vouchers/SPRING/activate", {}))[0] == 200
    assert (await served.api("POST", "vouchers/SPRING/activate", {}))[0] == 409
    status, done = await served.api("POST", path, {"code": code.lower(), "reason": "by phone"})
    assert (status, done["serial"], done["is_new"]) == (200, "SPRING/1", True)
    assert (await served.api("POST", path, {"code": code}))[1]["is_new"] is False
    status, used = await served.api("POST", f"accounts/{B}/voucher", {"code": code})
    assert (status, f"for account {A}" in used["errors"][0]["why"]) == (400, True)
    status, stopped = await served.api("POST", "vouchers/SPRING/stop", {"reason": "stolen"})
    assert (status, stopped["redeemed"], stopped["void"]) == (200, 1, 2)
    status, void = await served.api("POST", path, {"code": told["cards"][1]["code"]})
    assert (status, "it is void" in void["errors"][0]["why"]) == (400, True)
    (dealer,) = (await served.api("GET", "voucher-dealers"))[1]["items"]
    assert (dealer["redeemed"], dealer["owed"]["text"]) == (1, "18.50")
    assert [one["name"] for one in (await served.api("GET", "vouchers"))[1]["items"]] == ["SPRING"]
    assert (await served.api("POST", "vouchers/NONE/stop", {}))[0] == 404
    assert await deeds(house) == [
        f"voucher.{one}" for one in ("make", "activate", "redeem", "stop")
    ]
    assert await taken(house) == 1


async def test_codes_are_told_once_and_kept_nowhere(house, served, capfd):
    """Not under an Idempotency-Key, not by a form, not in the audit, and in no line of a log."""
    configure(level="info", style="json")  # whatever another test has made of it
    headers = {
        "Authorization": f"Bearer {served.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": "k1",
    }
    day = until(house)
    body = (
        f'{{"name":"API","value":"5.00","currency":"EUR","count":2,"valid_until":"{day}",'
        '"dealer":"Kiosk"}'
    )
    asked = ("POST", "/api/v1/vouchers")
    _, first, _ = await served.raw(*asked, headers=headers, data=body)
    status, again, _ = await served.raw(*asked, headers=headers, data=body)
    olga = await let_in(served)
    page = await olga.get("/console/vouchers")
    assert "No batch yet." not in page.text
    form = {
        **{name: str(value) for name, value in ORDER.items()},
        "valid_until": day,
        "once": "m1",
    }
    cards = await olga.post("/console/vouchers/make", **form)
    repeated = await olga.post("/console/vouchers/make", **form)
    found = re.findall(r"data-code>([^<]+)<", cards.text)
    await olga.post("/console/vouchers/activate", batch="SPRING", once="a1")
    guest = await visiting(served, A)
    assert (await guest.post("/portal/voucher", code=found[0], once="v1")).status == 303
    wrong = await guest.post("/portal/voucher", code=codes.make("", 3), once="v2")
    logs = "".join(capfd.readouterr())
    assert (wrong.status, "voucher.refused" in logs) == (400, True)
    assert (status, b'"cards":[]' in again) == (201, True)
    told = re.findall(rb'"code":"([^"]+)"', first)
    assert (len(told), len(found), repeated.status) == (2, 3, 303)
    assert cards.text.count("<svg width") == 3
    (listed,) = re.findall(r"data:text/csv;base64,([^\"]+)", cards.text)
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(listed).decode())))
    assert [row["code"] for row in rows] == found
    everything = await kept(house) + logs + repeated.text + wrong.text
    for code in (*found, *(one.decode() for one in told)):
        assert code not in everything
        assert code.replace("-", "") not in everything
    assert "API/1" in first.decode()


async def test_a_subscriber_learns_no_more_than_needed(house, served):
    """Unknown, used, void: one sentence for all; a typing mistake is told as one."""
    spent, void, live = await made(house)
    plain = codes.make("", 5)
    other, guest = await visiting(served, B), await visiting(served, A)
    assert (await other.post("/portal/voucher", code=spent, once="o")).location == (
        "/portal/?done=voucher"
    )
    sentences = set()
    for n, code in enumerate((spent, plain)):
        seen = await guest.post("/portal/voucher", code=code, once=f"g{n}")
        assert seen.status == 400
        sentences |= set(re.findall(r"(?i)this voucher[^<]+", seen.text))
    once = "again"
    for _ in range(2):
        assert (await guest.post("/portal/voucher", code=live, once=once)).status == 303
    async with house.store.begin() as tx:
        await vouchers.stop(house, tx, "SPRING", actor="test")
    seen = await guest.post("/portal/voucher", code=void, once="g9")
    sentences |= set(re.findall(r"(?i)this voucher[^<]+", seen.text))
    assert len(sentences) == 1, sentences
    wrong = ("2" if void[0] != "2" else "3") + void[1:]
    assert "typing mistake" in (await guest.post("/portal/voucher", code=wrong, once="x")).text
    assert await taken(house) == 2


async def test_many_guesses_are_hardly_tried(house):
    """Of one household, from one address, or of many from many: few are looked at."""
    tries = 0

    async def looked(_: str) -> None:
        nonlocal tries
        tries += 1
        raise Invalid("code", "there is no such voucher")

    async def guess(n: int, contract: str, by: str) -> None:
        with pytest.raises(DomainError):
            await vouchers.guarded(
                house, codes.make("", n), looked, at=vouchers.PORTAL, contract=contract, by=by
            )

    for n in range(MANY):
        await guess(n, A, f"198.51.100.{n % 250}")
    assert tries <= 5
    for n in range(MANY):
        await guess(n, f"3{n:05}", "192.0.2.9")
    assert tries < 20
    # Somebody else, from elsewhere, is not kept out, and what is right costs nothing.
    (code, *_) = await made(house)

    async def right(plain: str) -> bool:
        async with house.store.begin() as tx:
            return (await vouchers.redeem(house, tx, B, plain, actor="test")).is_new

    for n in range(12):
        at = {"at": vouchers.PORTAL, "contract": B, "by": "192.0.2.77"}
        assert await vouchers.guarded(house, code, right, **at) == (n == 0)
    with pytest.raises(TooOften):
        await vouchers.guarded(house, code, right, at=vouchers.PORTAL, contract=A, by="192.0.2.78")


async def test_a_card_brought_to_all_doors_at_once_is_money_once(house, served):
    """Pages, console and API, each several times in the same moment."""
    code, *_ = await made(house)
    olga, one, two = await let_in(served), await visiting(served, A), await visiting(served, B)
    await olga.get("/console/vouchers")
    path = f"accounts/{A}/voucher"
    await asyncio.gather(
        *(one.post("/portal/voucher", code=code, once=f"p{n}") for n in range(3)),
        *(two.post("/portal/voucher", code=code, once=f"q{n}") for n in range(3)),
        *(
            olga.post(f"/console/accounts/{B}/voucher", code=code, once=f"d{n}", reason="")
            for n in range(3)
        ),
        *(served.api("POST", path, {"code": code}) for _ in range(3)),
    )
    assert await taken(house) == 1
    assert (await deeds(house)).count("voucher.redeem") == 1


async def test_staff_takes_a_card_from_the_households_page(house, served):
    """Told with its serial, once; why it is refused is told as well."""
    code, *_ = await made(house)
    carla = await let_in(served, "cashier")
    path = f"/console/accounts/{A}/voucher"
    assert f'action="{path}"' in (await carla.get(f"/console/accounts/{A}")).text
    for n, (typed, says) in enumerate(
        (
            (code, "20.00 EUR of voucher SPRING/1 is taken."),
            (code, "20.00 EUR of voucher SPRING/1 was taken before: nothing changed."),
            (codes.make("", 3), "there is no such voucher"),
        )
    ):
        sent = await carla.post(path, code=typed, once=f"s{n}", reason="by phone")
        said = sent.location.partition("?")[2]
        assert says in (await carla.get(f"/console/vouchers?{said}")).text


def test_a_sheet_says_what_is_on_a_card_and_runs_nothing(tmp_path, machine):
    """Whatever the names are, they are text; the file is for its owner alone, and never twice."""
    batch = Batch(
        name="SPRING",
        prefix="KX",
        value=Money(2_000, "EUR"),
        count=1,
        valid_until=date(2040, 12, 31),
        dealer="Kiosk",
        margin=Rate(0),
        state=BatchState.MADE,
        made_at=machine(),
    )
    made_batch = MadeBatch(batch=batch, codes=(codes.make("KX", 9),))
    drawn = voucher_paper.sheet(made_batch, "<b>Op")
    assert "&lt;b&gt;Op" in drawn
    assert "<b>" not in drawn
    assert drawn.count("<svg") == 1
    file = tmp_path / "sheet.html"
    voucher_paper.write_private(file, drawn)
    assert (file.read_text("utf-8"), file.stat().st_mode & 0o777) == (drawn, 0o600)
    with pytest.raises(FileExistsError):
        voucher_paper.write_private(file, drawn)
