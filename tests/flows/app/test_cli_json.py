"""What every command prints with --json, while a real product is at work."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from app.cli.root import cli
from tests.fixtures.bank import Row, camt
from tests.flows.app.operation import Operation, operation, until
from tests.flows.app.operator import PROVIDER, TARGET, contract_of, secrets
from tests.flows.app.product import BOXOFFICE, STOP_S

OWNER = "olga"
LIT, DARK, NEW = contract_of(1), contract_of(2), contract_of(3)
USAGE = "id,contract,meter,quantity,at\n"
LIST = "serial,mac,model,contract,handed_over_on\nSN900001,,M1,,\nSN900002,,M1,,\n"
CASE = """
    INSERT INTO review_case (id, kind, serial, reason, found_at, seen_at, count)
    VALUES ('other_mac:SN000001', 'other_mac', 'SN000001', 'it shows another MAC', 1, 1, 1)
"""
# A box that came back damaged long ago, with its deposit.
DEPOSIT = (
    f"""
    INSERT INTO rental (id, service_id, resource_id, serial, model, offering,
        from_on, until_on, charged_from, ending)
    SELECT 'K1', id, 'R1', 'SN800001', 'M1', 'BASIC', '2030-01-01', '2030-01-01', '2030-01-01',
        'damaged' FROM service WHERE contract = '{LIT}'
    """,
    f"""
    INSERT INTO invoice SELECT 'I1', 'INV', 800001, 'INV-00800001', account_id, 'EUR',
        '2030-01-01', 1, '2030-01-15', 3000, 0, 3000, '[]', FALSE FROM service
        WHERE contract = '{LIT}'
    """,
    f"""
    INSERT INTO invoice_line (invoice_id, n, service_id, subject, kind, period_start, period_end,
        take, measure, units_before, units, of_units, offering, price_from, quantity, rate_minor,
        amount_minor, net_minor, tax_minor, tax, label)
    SELECT 'I1', 1, id, 'K1', 'deposit', '2030-01-01', '2030-01-02', 0, 'whole', 0, 1, 1,
        'BASIC', '2020-01-01', 1, 3000, 3000, 3000, 0, '', 'Box'
        FROM service WHERE contract = '{LIT}'
    """,
)

# A batch beside the one that is made.
OTHER_BATCH = """
    INSERT INTO debit_batch SELECT 'DDOTHER', collect_on, clear_on, debits, total_minor, currency,
        file, digest, made_at, made_by, NULL, '', NULL, NULL FROM debit_batch
"""
REPORT = """
    <Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
    <OrgnlGrpInfAndSts><OrgnlMsgId>DDX</OrgnlMsgId><GrpSts>RJCT</GrpSts></OrgnlGrpInfAndSts>
    </CstmrPmtStsRpt></Document>
"""
HALF = """
    INSERT INTO promotion
        (code, name, percent_ppm, scope, limited_to, "group", from_on, account_max)
    VALUES ('HALF', 'Half price', 500000, 'invoice', '', 'HALF', '2020-01-01', 1)
"""

UNPAID = f"""
    SELECT i.number FROM invoice i JOIN service s ON s.account_id = i.account_id
    WHERE s.contract = '{DARK}'
"""
# A member with points to spend.
POINTS = (
    f"""
    INSERT INTO loyalty (account_id, points, joined_at, seen_at)
    SELECT account_id, 5, 1, 1 FROM service WHERE contract = '{LIT}'
    """,
    f"""
    INSERT INTO point_entry (id, account_id, kind, points, cause, charge, earned, at)
    SELECT 'P1', account_id, 'earned', 5, 'M1.0', 'cards ch_1', 5, 1
    FROM service WHERE contract = '{LIT}'
    """,
)

# Lines that nobody here is named by: money, what takes as much back, and more.
BANKED = (
    Row(amount="7.00", ref="B1"),
    Row(amount="-7.00", ref="B2", is_reversal=True),
    Row(amount="5.00", ref="B3"),
    Row(amount="3.00", ref="B4", text=f"household {LIT}"),
)

# A run of dunning was stopped.
STOPPED = "UPDATE dunning_brake SET stopped_at = 1"

METHOD = f"""
    INSERT INTO payment_method
        (id, account_id, provider, customer_ref, method_ref, stopped, created_at)
    SELECT 'PM1', account_id, '{PROVIDER}', 'cus_1', 'pm_1', 'money_went_back', 1
    FROM service WHERE contract = '{LIT}'
