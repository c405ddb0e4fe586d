"""An operator folder on its way into the database: all or nothing, once, and never twice."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

from app.desk.signup import Household, sign_up
from app.imports.load import import_good_rows, import_paths
from billing.equipment.model import Starts
from billing.promises.model import PromisePolicy, Standing
from billing.reads import accounts, catalog
from gateway.inventory import jobs
from gateway.inventory import store as boxes
from gateway.inventory.jobs import JobState
from gateway.provisioning import routes, targets
from runtime.store.audit import history
from tests.flows.app.served import ENVIRONMENT, HARBOUR, HARBOUR_BEGINS, at_work, go_to, rest
from tests.flows.app.test_import_files import change, widen

# What an import may write; with time and chance aside, a refused one leaves all of it as it was.
TABLES = (
    "account",
    "customer",
    "service",
    "subscription",
    "payment_method",
    "payment_provider",
    "offering",
    "price",
    "tax_rate",
    "seller",
    "target",
    "target_ref",
    "route",
    "resource",
    "log_entry",
    "work",
    "imported_row",
    "audit",
)


@pytest.fixture
async def house(house):
    """A house at the time at which the demonstration's households have their boxes."""
    await go_to(house, HARBOUR_BEGINS)
    return house


@pytest.fixture
def folder(tmp_path):
    """A private copy of the demonstration's operator."""
    return shutil.copytree(HARBOUR, tmp_path / "operator")


async def rows(house) -> dict[str, int]:
    """Count the rows of every table an import may write."""
    counts = {}
    async with house.store.read() as tx:
        for table in TABLES:
            ((counts[table],),) = await tx.fetch(f"SELECT count(*) FROM {table}")
    return counts


async def test_everything_is_taken_over(house, folder):
    """Subscribers, boxes, catalogue, routes, targets and providers are there after an import."""
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    assert (outcome.taken, list(outcome.problems)) == (True, [])
    assert outcome.new["subscribers.csv"] == 25
    assert sorted(house.providers) == ["cards"]
    async with house.store.read() as tx:
        lines = await accounts.listing(tx, limit=100)
        codes = await catalog.codes(tx)
        held = await boxes.by_service(tx, [h.service for h in (await _holders(tx)).values()])
        assert len(await routes.load(tx)) == 16
        assert list(await targets.load(tx)) == ["acs", "boxes-snmp", "boxes-ssh", "portal-north"]
    assert len(lines) == 25
    assert codes.offerings["SPORT"] == "addon"
    assert len(held) == 25


async def _holders(tx):
    lines = await accounts.listing(tx, limit=100)
    return await accounts.holders(tx, [line.contract for line in lines])


async def test_which_promises_are_taken_is_taken_over(house, folder):
    """One table of operator.toml says it; without it the usual ones are taken."""
    operator = folder / "operator.toml"
    await import_paths(house, [folder], ENVIRONMENT)
    async with house.store.read() as tx:
        assert await catalog.promise_policy(tx) == PromisePolicy()
    told = '[promises]\ndays_max = 3\npause_days = 0\nowed_max = "200.00"\n'
    told += "count_max = 2\nbroken_max = 1\n[[promises.standing]]\npaid_months = 6\ndays_max = 9\n"
    operator.write_text(f"{operator.read_text('utf-8')}\n{told}")
    changed = await import_paths(house, [folder], ENVIRONMENT)
    again = await import_paths(house, [folder], ENVIRONMENT)
    assert (changed.new["operator.toml"], again.new["operator.toml"]) == (1, 0)
    async with house.store.read() as tx:
        assert await catalog.promise_policy(tx) == PromisePolicy(
            days_max=3,
            pause_days=0,
            owed_max_minor=20_000,
            count_max=2,
            broken_max=1,
            standings=(Standing(paid_months=6, days_max=9),),
        )


