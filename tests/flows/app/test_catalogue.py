"""A catalogue as one file and over the API: checked, compared, published, remembered."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from app.cli.catalogue import as_toml
from app.imports.load import import_paths
from app.imports.problems import Problems
from app.imports.publishing import check_draft, compare, publish_draft, read_draft
from app.imports.tables import read_tables, read_toml
from billing.flows.redeem import redeem
from billing.reads import catalog
from runtime.store.audit import audit
from terms.errors import Invalid, NotFound
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, go_to

RISE = """
version = "2099"

[[prices]]
offering = "SPORT"
effective_from = 2099-01-01
currency = "EUR"
amount = "9.90"
"""


async def published(house, path, *, dry: bool = False):
    """Publish a file, or only check it."""
    problems = Problems()
    folder = read_draft([path], problems)
    if dry:
        return await check_draft(house, folder, problems, "cli:ann")
    async with house.store.begin() as tx:
        found = await publish_draft(house, tx, folder, problems, "cli:ann")
        assert found.is_good, [str(one) for one in found.problems]
    return found


@pytest.fixture
async def house(house):
    """A house with the demonstration's operator in it, when its households have their boxes."""
    await go_to(house, HARBOUR_BEGINS)
    assert (await import_paths(house, [HARBOUR], ENVIRONMENT)).taken
    return house


@pytest.fixture
def file(tmp_path):
    """A file that raises a price."""
    path = tmp_path / "catalogue.toml"
    path.write_text(RISE)
    return path


async def test_a_dry_run_tells_who_pays_what_and_keeps_nothing(house, file):
    """Checked, a draft says what it changes and for how many; published, it is an edition."""
    async with house.store.read() as tx:
        before, edition = await catalog.document(tx), await catalog.edition(tx)
        households = (await catalog.held(tx))["SPORT", "EUR"]
    assert households > 0
    checked = await published(house, file, dry=True)
    assert [str(one) for one in checked.changes] == [
        f"SPORT: amount 9.90 EUR from 2099-01-01, was 6.00 EUR ({households} households)"
    ]
    async with house.store.read() as tx:
        assert (await catalog.document(tx), await catalog.edition(tx)) == (before, edition)
    done = await published(house, file)
    assert (done.edition, done.changes) == (edition + 1, checked.changes)
    assert (await published(house, file)).changes == []
    async with house.store.read() as tx:
        assert [one.name for one in await catalog.versions(tx)] == ["2099", ""]
        assert (await catalog.version(tx, str(edition))).document == before
        assert [str(one) for one in await compare(tx, "", "2099")] == [
            str(one) for one in checked.changes
        ]
        assert await compare(tx, "2099", "") == []
        with pytest.raises(NotFound, match="2098"):
            await compare(tx, "2098", "")


async def test_what_is_published_is_a_file_that_says_the_same(house, tmp_path):
    """Shown as TOML and published again, a catalogue changes nothing."""
    async with house.store.read() as tx:
        document = await catalog.document(tx)
    path = tmp_path / "catalogue.toml"
    path.write_text("\n".join(as_toml(document)))
    found = await published(house, path)
    assert (found.is_good, found.changes) == (True, [])
    async with house.store.read() as tx:
        assert await catalog.document(tx) == document


async def test_a_price_to_come_may_still_change(house, file):
    """Until it is in force and while nobody was charged by it, a price is what was said last."""
    await published(house, file)
    file.write_text(RISE.replace("9.90", "8.90").replace('"2099"', '"2099-b"'))
    found = await published(house, file)
    assert [str(one.difference) for one in found.changes] == [
        "SPORT: amount 8.90 EUR from 2099-01-01, was 9.90 EUR"
    ]
    file.write_text(RISE.replace("9.90", "7.90"))
    checked = await published(house, file, dry=True)
    assert ["'2099' is published already" in str(one) for one in checked.problems] == [True]


OFFER = """
[[promotions]]
code = "half"
name = "Half price at first"
percent = "50%"
scope = "plan"
limited_to = ["HARBOUR"]
periods = 3
from_on = 2020-01-01
limit = 2
limit_account = 2

[[promotions]]
code = "FIVE"
name = "Five off sports"
amount = "5.00"
scope = "line"
limited_to = ["SPORT"]
group = "*"
from_on = 2099-01-01
until_on = 2099-04-01
ends = 2100-01-01

[[loyalty]]
referral = "10.00"
months = 12

[[loyalty_tiers]]
name = "Gold"
from_paid = "500.00"
earns = "2.5%"

[[loyalty_tiers]]
name = "Bronze"
earns = "1%"
"""
SHEET = """code,name,percent,amount,scope,limited_to,periods,group,from_on,until_on,ends,\
limit,limit_account
HALF,Half price at first,50%,,plan,HARBOUR,3,,2020-01-01,,,2,2
FIVE,Five off sports,,5.00,line,SPORT,,*,2099-01-01,2099-04-01,2100-01-01,,
"""