"""

SAID = "en=There are four more channels."
# What each is asked, in this order; {folder} is where the operator's files are.
ASKED = {
    "migrate": (),
    "import": ("{folder}",),
    "signup": (NEW, "Third", "BASIC"),
    "change": (LIT, "--add", "KIDS"),
    "goodwill": ("INV-00000001.1", "--amount", "0.50", *("--reason", "r", "--reference", "G-1")),
    "jurisdiction": (LIT, "AT"),
    "segment": (LIT,),
    "dunning brake": (),
    "dunning release": ("--by", "cli:second"),
    "dunning preview": ("{folder}/operator.toml", "--days", "40"),
    "catalogue show": (),
    "catalogue versions": (),
    "catalogue diff": (),
    "catalogue publish": ("{folder}/prices.csv",),
    "redeem": (LIT, "half"),
    "promotions": (),
    "vouchers make": (
        *("CARDS", "20.00", "--count", "2", "--valid-until", "{later}"),
        *("--dealer", "Kiosk", "--margin", "75000", "--prefix", "kx"),
        *("--sheet", "{folder}/../cards.html"),
    ),
    "vouchers activate": ("CARDS",),
    "vouchers redeem": (LIT, "{card}"),
    "vouchers list": (),
    "vouchers dealers": (),
    "vouchers stop": ("CARDS",),
    "loyalty join": (DARK,),
    "loyalty code": (LIT,),
    "loyalty show": (LIT,),
    "loyalty spend": (LIT, "1", "--reference", "S-1"),
    "explain": (LIT,),
    "promise": (DARK, "--until", "{soon}"),
    "message": (LIT, "Good evening"),
    "pay": (DARK, "5.00", "--reference", "R-1"),
    "refund give": (DARK, "R-1", *("--amount", "1.00", "--reason", "r", "--reference", "B-1")),
    "refund list": (DARK,),
    "refund waiting": (),
    "refund release": ("{B2}",),
    "refund decline": ("{B3}",),
    "cash till": ("main", "--place", "Front desk"),
    "cash tills": (),
    "cash open": ("main", "--float", "10.00"),
    "cash in": ("5.00",),
    "cash out": ("1.00",),
    "cash count": ("main-1", "13.00"),
    "cash approve": ("main-1",),
    "cash recount": ("side-1",),
    "cash shifts": (),
    "cash report": ("main-1",),
    "cash receipt": ("RCT-00000001",),
    "cash retire": ("main",),
    "wallet show": (LIT,),
    "wallet top-up": (DARK, "20.00"),
    "wallet pay-out": (LIT, "0.10", "--reference", "W-1"),
    "methods list": (LIT,),
    "methods add": (DARK,),
    "methods default": (LIT, "PM1"),
    "methods remove": (LIT, "PM1"),
    "device import": ("{folder}/../list.csv",),
    "device register": ("--serial", "SN900001", "--account", DARK),
    "device activate": ("SN900001",),
    "device swap": ("SN900001", "SN900002", "--condition", "faulty"),
    "device return": ("SN900002",),
    "device restock": ("SN900002",),
    "device move": ("SN900002", OWNER),
    "device lost": ("SN900002",),
    "device found": ("SN900002",),
    "device scrap": ("SN900002", "--note", "corroded"),
    "device list": ("--place", "warehouse"),
    "device show": ("SN900002",),
    "deposit list": (),
    "deposit release": ("K1", "--keep", "12.50"),
    "books trial": (),
    "books ageing": (),
    "books deferred": (),
    "books earn": (),
    "write-off": ("{bill}", "--reason", "has gone"),
    "jobs open": ("install", DARK, "--to", OWNER),
    "jobs list": (),
    "jobs assign": ("{job}", OWNER),
    "jobs close": ("{job}",),
    "review list": (),
    "review resolve": ("other_mac:SN000001", "looked at it"),
    "review strangers": (),
    "reconcile": (LIT,),
    "drift": ("--repair",),
    "processes": (),
    "orders": (),
    "parked list": (),
    "parked release": ("compose", LIT),
    "entitlements replay": (),
    "doctor": (),
    "verify": (),
    "targets kinds": (),
    "targets list": (),
    "targets probe": (TARGET,),
    "targets scan": (TARGET,),
    "targets release": (TARGET,),
    "targets disable": (TARGET,),
    "targets enable": (TARGET,),
    "targets approve": (TARGET,),
    "targets reject": (TARGET,),
    "user add": ("anna", "--role", "owner", "--generate"),
    "user password": ("anna", "--generate"),
    "user list": (),
    "user sign-ins": ("anna",),
    "user revoke": ("anna",),
    "user enable": ("anna",),
    "user disable": (OWNER,),
    "user role": (OWNER, "cashier"),
    "clock show": (),
    "clock advance": ("1d",),
    "database reseal": (),
    "token add": ("till", "--scope", "read"),
    "token list": (),
    "token revoke": ("till",),
    "audit": ("--subject", DARK),
    "audit-link": (),
    "bill preview": (),
    "bill days": (),
    "bill run": (),
    "bill release": ("{soon}",),
    "purchase sell": (LIT, "PASS", "--ref", "S-1"),
    "purchase list": (LIT,),
    "purchase watched": ("{sale}",),
    "purchase give-back": ("{other}",),
    "statement": (LIT,),
    "proforma": (LIT, "--on", "{later}"),
    "invoice void": ("INV-00000002", "--recharge"),
    "usage take": ("{folder}/../usage.csv",),
    "usage show": (LIT,),
    "usage waiting": (),
    "usage release": (),
    "usage dismiss": ("file", "r-1"),
    "usage meters": (),
    "notices preview": (),
    "notices log": (),
    "notices announce": (SAID, "--digest", "{seen}"),
    "notices decline": (LIT, "mail"),
    "bank take": ("{folder}/../bank.xml",),
    "bank statements": (),
    "bank review": (),
    "bank assign": ("{B1}", LIT),
    "bank undo": ("{B1}",),
    "bank return": ("{B2}", "{B1}"),
    "bank suspend": ("{B3}",),
    "bank aside": ("{B3}",),
    "bank outside": (),
    "bank retry": (),
    "debits creditor": (
        *("DE98ZZZ09999999999", "Harbour TV", "--iban", "DE89370400440532013000"),
        *("--notice-days", "1"),
    ),
    "mandates give": (NEW, "--iban", "DE02120300000000202051", "--holder", "Somebody"),
    "mandates amend": (NEW, "{mandate}", "--iban", "DE02500105170137075030"),
    "mandates list": (NEW,),
    "debits coming": (),
    "debits make": ("--until", "{later}"),
    "debits list": (),
    "debits show": ("{batch}",),
    "debits file": ("{batch}", "--to", "{folder}/../debits.xml"),
    "debits hand-in": ("{batch}",),
    "debits withdraw": ("DDOTHER",),
    "debits hear": ("{folder}/../report.xml",),
    "debits back": ("{batch}", "--code", "AM04"),
    "pause": (DARK,),
    "resume": (DARK,),
    "cancel": (DARK, "--now"),
}

# What leaves no trace in the audit, as it changes nothing.
LOOKING = {
    *("migrate", "explain", "device list", "device show", "deposit list", "jobs list"),
    *("review list", "review strangers", "orders", "parked list", "doctor", "targets kinds"),
    *("verify", "books trial", "books ageing", "books deferred"),
    *(
        "targets list",
        "targets probe",
        "user list",
        "user sign-ins",
        "import",  # of what is known already
        "clock show",
        "audit",
        "audit-link",
        "token list",
        "processes",
        "bill preview",
        "bill days",
        *("catalogue show", "catalogue versions", "catalogue diff"),
        "catalogue publish",  # of what is published already
        "purchase list",
        "statement",
        *("dunning preview", "dunning brake"),
        "usage show",
        "usage waiting",
        "usage meters",
        *("notices preview", "notices log"),
        "bank statements",
        "bank review",
        "bank outside",
        *("debits coming", "debits list", "debits show", "mandates list"),
        *("cash tills", "cash shifts", "cash report"),
        *("wallet show", "wallet top-up"),
        "promotions",
        *("vouchers list", "vouchers dealers"),
        "loyalty show",
        *("refund list", "refund waiting", "methods list", "methods add"),
    ),
}

# What asks for a reason anyhow; of cash it is the receipt, of a box that is gone the note.
REASONED = {
    "goodwill",
    "refund give",
    "write-off",
    "review resolve",
    "pay",
    "cash receipt",
    "device lost",
    "device scrap",
}


def printing(group: Any, path: str = "") -> Iterator[str]:
    """Find the commands that know --json, as the command line itself has them."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from printing(command, f"{path}{name} ")
        elif any("--json" in option.opts for option in command.params):
            yield path + name