async def test_who_sends_technicians_is_taken_over(house, folder):
    """Without boxes each household that is granted one gets a job, unless the file says by hand.

    Said later, it takes back what had opened by itself; said no more, it opens again.
    """
    (folder / "boxes.csv").unlink()
    operator = folder / "operator.toml"
    plain = operator.read_text("utf-8")
    by_hand = f'{plain}\n[jobs]\ninstall = "by_hand"\n'
    counts = []
    async with at_work(house):
        for text in (plain, by_hand, by_hand, plain):
            operator.write_text(text, "utf-8")
            outcome = await import_paths(house, [folder], ENVIRONMENT)
            await rest(house, "settle", "compose")
            async with house.store.read() as tx:
                states = [one.state for one in await jobs.listing(tx)]
            counts.append((outcome.new["operator.toml"], states.count(JobState.OPEN)))
    assert [new for new, _ in counts] == [1, 1, 0, 1]
    sent = counts[0][1]
    assert sent > 0
    assert [one for _, one in counts] == [sent, 0, 0, sent]


async def test_deposits_fees_and_the_begin_of_rentals_are_taken_over(house, folder):
    """Two more columns of prices and one more table of operator.toml say what boxes cost."""
    prices, operator = folder / "prices.csv", folder / "operator.toml"
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    widen(prices, "lost_fee")
    again = await import_paths(house, [folder], ENVIRONMENT)
    assert (again.taken, again.unchanged["prices.csv"]) == (True, outcome.new["prices.csv"])
    with prices.open("a", encoding="utf-8") as file:
        file.write("BOX,2040-06-01,EUR,4.00,30.00,60.00\n")
    operator.write_text(f'{operator.read_text("utf-8")}\n[rental]\nstarts = "activation"\n')
    changed = await import_paths(house, [folder], ENVIRONMENT)
    assert (changed.new["prices.csv"], changed.new["operator.toml"]) == (1, 1)
    async with house.store.read() as tx:
        assert await catalog.rental_starts(tx) is Starts.ACTIVATION
        (box,) = [one for one in await catalog.offerings(tx) if one.offering.code == "BOX"]
    assert [(str(p.deposit), str(p.lost_fee)) for p in box.prices] == [
        ("0.00 EUR", "0.00 EUR"),
        ("30.00 EUR", "60.00 EUR"),
    ]
    # What is to come may still change; what is in force may not.
    change(prices, 10, "deposit", "31.00")
    changed = await import_paths(house, [folder], ENVIRONMENT)
    assert (changed.taken, changed.new["prices.csv"]) == (True, 1)
    change(prices, 2, "amount", "31.00")
    refused = await import_paths(house, [folder], ENVIRONMENT)
    assert [(p.file, p.row, p.field) for p in refused.problems] == [("prices.csv", 2, "amount")]
    assert (await import_paths(house, [operator], ENVIRONMENT)).unchanged == {"operator.toml": 1}


async def test_a_wrong_row_in_the_last_file_takes_nothing(house, folder):
    """One bad cell anywhere leaves every table as it was, and says file, row and field."""
    before = await rows(house)
    change(folder / "boxes.csv", 31, "mac", "nonsense")
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    assert not outcome.taken
    assert [(p.file, p.row, p.field) for p in outcome.problems] == [("boxes.csv", 31, "mac")]
    assert await rows(house) == before


async def test_bad_rows_can_be_left_out(house, folder):
    """With bad rows left out, they and what leans on them are listed and the others are taken."""
    change(folder / "subscribers.csv", 5, "plan", "NOSUCH")
    outcome = await import_good_rows(house, [folder], ENVIRONMENT)
    assert outcome.taken
    cause, following = outcome.problems
    assert (cause.file, cause.row, cause.field) == ("subscribers.csv", 5, "plan")
    assert str(following) == "boxes.csv: and 1 more that follows from these: row 5"
    assert outcome.problems_count == 1
    async with house.store.read() as tx:
        assert await accounts.contracts(tx, ["200004", "200005"]) == {"200005"}


