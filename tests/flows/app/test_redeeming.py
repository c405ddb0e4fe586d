"""Promotions from the operator's folder to the household's invoice, by every way in."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.imports.load import import_paths
from billing.reads import loyalty, promotions
from tests.flows.app.served import ENVIRONMENT, HARBOUR
from tests.flows.app.test_api import ORDER, settled

HEAD = "code,name,percent,amount,scope,limited_to,periods,group,from_on,until_on,limit,ahead"
HALF = "half,Half price,50%,,invoice,,2,,2020-01-01,,,"


async def brought(house, tmp_path, *rows: str):
    """Import promotions."""
    file = tmp_path / "promotions.csv"
    file.write_text("\n".join([HEAD, *rows]) + "\n", "utf-8")
    return await import_paths(house, [file], ENVIRONMENT)


@pytest.fixture
async def offered(house, harbour, tmp_path):
    """Return the house of an operator who offers half price."""
    assert (await brought(house, tmp_path, HALF)).taken
    return house


@pytest.mark.parametrize(
    ("row", "field", "why"),
    [
        ("A,A,,,invoice,,,,2020-01-01,,,", "percent", "is given, or an amount, and never both"),
        ("A,A,5%,1.00,invoice,,,,2020-01-01,,,", "percent", "never both"),
        ("A,A,0%,,invoice,,,,2020-01-01,,,", "percent", "takes nothing off"),
        ("A,A,101%,,invoice,,,,2020-01-01,,,", "percent", "more than 100 %"),
        ("A,A,,1.005,invoice,,,,2020-01-01,,,", "amount", "finer than the minor unit"),
        ("A,A,5%,,invoice,SPORT,,,2020-01-01,,,", "limited_to", "names the lines or plans"),
        ("A,A,5%,,line,,,,2020-01-01,,,", "limited_to", "names the lines or plans"),
        ("A,A,5%,,line,NOSUCH,,,2020-01-01,,,", "limited_to", "there is no offering 'NOSUCH'"),
        ("A,A,5%,,plan,SPORT,,,2020-01-01,,,", "limited_to", "'SPORT' is no plan"),
        ("A,A,5%,,invoice,,0,,2020-01-01,,,", "periods", "is not a whole number from 1 on"),
        ("A,A,5%,,invoice,,,,2020-01-01,2019-01-01,,", "until_on", "must be after from_on"),
        ("A,A,5%,,invoice,,,,2020-01-01,,,6", "ahead", "is of a line"),
        ("A,A,5%,,every,,,,2020-01-01,,,", "scope", "is none of line, plan, invoice"),
    ],
)
async def test_a_wrong_promotion_is_named_by_file_row_and_field(
    house, harbour, tmp_path, row, field, why
):
    """Whatever is wrong with a row, nothing of the file is taken."""
    outcome = await brought(house, tmp_path, HALF, row)
    (problem,) = outcome.problems
    assert (outcome.taken, problem.file, problem.row) == (False, "promotions.csv", 3)
    assert (problem.field, why in problem.why) == (field, True)


async def test_the_same_promotions_again_change_nothing(offered, tmp_path):
    """And what somebody has may end, but take off nothing else."""
    again = await brought(offered, tmp_path, HALF)
    assert (again.new, again.unchanged) == ({"promotions.csv": 0}, {"promotions.csv": 1})


async def test_a_code_goes_from_sign_up_to_the_invoice(offered, served, tmp_path):
    """Who signs up with a code is charged less at once, and the invoice says by what."""
    order = {**ORDER, "payment": None, "code": "HALF"}
    status, _ = await served.api("POST", "accounts", order)
    assert status == 201
    await settled(offered)
    _, account = await served.api("GET", "accounts/300001")
    for line in account["invoices"][0]["lines"]:
        (off,) = line["discounts"]
        assert (off["promotion"], off["name"]) == ("HALF", "Half price")
        assert off["off"]["amount_minor"] * 2 in range(
            line["rate"]["amount_minor"] - 1, line["rate"]["amount_minor"] + 2
        )
    _, had = await served.api("GET", "accounts/300001/promotions")
    assert [(one["code"], one["periods"]) for one in had["items"]] == [("HALF", 1)]
    outcome = await brought(offered, tmp_path, HALF.replace("50%", "60%"))
    (problem,) = outcome.problems
    assert (problem.row, problem.field) == (2, "code")
    assert "somebody has it already" in problem.why
    assert (await brought(offered, tmp_path, HALF.replace("01,,,", "01,2021-01-01,,"))).taken


async def test_a_wrong_code_signs_nobody_up(offered, served):
    """The household is not made, and the answer names the code."""
    status, problem = await served.api("POST", "accounts", {**ORDER, "code": "NOPE"})
    assert (status, problem["errors"][0]["field"]) == (400, "code")
    status, _ = await served.api("GET", "accounts/300001")
    assert status == 404


async def test_a_preview_of_a_code_redeems_nothing(offered, served):
    """What would be charged is told with the discount, and nobody has it."""
    await served.api("POST", "accounts", {**ORDER, "payment": None})
    path = "accounts/300001/promotions"
    status, preview = await served.api("POST", f"{path}/preview", {"code": "half"})
    assert status == 200
    assert [off["name"] for line in preview["invoice"]["lines"] for off in line["discounts"]]
    assert (await served.api("GET", path))[1] == {"items": []}
    status, had = await served.api("POST", path, {"code": "half"})
    assert (status, [one["code"] for one in had["items"]]) == (200, ["HALF"])
    status, again = await served.api("POST", path, {"code": "half"})
    assert (status, again["errors"][0]["field"]) == (400, "code")
    async with offered.store.read() as tx:
        (listed,) = await promotions.listing(tx)
    assert listed.redeemed == 1


async def test_a_member_spends_points_over_the_api(offered, served):
    """Who joins is a member with no points yet, and more than there are is refused by the field."""
    await served.api("POST", "accounts", {**ORDER, "payment": None})
    path = "accounts/300001/loyalty"
    assert (await served.api("GET", path))[1]["points"] is None
    for _ in range(2):
        status, found = await served.api("POST", path, {})
        assert (status, found["points"]) == (200, 0)
    wish = {"points": 1, "reference": "S-1"}
    status, problem = await served.api("POST", f"{path}/spend", wish)
    assert (status, problem["errors"][0]["field"]) == (400, "points")
    for wrong in ({"points": 0}, {"points": True}, {"points": "1"}, {"points": 1.0}, {}):
        status, _ = await served.api("POST", f"{path}/spend", {"reference": "S", **wrong})
        assert status == 400


async def test_the_code_of_a_household_is_taken_where_codes_are(offered, served):
    """It brings a new household at sign-up, and is no promotion; one's own is refused."""
    await served.api("POST", "accounts", {**ORDER, "payment": None})
    path = "accounts/300001/loyalty"
    _, found = await served.api("POST", f"{path}/code", {})
    assert (await served.api("POST", f"{path}/code", {}))[1]["code"] == found["code"]
    own = {"code": found["code"]}
    status, problem = await served.api("POST", "accounts/300001/promotions", own)
    assert (status, problem["errors"][0]["field"]) == (400, "code")
    async with offered.store.begin() as tx:
        await offered.clock.advance(tx, timedelta(seconds=1))
    order = {**ORDER, "contract": "300002", "box": None, "payment": None, **own}
    status, _ = await served.api("POST", "accounts", order)
    assert status == 201
    _, found = await served.api("GET", path)
    assert (found["brought"], found["rewarded"]) == (1, 0)