def trace(ours: Operation) -> list[str]:
    """Read why each deed of the command line was done, as the audit has it."""
    with closing(sqlite3.connect(ours.product.folder / "boxoffice.db")) as database:
        query = "SELECT reason FROM audit WHERE actor LIKE 'cli:%' ORDER BY position"
        return [row[0] for row in database.execute(query)]


def named(name: str, told: Any) -> dict[str, str]:
    """Name what a command has made, or listed, for those that come after it."""
    if name == "bank review":
        return {one["ref"]: one["id"] for one in told}
    if name == "refund waiting":
        return {one["reference"]: one["id"] for one in told}
    if name == "mandates give":
        return {"mandate": told["method"]}
    if name == "debits make":
        return {"batch": told[0]["id"]}
    return {"sale": told["id"]} if name == "purchase sell" else {}


def wait_for_payment(ours: Operation) -> None:
    """Let the product beside hear of the first payment, and settle it."""
    wait_for(ours, "SELECT 1 FROM movement WHERE settled_at IS NOT NULL")


def wait_for_debits(ours: Operation) -> None:
    """Let the product beside announce what the mandate is for: the first invoice."""
    wait_for(ours, "SELECT 1 FROM debit")


def wait_for(ours: Operation, query: str) -> None:
    """Look into the database until it has such a row."""
    with closing(sqlite3.connect(ours.product.database)) as database:
        until(lambda: database.execute(query).fetchone() is not None, query)