async def test_a_file_that_is_none_stops_all_even_then(house, folder):
    """A file without its header cannot be left out row by row."""
    (folder / "prices.csv").write_text("offering;amount\n")
    before = await rows(house)
    outcome = await import_good_rows(house, [folder], ENVIRONMENT)
    assert not outcome.taken
    assert await rows(house) == before


async def test_the_same_folder_again_changes_nothing(house, folder):
    """A second import of the same files writes no row and marks no work."""
    await import_paths(house, [folder], ENVIRONMENT)
    before = await rows(house)
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    assert outcome.taken
    assert sum(outcome.new.values()) == 0
    assert outcome.unchanged["operator.toml"] == 1
    assert outcome.unchanged["subscribers.csv"] == 25
    assert await rows(house) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "Harbour TV"', 'name = "Harbour and Sons"'),
        ("share_percent = 25", "share_percent = 30"),
        ("after_days = 10", "after_days = 11"),
        ('login = "${PORTAL_LOGIN}"', 'login = "another"'),
        ('secret_key = "${PROVIDER_KEY}"', 'secret_key = "another"'),
    ],
)
async def test_a_change_of_the_operator_file_counts(house, folder, old, new):
    """Whatever operator.toml says anew, it is imported; the next time it is known."""
    await import_paths(house, [folder], ENVIRONMENT)
    path = folder / "operator.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    again = [await import_paths(house, [path], ENVIRONMENT) for _ in range(2)]
    assert [one.new for one in again] == [{"operator.toml": 1}, {"operator.toml": 0}]
    assert [one.unchanged for one in again] == [{}, {"operator.toml": 1}]


async def test_who_sells_is_taken_over_and_stays(house, folder):
    """The next seller is told for a day to come, and noted; another one of days that are over is
    refused by its line, with whoever stands there already.
    """
    await import_paths(house, [folder], ENVIRONMENT)
    path = folder / "operator.toml"
    before = path.read_text()
    line = before.splitlines().index("[[seller]]") + 1
    path.write_text(before.replace("Harbour Television GmbH", "Harbour Group AG"))
    for take in (import_paths, import_good_rows):
        refused = await take(house, [path], ENVIRONMENT)
        assert not refused.taken
        assert [str(one).partition(" up to ")[0] for one in refused.problems] == [
            f"operator.toml, line {line}: seller.0.from: documents"
        ]
    later = '[[seller]]\nfrom = 2040-01-01\nname = "Harbour Group AG"\naddress = ["Quay 1"]\n'
    path.write_text(f'{before}\n{later}tax_number = "ATU9"\n')
    taken = [await import_paths(house, [path], ENVIRONMENT) for _ in range(2)]
    assert [one.new for one in taken] == [{"operator.toml": 1}, {"operator.toml": 0}]
    path.write_text(before)
    assert (await import_paths(house, [path], ENVIRONMENT)).unchanged == {"operator.toml": 1}
    async with house.store.read() as tx:
        known = await catalog.sellers(tx)
        deeds = [one for one in await history(tx, "operator") if one.action == "import.seller"]
    days = (date(2039, 12, 31), date(2040, 1, 1))
    assert [one.name for one in map(known.on, days) if one] == [
        "Harbour Television GmbH",
        "Harbour Group AG",
    ]
    assert "Harbour Group AG, Quay 1, Tax number ATU9, from 2040-01-01" in {
        one.after for one in deeds
    }
    assert len(deeds) == 2


async def test_a_wrong_zone_is_the_only_problem_of_a_large_folder(house, folder):
    """Nothing that leans on operator.toml is blamed for what is wrong in operator.toml."""
    path = folder / "operator.toml"
    path.write_text(path.read_text().replace("Europe/Vienna", "Europe/Wien"))
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    assert [(p.file, p.field) for p in outcome.problems] == [("operator.toml", "operator.zone")]
    assert not outcome.taken