LOYALTY = """
[loyalty]
referral = "10.00"
[[loyalty.tiers]]
name = "Bronze"
earns = "1%"
"""


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"10.00"', '"0.00"', "loyalty.referral"),
        ('"10.00"', '"1.005"', "loyalty.referral"),
        ('"1%"', '"much"', "loyalty.tiers.0.earns"),
        ('"1%"', '"101%"', "loyalty.tiers.0.earns"),
        ('name = "Bronze"', 'name = "Bronze"\nfrom_paid = "1.00"', "loyalty.tiers.0.from_paid"),
        ('[[loyalty.tiers]]\nname = "Bronze"', 'tiers = "Bronze"', "loyalty.tiers"),
        ('referral = "10.00"', "months = 0", "loyalty.months"),
    ],
)
async def test_a_program_is_taken_over_or_named_by_its_field(house, tmp_path, old, new, field):
    """What is given for loyalty is read from operator.toml, and what is wrong with it is said."""
    file = tmp_path / "operator.toml"
    text = (HARBOUR / "operator.toml").read_text("utf-8")
    file.write_text(text + LOYALTY.replace(old, new), "utf-8")
    refused = await import_paths(house, [file], ENVIRONMENT)
    assert (refused.taken, [one.field for one in refused.problems]) == (False, [field])
    file.write_text(text + LOYALTY, "utf-8")
    assert (await import_paths(house, [file], ENVIRONMENT)).taken
    (tmp_path / "loyalty.csv").write_text("referral,months\n5.00,12\n", "utf-8")
    twice = await import_paths(house, [tmp_path], ENVIRONMENT)
    assert (twice.taken, [one.field for one in twice.problems]) == (False, ["loyalty"])
    file.write_text(text, "utf-8")
    assert (await import_paths(house, [file], ENVIRONMENT)).taken
    async with house.store.read() as tx:
        program = await loyalty.program(tx)
    assert (str(program.referral), [tier.name for tier in program.tiers]) == (
        "10.00 EUR",
        ["Bronze"],
    )