async def test_promotions_and_loyalty_are_a_part_of_the_document(house, tmp_path):
    """A file and sheets say the same of them: one publishes, the others change nothing."""
    path, sheet = tmp_path / "catalogue.toml", tmp_path / "promotions.csv"
    path.write_text(OFFER)
    sheet.write_text(SHEET)
    tiers = tmp_path / "loyalty_tiers.csv"
    tiers.write_text("name,from_paid,earns\nBronze,,1%\nGold,500.00,2.5%\n")
    found = await published(house, path)
    assert [str(one) for one in found.changes] == [
        "FIVE: discount 5.00 off SPORT, new",
        "FIVE: ends 2100-01-01, new",
        "FIVE: from_on 2099-01-01, new",
        "FIVE: group *, new",
        "FIVE: until_on 2099-04-01, new",
        "HALF: discount 50% off HARBOUR, 3 periods, new",
        "HALF: from_on 2020-01-01, new",
        "HALF: limit 2, new",
        "HALF: limit_account 2, new",
        "loyalty: months 12, new",
        "loyalty: referral 10.00, new",
        "tier Bronze: earns 1%, new",
        "tier Gold: earns 2.5%, new",
        "tier Gold: from_paid 500.00, new",
    ]
    assert (await published(house, sheet)).changes == []
    assert (await published(house, tiers)).changes == []
    assert (await import_paths(house, [HARBOUR], ENVIRONMENT)).taken  # it says nothing of loyalty
    async with house.store.read() as tx:
        document = await catalog.document(tx)
        assert await compare(tx, "", "") == found.changes
    path.write_text("\n".join(as_toml(document)))
    assert (await published(house, path)).changes == []
    async with house.store.read() as tx:
        assert await catalog.document(tx) == document
    path.write_text("loyalty_tiers = []\n")
    assert [str(one) for one in (await published(house, path)).changes] == [
        "tier Bronze: earns none, was 1%",
        "tier Gold: earns none, was 2.5%",
        "tier Gold: from_paid none, was 500.00",
    ]
    tiers.write_text("name,from_paid,earns\n")
    assert (await published(house, tiers)).changes == []


async def test_the_audit_says_what_a_publication_changes(house, tmp_path):
    """The sheets and the values are told, of very many the first; the same again is no deed."""
    path = tmp_path / "catalogue.toml"
    path.write_text(OFFER)
    changes = [str(one) for one in (await published(house, path)).changes]
    taxes = [f'[[taxes]]\ntax = "t{n:02}"\neffective_from = 2020-01-01\n' for n in range(45)]
    path.write_text("\n".join(f'{row}rate = "1%"\n' for row in taxes))
    for _ in range(2):
        await published(house, path)
    query = select(audit.c.after).where(audit.c.action == "import").order_by(audit.c.position)
    async with house.store.read() as tx:
        *_, offer, many = [row.after for row in await tx.rows(query)]
    assert offer.split("; ") == ["promotions.csv 2, loyalty.csv 1, loyalty_tiers.csv 2", *changes]
    head, *words, rest = many.split("; ")
    assert (head, words[0], len(words), rest) == (
        "taxes.csv 45",
        "t00: rate 1% from 2020-01-01, new",
        40,
        "and 5 changes more",
    )


async def test_what_somebody_has_stays_what_it_is(house, file):
    """Of a promotion that two have, the discount stays and so do two; the rest may change."""
    file.write_text(OFFER)
    await published(house, file)
    now = await house.business_now()
    async with house.store.begin() as tx:
        for contract in ("200001", "200002"):
            await redeem(house.desk, tx, contract, "HALF", now)
    for old, new, why in (
        ("limit = 2", "limit = 1", "10: promotions.limit: was had 2 times already"),
        ("50%", "60%", "3: promotions.code: somebody has it already: publish another code instead"),
    ):
        file.write_text(OFFER.replace(old, new))
        problems = (await published(house, file, dry=True)).problems
        assert [str(one) for one in problems] == [f"catalogue.toml, line {why}"]
    file.write_text(OFFER.replace("limit = 2", "limit = 3"))
    found = await published(house, file)
    assert [str(one) for one in found.changes] == ["HALF: limit 3, was 2 (2 households)"]