async def test_an_address_that_is_none_is_named_with_its_line(house, folder):
    """A port there is not, half an IPv6 address: the file, the line and the field are told."""
    path = folder / "operator.toml"
    path.write_text(path.read_text().replace("${PORTAL_URL}", "http://127.0.0.1:999999"))
    wrong = ENVIRONMENT | {"PROVIDER_URL": "http://[2001:db8::zz]/"}
    lines = path.read_text().splitlines()
    portal, provider = (n for n, line in enumerate(lines, 1) if line.startswith("base_url"))
    for found in (
        await import_paths(house, [folder], wrong),
        await import_good_rows(house, [folder], wrong),
    ):
        assert not found.taken
        assert [(p.row, p.field, p.why) for p in found.problems] == [
            (
                provider,
                "payments.cards.base_url",
                "an IPv6 address is written like http://[2001:db8::1]:8080",
            ),
            (portal, "targets.portal-north.base_url", "there is no such port: 1 to 65535"),
        ]


@pytest.mark.parametrize("name", ["cash", "bank", "voucher"])
async def test_no_provider_is_called_as_money_of_our_own(house, tmp_path, name):
    """Its money would be taken for the till's, or for that of cards."""
    path = tmp_path / "operator.toml"
    text = (HARBOUR / "operator.toml").read_text("utf-8")
    path.write_text(text.replace("[payments.cards]", f"[payments.{name}]"), "utf-8")
    outcome = await import_paths(house, [path], ENVIRONMENT)
    assert (outcome.taken, [one.field for one in outcome.problems]) == (False, [f"payments.{name}"])


async def test_a_refund_has_no_limit_in_a_currency_that_nothing_is_sold_in(house, folder):
    """A mistyped currency would limit nothing: it is refused by its field, unless it was one."""
    told = (folder / "operator.toml").read_text("utf-8")
    limits = '[refunds.alone_up_to]\nEUR = "100.00"\nGBP = "50.00"\n'
    (folder / "operator.toml").write_text(f"{told}\n{limits}")
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    assert [(p.file, p.field, p.why) for p in outcome.problems] == [
        (
            "operator.toml",
            "refunds.alone_up_to.GBP",
            "nothing is sold in GBP, and no account is kept in it",
        )
    ]
    assert not outcome.taken
    (folder / "operator.toml").write_text(f"{told}\n{limits.replace('GBP', '#')}")
    assert (await import_paths(house, [folder], ENVIRONMENT)).taken
    async with house.store.begin() as tx:
        await tx.driver("UPDATE price SET currency = 'GBP'")
    (folder / "operator.toml").write_text(f"{told}\n{limits}")
    assert (await import_paths(house, [folder / "operator.toml"], ENVIRONMENT)).taken


async def test_a_box_of_a_later_import_needs_a_rental_of_an_earlier_one(house, folder):
    """What is rented is known from the database, too."""
    (folder / "models.csv").unlink()
    await import_paths(house, [folder], ENVIRONMENT)
    path = folder / "boxes.csv"
    path.write_text(f"{path.read_text()}HT2-00098,,HT-2,,\nHT2-00099,,HTX,,\n")
    outcome = await import_paths(house, [path], ENVIRONMENT)
    assert [(p.row, p.field) for p in outcome.problems] == [(36, "model")]


@pytest.mark.parametrize(
    ("file", "column", "cell", "mend"),
    [
        ("prices.csv", "amount", "13.00", "later effective_from"),
        ("taxes.csv", "rate", "21%", "later effective_from"),
        ("subscribers.csv", "plan", "HORIZON", "boxoffice change"),
        ("boxes.csv", "model", "HT-3", "boxoffice device"),
    ],
)
async def test_a_row_that_says_something_else_now_is_a_problem(
    house, folder, file, column, cell, mend
):
    """What was agreed is not changed by a file: old and new value and the way to do it are said."""
    await import_paths(house, [folder], ENVIRONMENT)
    change(folder / file, 2, column, cell)
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    (problem,) = outcome.problems
    assert (problem.file, problem.row, problem.field) == (file, 2, column)
    assert f"is '{cell}'" in problem.why
    assert mend in problem.why