def assign_again(ours: Operation) -> None:
    """Give the line that was undone to somebody again."""
    with closing(sqlite3.connect(ours.product.folder / "boxoffice.db")) as database:
        (line,) = database.execute("SELECT id FROM bank_entry WHERE ref = 'B1'").fetchone()
    assert CliRunner().invoke(cli, ["bank", "assign", line, LIT]).exit_code == 0


def add_a_batch(ours: Operation) -> None:
    """Put another batch beside the one that was made."""
    with closing(sqlite3.connect(ours.product.folder / "boxoffice.db")) as database:
        database.execute(OTHER_BATCH)
        database.commit()


def wait_for_bill_days(ours: Operation) -> None:
    """Have a bill day wait for somebody, as the operator's file would."""
    with closing(sqlite3.connect(ours.product.folder / "boxoffice.db")) as database:
        database.execute("INSERT OR REPLACE INTO bill_policy (id, window_days) VALUES (1, 1)")
        database.commit()


def count_by_another(ours: Operation) -> None:
    """Let somebody else have sat at the till, and another one wait for a second person."""
    with closing(sqlite3.connect(ours.product.folder / "boxoffice.db")) as database:
        database.execute("UPDATE shift SET cashier = 'anna', counted_by = 'anna'")
        database.execute("INSERT INTO till VALUES ('side', '', 0, 1, 1, 1)")
        database.execute(
            "INSERT INTO shift SELECT 'S2', 'side', 1, 'bert', state, opened_at, 0, counted_at,"
            " 'bert', NULL, '' FROM shift"
        )
        database.commit()