BAD = """\
[[offerings]]
code = "NEWS"
kind = "addon"
name = "News"
grants = ["news"]
tax = "standard"

[[prices]]
offering = "NEWS"
effective_from = 2030-01-01
currency = "EUR"
amount = 1.99

[[prices]]
offering = "SPORT"
effective_from = 2098-01-01
currency = "EUR"
amount = "1.00"

[[prices]]
offering = "SPORT"
effective_from = 2098-01-01
currency = "EUR"
amount = "2.00"
"""
PAST = """\
[[taxes]]
tax = "reduced"
effective_from = 2098-01-01
rate = "7%"

[[offerings]]
code = "LATE"
kind = "addon"
name = "Late"
grants = ["sport"]
tax = "reduced"

[[prices]]
offering = "SPORT"
effective_from = 2030-01-01
currency = "EUR"
amount = "1.00"

[[prices]]
offering = "LATE"
effective_from = 2030-01-01
currency = "EUR"
amount = "1.00"
"""


WRONG = """\
[[promotions]]
code = "A"
name = "Ends before it begins"
percent = "5%"
scope = "invoice"
from_on = 2026-07-01
ends = 2026-06-01

[[promotions]]
code = "B"
name = "For nothing"
percent = "5%"
scope = "line"
limited_to = ["GONE"]
from_on = 2026-07-01

[[promotions]]
code = "C"
name = "Both"
percent = "5%"
amount = "1.00"
scope = "invoice"
from_on = 2026-07-01
"""
MUCH = """\
[[loyalty]]
referral = "0.00"

[[loyalty]]
months = 12

[[loyalty_tiers]]
name = "Silver"
from_paid = "1.005"
earns = "1%"

[[loyalty_tiers]]
name = "Gold"
from_paid = "50.00"
earns = "101%"
"""
NOBODY = """\
[[loyalty]]
months = 121

[[loyalty_tiers]]
name = "Gold"
from_paid = "50.00"
earns = "1%"

[[loyalty_tiers]]
name = "Platinum"
from_paid = "50.00"
earns = "2%"
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WRONG, ["7: promotions.ends", "14: promotions.limited_to", "20: promotions.percent"]),
        (BAD, ["5: offerings.grants", "12: prices.amount", "21: prices.offering"]),
        (PAST, ["11: offerings.tax", "15: prices.effective_from"]),
        (MUCH, ["2: loyalty.referral", "4: loyalty", "9: loyalty_tiers.from_paid"]),
        (
            NOBODY,
            ["2: loyalty.months", "6: loyalty_tiers.from_paid", "11: loyalty_tiers.from_paid"],
        ),
    ],
)
async def test_what_is_wrong_is_named_with_file_and_line(house, file, text: str, told: list[str]):
    """A number, an overlap, a package without a route, a gap, another past: each by its line."""
    file.write_text(text)
    found = await published(house, file, dry=True)
    words = [str(one).removeprefix("catalogue.toml, line ") for one in found.problems]
    for each in told:
        assert any(word.startswith(f"{each}: ") for word in words), words
    assert len([one for one in found.problems if one.row]) == len(told), words


async def test_a_file_of_another_kind_is_refused(tmp_path):
    """Only what makes a catalogue is published so."""
    (tmp_path / "boxes.csv").write_text("serial\n")
    with pytest.raises(Invalid, match="no part of a catalogue"):
        read_draft([tmp_path / "boxes.csv"], Problems())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[prices]]\namount = nan", "must be a text, not a number"),
        ("[[prices]]\namount = true", "must be a text, not true or false"),
        ("[[prices]]\namount = 1", "must be a text, not a number"),
        ("[[prices]]\namount = 1.0", "must be a text, not a number"),
        ("[[prices]]\neffective_from = 2026", "must be a date like 2026-03-31, not a number"),
        ("[[taxes]]\neffective_from = 2026-01-01T00:00:00", "must be a date like 2026-03-31"),
        ("[[prices]]\namount = { a = 1 }", "must be a text, not a table"),
        ('[[prices]]\ncost = "1"', "unknown; known are offering"),
        ("prices = 7", "must be tables"),
        ('shop = "x"', "unknown; known are version"),
        ('version = "a b"', "not a code"),
        ("[[prices]]\namount = " + "[" * 5_000 + "]" * 5_000, "not readable as TOML"),
        ("[[prices]]\noffering = 'A\0'", "not readable as TOML"),
        ('[[prices]]\noffering = "A\\u0000"', "U+0000"),
        ("[[offerings]]\ngrants = ['a;b']", "holds a ';'"),
    ],
)
def test_no_table_says_what_a_sheet_could_not(text: str, why: str):
    """Numbers, depth, NUL and unknown names are refused in a file as anywhere else."""
    problems = Problems()
    read_toml(text.encode(), problems)
    assert any(why in str(one) for one in problems), list(map(str, problems))


def test_half_a_pair_is_no_text():
    """Lone surrogates are refused in a file and in what a caller tells."""
    problems = Problems()
    read_toml(b'[[prices]]\noffering = "\xed\xa0\x80"', problems)
    read_tables({"prices": [{"offering": "\ud800"}]}, problems)
    told = "\n".join(map(str, problems))
    assert "not UTF-8" in told
    assert "holds the character U+D800" in told


async def test_the_api_tells_checks_and_publishes(counter):
    """What GET shows can be sent back; a draft is checked, refused by field, or published."""
    status, shown = await counter.api("GET", "catalogue")
    assert status == 200
    row = {
        "offering": "SPORT",
        "effective_from": "2099-01-01",
        "currency": "EUR",
        "amount": "9.90",
    }
    offer = {
        "code": "FIVE",
        "name": "Five off",
        "amount": "5.00",
        "scope": "line",
        "limited_to": ["SPORT"],
        "from_on": "2099-01-01",
    }
    gift = {"loyalty": [{"months": "12"}], "loyalty_tiers": [{"name": "All", "earns": "1%"}]}
    status, same = await counter.api("POST", "catalogue/check", shown)
    assert (status, same["changes"]) == (200, [])
    draft = shown | gift | {"version": "2099", "promotions": [offer]}
    draft["prices"] = [*shown["prices"], row]
    status, checked = await counter.api("POST", "catalogue/check", draft)
    assert (status, checked["edition"]) == (200, None)
    assert [one["after"] for one in checked["changes"]] == [
        "5.00 off SPORT",
        "2099-01-01",
        "9.90 EUR",
        "12",
        "1%",
    ]
    for field, value, why in (
        ("amount", "nine", "prices.0.amount"),
        ("offering", "GONE", "prices.0.offering"),
        ("effective_from", "2021-01-01", "prices.0.effective_from"),
    ):
        status, told = await counter.api("POST", "catalogue", {"prices": [row | {field: value}]})
        assert (status, told["field"]) == (400, why), told
    wrong = {"promotions": [offer, offer | {"code": "B", "limited_to": ["GONE"]}]}
    status, told = await counter.api("POST", "catalogue/check", wrong)
    assert (status, told["field"]) == (400, "promotions.1.limited_to"), told
    status, done = await counter.api("POST", "catalogue", draft)
    assert (status, done["changes"]) == (201, checked["changes"])
    status, found = await counter.api("GET", "catalogue/versions")
    assert [one["name"] for one in found["items"]] == ["2099", ""]
    status, found = await counter.api("GET", "catalogue/diff")
    assert found == done["changes"]
    status, found = await counter.api("GET", "catalogue?version=2099")
    assert row in found["prices"]
    assert found["promotions"] == [offer]
    assert {name: found[name] for name in gift} == gift
    assert (await counter.api("GET", "catalogue?version=none"))[0] == 404
    for body in (b'{"prices": [{"amount": 1.5}]}', b'{"prices": [{"amount": true}]}', b'{"x": 1}'):
        headers = {
            "Authorization": f"Bearer {counter.token}",
            "Content-Type": "application/json",
        }
        status, raw, _ = await counter.raw("POST", "/api/v1/catalogue", headers=headers, data=body)
        assert status == 400, json.loads(raw)


def test_a_document_as_toml_is_the_document():
    """Whatever is in a name, the file that shows it says the same."""
    odd: dict[str, Any] = {
        "offerings": [{"code": "A", "name": 'T"V \\ \x7f é\t', "grants": ["a", "b"]}]
    }
    day = {"prices": [{"effective_from": "2026-03-01", "amount": "1.00"}]}
    read = tomllib.loads("\n".join(as_toml(odd | day)))
    assert read["offerings"] == odd["offerings"]
    assert read["prices"][0]["effective_from"] == date(2026, 3, 1)
