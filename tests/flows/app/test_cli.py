"""The command line: what it does, how it fails, and that its pages say the same."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import sqlite3
from contextlib import closing as closing_file
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.cli import speak
from app.cli.reference import reference as cli_reference
from app.settings import load
from app.web.reference import reference as api_reference
from app.wiring import build, closing
from tests.flows.app.process import command
from tests.simulators.process import start_simulator

NEITHER = "there is neither a contract nor an invoice, a credit note or a line"
REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def test_wrong_usage_is_two(boxoffice):
    """Unknown commands, options and values end with 2 and say what is meant."""
    for words in (
        ("nosuch",),
        ("clock", "advance"),
        ("serve", "--role", "nosuch"),
        ("serve", "--port", "70000"),
        ("change", "1"),
        ("pay", "1", "5.00"),
        ("promise", "1", "--until", "tomorrow"),
        ("signup", "1", "N", "P", "--box", "only-a-serial"),
        ("orders", "--limit", "0"),
        ("purchase", "sell", "1", "PASS"),
        ("purchase", "sell", "1", "PASS", "--ref", "1", "--activation", "soon"),
        ("purchase", "sell", "1", "PASS", "--ref", "1", "--quantity", "0"),
    ):
        code, _, errors = boxoffice(*words)
        assert code == 2, words
        assert errors


def test_notices_of_a_file_read_without_its_secrets(boxoffice, tmp_path):
    """The texts of a whole file or of its [notices] alone are shown; no secret is asked for."""
    texts = '[notices.texts.en.suspended]\nsubject = "Dark, {operator}"\n'
    whole = '[operator]\nname = "TV"\n[payments.card]\nkind = "card"\nkey = "${NOBODY_SET_IT}"\n'
    alone = texts.replace("[notices.", "[")
    file = tmp_path / "operator.toml"
    for text, name in ((whole + texts, "TV"), (texts, "Example TV"), (alone, "")):
        file.write_text(text)
        code, said, errors = boxoffice("notices", "preview", "suspended", "--file", str(file))
        assert (code, errors) == (0, "")
        assert f"subject  Dark, {name}" in said
    file.write_text(alone.replace("subject", "nosuch"))
    code, _, errors = boxoffice("notices", "preview", "--file", str(file))
    assert (code, "nosuch" in errors) == (1, True)


def test_a_failure_is_one_sentence_and_one(boxoffice):
    """What cannot be done ends with 1 and one line on standard error, whatever the command."""
    for words in (
        ("clock", "advance", "yesterday"),
        ("import", "/nosuch"),
        ("signup", "300001", "N", "HARBOUR"),
        ("explain", "nosuch"),
        ("targets", "probe", "nosuch"),
        ("targets", "scan", "nosuch"),
        ("targets", "approve", "nosuch"),
        ("drift", "--target", "nosuch"),
        ("drift", "--repair", "--target", "nosuch"),
        ("reconcile", "--target", "nosuch"),
        ("parked", "release", "nosuch", "x"),
        ("cancel", "nosuch"),
        ("pause", "nosuch", "2040-06-01"),
        ("purchase", "sell", "nosuch", "PASS", "--ref", "1"),
        ("purchase", "list", "nosuch"),
        ("usage", "take", "/nosuch"),
        ("usage", "show", "nosuch"),
        ("usage", "dismiss", "nosuch", "1"),
        ("purchase", "watched", "nosuch"),
        ("purchase", "give-back", "nosuch"),
        ("resume", "nosuch"),
        ("pay", "nosuch"),
        ("promise", "nosuch", "--until", "2040-01-13"),
        ("redeem", "nosuch", "HALF"),
        ("loyalty", "join", "nosuch"),
        ("loyalty", "spend", "nosuch", "1", "--reference", "S"),
        ("loyalty", "code", "nosuch"),
        ("loyalty", "show", "nosuch"),
        ("reconcile", "nosuch"),
    ):
        code, output, errors = boxoffice(*words)
        assert code == 1, words
        assert output == ""
        assert errors.startswith("boxoffice: ")
        assert errors.count("\n") == 1
        assert "Traceback" not in errors


def test_an_import_says_what_is_wrong_and_takes_nothing(boxoffice, tmp_path):
    """Problems go to standard output, the verdict to standard error, and the exit code is 1."""
    path = tmp_path / "taxes.csv"
    path.write_text("tax,effective_from,rate\nstandard,2020-01-01,much\n")
    code, output, errors = boxoffice("import", str(path))
    assert code == 1
    assert "taxes.csv, row 2: rate: 'much' is not a rate like 20% or 8.875%" in output
    assert errors == "boxoffice: nothing was imported: 2 problems\n"
    code, output, _ = boxoffice("import", str(path), "--json")
    document = json.loads(output)
    assert (code, document["taken"], document["problems_count"]) == (1, False, 2)


def test_bad_rows_are_listed_and_the_others_taken(harbour_files, tmp_path):
    """--skip-bad ends with 0 and names what was left."""
    boxoffice = harbour_files
    path = tmp_path / "taxes.csv"
    path.write_text("tax,effective_from,rate\nother,2020-01-01,5%\nreduced,2020-01-01,x\n")
    code, output, _ = boxoffice("import", str(path), "--skip-bad")
    assert code == 0
    assert "taxes.csv, row 3: rate" in output
    assert "Left out what is listed above (1)" in output
    assert "taxes.csv: 1 imported" in output


def test_a_household_from_sign_up_to_its_end(harbour_files):
    """Sign up, look at, change, pay and cancel, all from the command line."""
    run = harbour_files
    box = "HT2-90001,HT-2,00:1A:79:90:00:01"
    words = ("signup", "300001", "Flat 1", "HARBOUR", "--addon", "SPORT", "--box", box)
    code, output, _ = run(*words, "--json")
    assert (code, json.loads(output)["contract"]) == (0, "300001")
    assert run("signup", "300001", "Flat 1", "HARBOUR")[0] == 1
    assert run("change", "300001", "--add", "KIDS", "--remove", "SPORT")[0] == 0
    code, output, _ = run("explain", "300001")
    assert "300001  Flat 1  is not settled yet" in output
    assert "box HT2-90001 HT-2 00:1A:79:90:00:01" in output
    assert json.loads(run("explain", "300001", "--json")[1])["account"]["number"] == "300001"
    assert run("pay", "300001", "5.00", "--reference", "R-1")[1] == (
        "taken, receipt RCT-00000001\n"
    )
    assert "taken before" in run("pay", "300001", "5.00", "--reference", "R-1")[1]
    assert run("cancel", "300001", "--now")[1] == "300001 is cancelled\n"


def test_the_gateways_side(harbour_files):
    """Targets, orders, drift, parked work and replays are shown and asked for."""
    run = harbour_files
    assert "ministra" in run("targets", "kinds")[1]
    assert "portal-north" in run("targets", "list")[1]
    assert json.loads(run("targets", "list", "--json")[1])[0]["condition"] == "up"
    assert run("targets", "probe", "portal-north")[0] == 1
    assert run("targets", "release", "portal-north")[1] == "portal-north was not set aside\n"
    assert run("targets", "reject", "portal-north", "--json")[1] == '{"count":0}\n'
    assert run("drift", "--repair")[1] == "none\n0 being repaired\n"
    assert run("orders")[1] == "none\n"
    assert run("parked", "list")[1] == "none\n"
    assert json.loads(run("reconcile", "--json")[1]) == {"marked": 0}
    replayed = {"accounts": 25, "services": 0, "attempts": 0, "events": 0}
    assert json.loads(run("entitlements", "replay", "--json")[1]) == replayed
    assert run("entitlements", "replay")[1].startswith("25 accounts to be settled\n")


def test_the_clock_is_moved_and_shown(boxoffice):
    """Business time moves for everybody, machine time stays."""
    before = json.loads(boxoffice("clock", "show", "--json")[1])
    assert boxoffice("clock", "advance", "35d")[0] == 0
    after = json.loads(boxoffice("clock", "show", "--json")[1])
    assert after["offset_s"] - before["offset_s"] == 35 * 86_400
    code, _, errors = boxoffice("clock", "advance", "999999999d")
    assert (code, "a step is more than nothing and at most 14640 days" in errors) == (1, True)
    # What links the deed beside it says nothing between the lines.
    code, told, errors = boxoffice("audit-link")
    assert (code, told[:2], errors) == (0, "1 ", "")


BEN = ("user", "add", "ben", "--role", "technician", "--generate", "--display", "Ben K")


def test_a_box_is_told_in_lines(harbour_files):
    """From the shelf to a household and back: each command says in one line how the box is now."""
    run = harbour_files
    assert run(*BEN)[0] == 0
    said = [
        ("device", "move", "HT2-00026", "ben"),
        ("device", "register", "--serial", "HT2-00026", "--account", "200001", "--by", "ben"),
        ("device", "activate", "HT2-00026"),
        ("device", "swap", "HT2-00026", "HT2-00027", "--condition", "faulty", "--place", "ben"),
        ("device", "return", "HT2-00027"),
        ("device", "restock", "HT2-00027"),
        ("device", "lost", "HT2-00027", "--note", "fell into the sea"),
        ("device", "found", "HT2-00027", "--condition", "damaged", "--note", "wet"),
        ("device", "scrap", "HT2-00027"),
    ]
    told = [run(*words)[1].strip() for words in said]
    assert told == [
        "HT2-00026 is in_stock, at the van of Ben K",
        "HT2-00026 is assigned, with 200001",
        "HT2-00026 is active, with 200001",
        "HT2-00027 is assigned, with 200001",
        "HT2-00027 is returned, at warehouse",
        "HT2-00027 is in_stock, at warehouse",
        "HT2-00027 is lost, at warehouse",
        "HT2-00027 is returned, at warehouse",
        "HT2-00027 is scrapped, at warehouse",
    ]
    lines = run("device", "show", "HT2-00026")[1].splitlines()
    assert lines[0] == (
        "HT2-00026 is a HT-2, returned (faulty), at the van of Ben K; MAC 00:1A:79:20:00:1A"
    )
    now = datetime.fromisoformat(json.loads(run("clock", "show", "--json")[1])["business_now"])
    day = now.astimezone(ZoneInfo("Europe/Vienna")).date().isoformat()
    whats = [line.replace(day, "").split()[2] for line in lines[2:7]]
    assert whats == ["register", "move", "hand_over", "activate", "swap"]
    assert [day in line for line in lines[2:7]] == [False, False, True, True, True]
    assert "200001" in lines[4]
    assert "ben" in lines[4]
    listed = run("device", "list", "--place", "ben")[1].splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["HT2-00026", "HT-2", "returned", "the", "van", "of", "Ben", "K"]
    ]
    # Who did it is the user of this machine, unless somebody else is named.
    user = pwd.getpwuid(os.getuid()).pw_name
    shown = json.loads(run("device", "show", "HT2-00026", "--json")[1])
    actors = {line["action"]: line["actor"] for line in shown["lines"]}
    assert (actors["move"], actors["hand_over"]) == (f"cli:{user}", "ben")


def test_secrets_and_jobs_are_told_in_lines(harbour_files, tmp_path):
    """A box with secrets of its own is registered; a job is opened, closed and gone."""
    run = harbour_files
    secrets = tmp_path / "secrets"
    secrets.write_text("username=cpe-1\n\npassword=cAnArY-7731\n")
    assert run(*BEN)[0] == 0
    register = ("device", "register", "--serial", "HT2-00028", "--account", "200002")
    code, output, _ = run(*register, "--secrets", str(secrets))
    assert (code, output) == (0, "HT2-00028 is assigned, with 200002\n")
    job = run("jobs", "open", "install", "200001", "--to", "ben")[1]
    assert job.rstrip().endswith("(install for 200001 by Ben K) is open")
    assert run("jobs", "close", job.split()[1])[1].rstrip().endswith("is done")
    assert run("device", "return", "HT2-00028", "--condition", "wet")[2] == (
        "boxoffice: condition: 'wet' is none of good, faulty, damaged, scrap\n"
    )
    assert run("jobs", "list")[1] == "none\n"
    assert run("review", "list")[1] == run("review", "strangers")[1] == "none\n"


def test_a_changed_key_is_let_in_by_command(harbour_files):
    """The case shows both keys; once it is resolved so, the pinned one is gone."""
    run = harbour_files
    words = ("--serial", "HT2-00026", "--account", "200001", "--host-key", "ssh-ed25519 b25l")
    assert run("device", "register", *words)[0] == 0

    async def shown(*others: str) -> str:
        async with closing(build(load())) as house:
            for other in others:
                await house.logins.other_key("HT2-00026", other)
            return (await house.logins.access("HT2-00026")).host_key

    assert asyncio.run(shown("ssh-ed25519 dHdv", "ssh-rsa dGhyZWU=")) == "ssh-ed25519 b25l"
    first, second = json.loads(run("review", "list", "--json")[1])
    assert first["reason"].split(": ")[1] != second["reason"].split(": ")[1]
    assert run("review", "resolve", first["id"], "not ours")[0] == 0
    assert asyncio.run(shown()) == "ssh-ed25519 b25l"
    assert run("review", "resolve", second["id"], "a new board", "--forget-key")[0] == 0
    assert asyncio.run(shown()) == ""
    assert run("review", "list")[1] == "none\n"


def test_a_box_that_cannot_be_is_one_sentence(harbour_files, tmp_path):
    """What is wrong with a box ends with 1 and a sentence; no secret of a file is repeated."""
    run = harbour_files
    secrets = tmp_path / "secrets"
    secrets.write_text("password=changeme\n")
    for words, told in (
        (("show", "HT2-nosuch"), "no box with serial HT2-nosuch"),
        (("activate", "HT2-00026"), "hand it over first"),
        (("return", "HT2-00026"), "is in stock: hand it over first"),
        (
            ("register", "--serial", "HT2-00001", "--account", "200002"),
            "is with contract 200001: take it back there first",
        ),
        (
            ("register", "--serial", "HT2-00026", "--account", "200002", "--secrets", str(secrets)),
            "password: a sample that everybody knows",
        ),
        (
            ("register", "--serial", "HT2-00026", "--account", "200002", "--secrets", "/nosuch"),
            "/nosuch cannot be read",
        ),
        (("import", "/nosuch"), "nothing was imported"),
    ):
        code, _, errors = run("device", *words)
        assert (code, errors.count("\n"), told in errors) == (1, 1, True), errors
        assert "changeme" not in errors


def test_the_doctor_finds_what_is_missing(boxoffice, tmp_path):
    """Without an operator the doctor says so and ends with 1; so it does for open secret files."""
    assert boxoffice("migrate")[0] == 0
    file = Path(load().database_url.removeprefix("sqlite:///"))
    file.chmod(0o600)
    code, output, _ = boxoffice("doctor")
    assert code == 1
    assert "BAD  operator: none was imported yet" in output
    assert "ok   secret files" in output
    (tmp_path / "data" / "api-token").chmod(0o644)
    assert "others can read api-token" in boxoffice("doctor")[1]
    assert "ok   database file: readable by its owner alone" in output
    file.chmod(0o644)
    told = boxoffice("doctor")[1]
    assert "WARN database file: others on this machine can read what households owe" in told
    assert f"chmod 600 {file.resolve()}" in told
    assert boxoffice("migrate")[0] == 0
    assert file.stat().st_mode & 0o777 == 0o644


def test_verify_says_what_is_broken(boxoffice, sqlite_url):
    """Sound books end with 0; a row that breaks a rule is named below it, and the end is 1.

    Deeds are linked on the way, and nothing else is said.
    """
    assert boxoffice("clock", "advance", "1d")[0] == 0
    code, output, errors = boxoffice("verify")
    assert (code, output.splitlines()[-1].split(", ")[1], errors) == (0, "0 broken", "")
    assert boxoffice("audit-link")[1].startswith("1 ")
    with closing_file(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file:
        file.execute("DROP TRIGGER entry_seal")
    code, output, _ = boxoffice("verify", "--rule", "schema")
    assert code == 1
    assert "BROKEN schema each trigger that keeps the books is there: 1 break it" in output
    assert "entry.entry_seal  the trigger is not there as declared" in output
    assert output.splitlines()[-1] == "3 rules, 1 broken"
    assert boxoffice("verify", "--rule", "I1")[0] == 0
    code, _, errors = boxoffice("verify", "--rule", "I77")
    assert (code, "'I77' is none of I1, I2" in errors) == (2, True)


def test_who_only_reads_leaves_an_older_database_alone(boxoffice, sqlite_url):
    """It says what has to run first; what writes brings an embedded database up by itself."""
    assert boxoffice("migrate")[0] == 0
    with closing_file(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as file:
        file.execute("UPDATE alembic_version SET version_num = '0040'")
        file.commit()
        for words in (("verify",), ("books", "trial"), ("user", "list")):
            code, _, errors = boxoffice(*words)
            assert (code, "run `boxoffice migrate` first" in errors) == (1, True), words
        (left,) = file.execute("SELECT version_num FROM alembic_version")
    assert left == ("0040",)


def test_the_journal_is_exported(harbour_files, tmp_path):
    """To standard output or into a file, which is whole or not there; nothing else is a format."""
    run = harbour_files
    code, output, _ = run("books", "export", "--format", "beancount")
    assert (code, output.splitlines()[0]) == (0, 'option "title" "Boxoffice"')
    file = tmp_path / "journal"
    told = run("books", "export", "--format", "hledger", "--out", str(file))
    assert (told[0], str(file) in told[1]) == (0, True)
    assert file.read_text().startswith("; Boxoffice")
    assert [one.name for one in tmp_path.glob("journal*")] == ["journal"]
    code, _, errors = run("books", "export", "--format", "excel")
    assert (code, "'excel' is none of beancount, hledger, ledger" in errors) == (2, True)
    code, _, errors = run("books", "export", "--format", "ledger", "--out", "/nosuch/journal")
    assert (code, errors.count("\n")) == (1, 1)
    assert run("books", "export", "--format", "ledger", "--from", "March")[0] == 2


def test_an_invoice_that_is_none_is_not_written_off(boxoffice):
    """Which one is missing is said in a sentence; without a reason it is wrong usage."""
    words = ("write-off", "INV-00000077", "--reason", "gone")
    assert boxoffice(*words)[::2] == (1, "boxoffice: there is no invoice 'INV-00000077'\n")
    assert boxoffice(*words[:2])[0] == 2


def test_mail_is_tried_before_it_is_needed(boxoffice, monkeypatch):
    """The doctor greets the mail server, and `mail test` has it take a letter, or says why not."""
    assert "ok   mail: none is configured" in boxoffice("doctor")[1]
    code, _, errors = boxoffice("mail", "test", "mira@example.org")
    assert (code, errors) == (1, "boxoffice: smtp_url: no mail is configured\n")
    with start_simulator("mail") as catcher:
        monkeypatch.setenv("BOXOFFICE_SMTP_URL", catcher.url)
        monkeypatch.setenv("BOXOFFICE_MAIL_FROM", "Box TV <tv@box.example>")
        assert "ok   mail: answers" in boxoffice("doctor")[1]
        code, output, _ = boxoffice("mail", "test", "mira@example.org")
        assert (code, output) == (0, "the mail server took a letter to mira@example.org\n")
        assert [mail["to"] for mail in catcher.admin("/state")["mails"]] == [["mira@example.org"]]
        code, _, errors = boxoffice("mail", "test", "mira@example.org\nBcc: x@example.org")
        assert (code, errors) == (1, "boxoffice: to: this is no mail address\n")
        catcher.admin("/faults", {"spec": "refused:who is that?"})
        code, _, errors = boxoffice("mail", "test", "nobody@example.org")
        assert code == 1
        assert "the mail server answered 550 5.7.1 who is that?" in errors
        catcher.admin("/faults", {"clear": True, "spec": "down"})
        assert "BAD  mail: 127.0.0.1:" in boxoffice("doctor")[1]


def test_it_tells_its_version(boxoffice):
    """`boxoffice --version` is the version that is installed."""
    assert boxoffice("--version") == (0, f"boxoffice {version('boxoffice')}\n", "")


def test_wrong_settings_are_one_sentence(boxoffice, monkeypatch):
    """A setting that makes no sense is named before anything starts."""
    monkeypatch.setenv("BOXOFFICE_HTTP_PORT", "many")
    code, _, errors = boxoffice("clock", "show")
    assert code == 1
    assert "http_port" in errors.lower()
    assert errors.count("\n") == 1


async def test_as_a_process_it_ends_with_its_code_and_no_traceback(tmp_path):
    """The real program: 0 with help, 1 with one sentence, 2 for wrong usage."""
    settings = {"data_dir": str(tmp_path)}
    code, output, _ = await command("--help", settings=settings)
    assert (code, "import" in output) == (0, True)
    code, _, errors = await command("explain", "nosuch", settings=settings)
    assert (code, errors) == (1, f"boxoffice: {NEITHER} 'nosuch'\n")
    code, output, _ = await command("migrate", "--json", settings=settings)
    assert json.loads(output)["before"] == json.loads(output)["after"]
    assert (tmp_path / "api-token").stat().st_mode & 0o777 == 0o600
    assert (await command("serve", "--nosuch", settings=settings))[0] == 2


def test_the_reference_of_commands_is_what_the_commands_say():
    """docs/reference/cli.md is written from the commands."""
    assert (REFERENCE / "cli.md").read_text("utf-8") == cli_reference()


def test_the_reference_of_the_api_is_what_the_routes_declare():
    """docs/reference/api.md is written from the routes."""
    assert (REFERENCE / "api.md").read_text("utf-8") == api_reference()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "x" * 121}, "name: longer than 120 characters"),
        ({"name": "Flat\t1"}, "name: holds the character U+0009"),
        ({"name": "\x1b[31mFlat"}, "name: holds the character U+001B"),
        ({"name": "caf\udce9"}, "name: holds the character U+DCE9"),
        ({"--locale": "zz_ZZ"}, "locale: 'zz_ZZ' is not a language like en or de-AT"),
        ({"--phone": "5" * 500}, "is not a telephone number"),
        ({"--email": "nobody"}, "email: 'nobody' is not an e-mail address"),
        ({"--payment": "cards,a b,c"}, "payment.customer: 'a b' is not a reference"),
        ({"--addon": "SPO RT"}, "addons: 'SPO RT' is not a code"),
    ],
)
def test_a_sign_up_by_hand_keeps_the_rules_of_the_import(harbour_files, wrong, told):
    """What no file may bring is refused at the command line too, and nobody is signed up."""
    options = [word for pair in wrong.items() if pair[0] != "name" for word in pair]
    code, _, errors = harbour_files(
        "signup", "300001", wrong.get("name", "Flat 1"), "HARBOUR", *options
    )
    assert (code, errors.count("\n")) == (1, 1)
    assert told in errors
    assert "neither a contract nor" in harbour_files("explain", "300001")[2]


async def test_a_sign_up_over_the_api_keeps_them_too(harbour, served):
    """The story of the desk holds the rules, so that the API takes no other telephone number."""
    order = {"contract": "300001", "name": "Flat 1", "plan": "HARBOUR"}
    for wrong in ({"phone": "call me"}, {"email": "nobody"}):
        status, problem = await served.api("POST", "accounts", order | wrong)
        assert (status, [problem["field"]]) == (400, list(wrong))


def test_a_receipt_of_any_text_is_refused(harbour_files):
    """The number of a receipt is a short text without control characters."""
    for reference, told in (
        ("\x1b]0;", "U+001B"),
        ("R\u202e1", "U+202E"),
        ("R" * 121, "longer than 120"),
    ):
        code, _, errors = harbour_files("pay", "200001", "5.00", "--reference", reference)
        assert (code, told in errors) == (1, True)


def test_a_terminal_is_never_given_orders(capsys):
    """Control characters and halves of characters are made visible, wherever they come from."""
    speak.say("a\x1b[2J\u009b1m\udce9b")
    speak.table(("name",), [("c\td",)])
    speak.tell({"name": "e\x1b\x7f\u009bf"})
    speak.complain("g\x1bh")
    told = capsys.readouterr()
    assert told.out.splitlines()[:3] == [r"a\x1b[2J\x9b1m\udce9b", "name", r"c\td"]
    assert json.loads(told.out.splitlines()[3]) == {"name": "e\x1b\x7f\u009bf"}
    assert set(told.out + told.err).isdisjoint("\x1b\x7f\u009b\t\udce9")


async def test_words_that_are_no_text_are_one_sentence(tmp_path):
    """A word that is not UTF-8 is wrong usage, and is shown as such."""
    settings = {"data_dir": str(tmp_path)}
    code, _, errors = await command("explain", "caf\udce9", settings=settings)
    assert (code, errors) == (2, "boxoffice: this is not UTF-8: caf\\udce9\n")