def ask_by_another(ours: Operation) -> None:
    """Let somebody else have asked for two refunds that wait for a second person."""
    with closing(sqlite3.connect(ours.product.folder / "boxoffice.db")) as database:
        database.execute("INSERT INTO refund_limit VALUES ('EUR', 0)")
        database.commit()
        for name in ("B2", "B3"):
            asked = ["refund", "give", DARK, "R-1", "--amount", "0.10", "--reason", "r"]
            assert CliRunner().invoke(cli, [*asked, "--reference", name]).exit_code == 0
        database.execute("UPDATE refund SET asked_by = 'anna' WHERE state = 'waiting'")
        database.execute("DELETE FROM refund_limit")
        database.commit()


def pay_ahead(_ours: Operation) -> None:
    """Take cash of a household that owes nothing."""
    asked = ["pay", LIT, "90.00", "--reference", "W-0"]
    assert CliRunner().invoke(cli, asked).exit_code == 0


def look_at_it(_ours: Operation) -> dict[str, str]:
    """Look at the announcement as it would go out now."""
    told = CliRunner().invoke(cli, ["notices", "announce", SAID, "--json"]).stdout
    return {"seen": json.loads(told)["digest"]}


# What others do before a command is asked, and what it is told of that.
BEFORE = {
    "bill preview": wait_for_bill_days,
    "bank return": assign_again,
    "cash approve": count_by_another,
    "debits coming": wait_for_debits,
    "notices announce": look_at_it,
    "refund waiting": ask_by_another,
    "wallet pay-out": pay_ahead,
    "debits withdraw": add_a_batch,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Operation, Path]]:
    """A product at work: one household has paid and watches, one has not."""
    folder = tmp_path_factory.mktemp("json")
    (folder / "bank.xml").write_bytes(camt(*BANKED))
    with operation(folder) as ours:
        ours.product.start()
        ours.sign_up([1, 2])
        ours.pay(1)
        wait_for_payment(ours)
        ours.product.rest()
        yield ours, folder