async def test_new_rows_are_added_to_what_is_there(house, folder):
    """A later import of one file alone adds its new rows, leaning on what is in the database."""
    await import_paths(house, [folder], ENVIRONMENT)
    path = folder / "subscribers.csv"
    line = path.read_text().splitlines()[1].replace("200001", "200099").split(",")
    line[11:] = ["cus_harbour_99", "pm_harbour_99"]
    path.write_text(path.read_text() + ",".join(line) + "\n")
    outcome = await import_paths(house, [path], ENVIRONMENT)
    assert (outcome.taken, outcome.new) == (True, {"subscribers.csv": 1})


async def test_who_signed_up_elsewhere_is_not_imported(house, folder):
    """A contract and a box that exist by other ways are named, not taken twice."""
    await import_paths(house, [folder], ENVIRONMENT)
    async with house.store.begin() as tx:
        await sign_up(house, tx, Household(contract="200099", name="N", plan="HARBOUR"), "test")
    path = folder / "subscribers.csv"
    path.write_text(path.read_text().replace("200001", "200099"))
    outcome = await import_paths(house, [path], ENVIRONMENT)
    assert [str(p) for p in outcome.problems] == [
        "subscribers.csv, row 2: contract: 200099 is signed up already"
    ]


async def test_a_contract_the_portal_would_misread_is_refused(house, folder):
    """Twelve characters mean a MAC to the portal, so no household gets such a number."""
    change(folder / "subscribers.csv", 2, "contract", "200000000001")
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    first = next(p for p in outcome.problems if p.file == "subscribers.csv")
    assert (first.row, first.field) == (2, "contract")
    assert "target portal-north would not take it" in first.why


async def test_currency_and_zone_stay(house, folder):
    """An operator's currency and time zone are the same for ever."""
    await import_paths(house, [folder], ENVIRONMENT)
    path = folder / "operator.toml"
    path.write_text(path.read_text().replace("Europe/Vienna", "Europe/Kyiv"))
    outcome = await import_paths(house, [path], ENVIRONMENT)
    assert [(p.file, p.field) for p in outcome.problems] == [("operator.toml", "operator.zone")]


async def test_wrong_options_of_a_target_or_provider_are_named_without_their_value(house, folder):
    """An option that is wrong is said by its name; what it held is not."""
    path = folder / "operator.toml"
    text = path.read_text().replace('login = "${PORTAL_LOGIN}"', "login = 7\ncanary = 1")
    path.write_text(text.replace('secret_key = "${PROVIDER_KEY}"', "secret_key = 5"))
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    told = "\n".join(map(str, outcome.problems))
    assert "targets.portal-north" in told
    assert "secret_key" in told
    assert "canary" not in told.replace("canary: ", "")
    assert ENVIRONMENT["PORTAL_PASSWORD"] not in told.split()


async def test_a_secret_that_anybody_knows_is_not_imported(house, folder):
    """Nobody may sign the provider's messages with nothing; each secret is named by its place."""
    path = folder / "operator.toml"
    text = path.read_text()
    told = 'webhook_secrets = ["${PROVIDER_WEBHOOK_SECRET}"]'
    assert told in text
    path.write_text(text.replace(told, told.replace("]", ', ""]')))
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    assert not outcome.taken
    assert [(one.field, one.why) for one in outcome.problems] == [
        ("payments.cards.webhook_secrets.1", "must not be empty")
    ]


async def test_the_first_import_needs_an_operator(house, folder):
    """Without operator.toml there is no currency, and nothing can be taken."""
    (folder / "operator.toml").unlink()
    outcome = await import_paths(house, [folder], ENVIRONMENT)
    assert not outcome.taken
    assert any(p.file == "operator.toml" for p in outcome.problems)