@pytest.mark.timeout(180)
def test_every_command_prints_one_document(shop, monkeypatch):
    """Whatever a command has to tell with --json is one JSON document; no command is left out.

    Each that changes something leaves a trace in the audit, under the name of this machine's user
    and with the reason that is given.
    """
    ours, folder = shop
    given = secrets(ours.portal.url, ours.provider.url)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(ours.product.folder))
    monkeypatch.setenv("BOXOFFICE_ALLOW_TIME_TRAVEL", "true")
    assert set(printing(get_command(cli))) == {*ASKED, "serve", "database copy"}
    (folder / "list.csv").write_text(LIST)
    (folder / "report.xml").write_text(REPORT)
    used_at = datetime.now(UTC).isoformat()
    (folder / "usage.csv").write_text(f"{USAGE}r-1,nobody,hours,1.5,{used_at}\n")
    with closing(sqlite3.connect(ours.product.folder / "boxoffice.db")) as database:
        for each in (CASE, HALF, METHOD, STOPPED, *POINTS, *DEPOSIT):
            database.execute(each)
        database.commit()
        (bill,) = database.execute(UNPAID).fetchone()
    job, soon = "", (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    later = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()
    made = CliRunner().invoke(cli, ["user", "add", OWNER, "--role", "owner", "--generate"])
    assert made.exit_code == 0, made.stderr
    visit = ["purchase", "sell", LIT, "VISIT", "--ref", "S-0", "--json"]
    sales = {"other": json.loads(CliRunner().invoke(cli, visit).stdout)["id"]}
    for name, words in ASKED.items():
        sales |= BEFORE.get(name, lambda _: None)(ours) or {}
        before = trace(ours)
        known = {
            "folder": folder / "operator",
            "job": job,
            "soon": soon,
            "later": later,
            "bill": bill,
            **sales,
        }
        asked = [word.format(**known) for word in words]
        if name not in LOOKING and name not in REASONED:
            asked += ["--reason", f"why {name}"]
        result = CliRunner().invoke(cli, [*name.split(), *asked, "--json"])
        assert isinstance(result.exception, SystemExit | None), name
        # What was put into the database above, past the product, is no sound book; and of what is
        # due the product beside may have some in hand.
        is_told = name in {"doctor", "verify", "bill run"}
        assert result.exit_code == 0 or is_told, (name, result.stderr)
        told = json.loads(result.stdout)
        assert told is not None, name
        new = trace(ours)[len(before) :]
        assert bool(new) == (name not in LOOKING), name
        assert name in REASONED or set(new) <= {f"why {name}"}, (name, new)
        job = told["id"] if name == "jobs open" else job
        sales |= named(name, told)
        sales |= {"card": told["cards"][0]["code"]} if name == "vouchers make" else {}


def test_an_announcement_is_looked_at_before_it_is_sent(shop, monkeypatch):
    """The command shows who reads what, and sends it with the digest of just that, once a day."""
    ours, _ = shop
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(ours.product.folder))

    def asked(*words: str) -> Any:
        return CliRunner().invoke(cli, ["notices", "announce", *words])

    texts = ("en=A price is lower.", "de=Billiger.")
    told = json.loads(asked(*texts, "--json").stdout)
    assert [one["sample"]["screen"] for one in told["readers"]] == [
        *("Billiger.", "A price is lower.")
    ]
    seen = asked(*texts).stdout
    assert "Nothing is sent" in seen
    assert f"--digest {told['digest']}" in seen
    before = trace(ours)
    wrong = asked("en=A price is higher.", "--digest", told["digest"])
    assert (wrong.exit_code, "something else was looked at" in wrong.stderr) == (1, True)
    assert trace(ours) == before
    first, again = (asked(*texts, "--digest", told["digest"]).stdout for _ in range(2))
    assert "goes out" in first
    assert "was announced within a day already" in again
    assert len(trace(ours)) == len(before) + 1
    for words, why in (
        (("en= ",), "en: one line of 1 to 500 characters is needed"),
        (("en=x", "de=y", "de=z"), "de: is told twice"),
        (("de=x",), "en: is needed, as it is what everybody else reads"),
        (("en=x", "DE=y"), "DE: is no language such as de"),
        (("en=x", "=y"), "text: '' is no language such as de"),
        (("x",), "text: each is like de=TEXT: x"),
    ):
        assert why in asked(*words).stderr


def test_a_household_is_told_whole(shop, monkeypatch):
    """What is wished and held at a target is part of the document, not left out of it."""
    ours, _ = shop
    ours.product.rest()
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(ours.product.folder))
    told = json.loads(CliRunner().invoke(cli, ["explain", LIT, "--json"]).stdout)
    (at,) = told["gateway"]["targets"]
    assert at["held"]["enabled"]
    assert set(at["held"]) == set(at["wished"])


def test_serve_prints_one_document(tmp_path, monkeypatch):
    """From its start to its end `serve --json` prints one line: where it listens."""
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path))
    command = [str(BOXOFFICE), "serve", "--json", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=STOP_S)
    assert json.loads(first + rest)["event"] == "ready"
