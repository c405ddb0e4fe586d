"""Amounts and blank words at the command line: what is refused, and how it is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from app.cli.blank import MEANT
from app.cli.root import cli


def test_an_amount_below_nothing_is_no_option(harbour_files):
    """Wherever it stands, it is told by its field; an option that there is not is one still."""
    run, contract = harbour_files, "300001"
    assert run("signup", contract, "Household", "HARBOUR")[0] == 0
    assert run("pay", contract, "5.00", "--reference", "R-1")[0] == 0
    assert run("cash", "till", "main")[0] == 0
    assert run("cash", "open", "main")[0] == 0
    refund = ("refund", "give", contract, "R-1", "--reason", "r", "--reference", "B-1")
    cards = ("--count", "2", "--valid-until", "2044-01-01", "--dealer", "Kiosk", "--margin", "7%")
    for words, field in (
        (("pay", contract, "-5.00", "--reference", "R-2"), "amount"),
        (("pay", "--reference", "R-2", contract, "-5.00"), "amount"),
        (("pay", contract, "--reference", "R-2", "--", "-5.00"), "amount"),
        ((*refund, "--amount", "-5"), "amount"),
        ((*refund, "--amount=-5"), "amount"),
        (("cash", "in", "-5.00", "--reason", "x"), "amount"),
        (("wallet", "pay-out", contract, "-5", "--reason", "r", "--reference", "W-1"), "amount"),
        (("vouchers", "make", "CARDS", "-20.00", *cards, "--sheet", "x"), "value"),
    ):
        code, _, told = run(*words)
        assert code == 1, (words, told)
        assert re.search(rf"^boxoffice: {field}: .*(above|more than|not) .*", told), (words, told)
    assert "No such option: --referenc " in run("pay", contract, "-5", "--referenc", "R-2")[2]
    assert "No such option: -x" in run("pay", contract, "-x")[2]
    assert run("pay", contract, "5.00", "--reference", "-1")[0] == 0


def test_an_empty_amount_is_not_all_there_is(harbour_files):
    """A script whose variable is unset moves no money: only an amount that is not given is all."""
    run, contract = harbour_files, "300001"
    assert run("signup", contract, "Household", "HARBOUR")[0] == 0
    assert run("pay", contract, "90,00", "--reference", "R-1")[0] == 0
    refund = ("refund", "give", contract, "R-1", "--reason", "r", "--reference", "B-1")
    out = ("--reason", "r", "--reference", "W-1")
    for words, name in (
        (("pay", contract, "", "--reference", "R-2"), "amount"),
        (("pay", contract, " ", "--reference", "R-2"), "amount"),
        ((*refund, "--amount", ""), "--amount"),
        ((*refund, "--amount="), "--amount"),
        ((*refund, "--line", ""), "--line"),
        (("wallet", "pay-out", contract, "", *out), "amount"),
    ):
        code, _, told = run(*words)
        assert (code, f"Invalid value for '{name}': it is empty" in told) == (2, True), words
    assert run("pay", contract, "--reference", "R-2")[0] == 2
    assert run("refund", "list", contract)[1] == "none\n"
    assert run("wallet", "pay-out", contract, "0,50", *out)[1].startswith("0.50 EUR of payment ")
    rest = run("wallet", "pay-out", contract, "--reason", "r", "--reference", "W-2")[1]
    assert rest.startswith("75.10 EUR of payment ")


def words_of_commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[list[str], str]]:
    """Give, for every option and argument of every command, a line in which it is empty."""
    for name, command in group.commands.items():
        here = (*path, name)
        if hasattr(command, "commands"):
            yield from words_of_commands(command, here)
            continue
        arguments = [one.name for one in command.params if one.param_type_name == "argument"]
        for n, argument in enumerate(arguments):
            yield [*here, *("x" for _ in range(n)), "", "--reason", "r"], argument
        for one in command.params:
            if one.param_type_name == "option" and not one.is_flag and one.name != "help":
                yield [*here, one.opts[0], " "], one.opts[0]
                yield [*here, f"{one.opts[0]}="], one.opts[0]


def test_a_blank_word_is_refused_by_every_command(boxoffice):
    """It is named, and nothing is begun; but where nothing is a value of its own, that is said."""
    asked = list(words_of_commands(get_command(cli)))
    meant = {" ".join([*words[:2], name]) for words, name in asked} & MEANT
    assert meant == MEANT
    odd = []
    for words, name in asked:
        code, output, told = boxoffice(*words)
        is_meant = " ".join([*words[:2], name]) in MEANT
        if (code == 2 and f"'{name}': it is empty" in told and not output) is is_meant:
            odd.append((words, code, told))
    assert odd == []
    assert boxoffice("jobs", "list", "--state", "") == (0, "none\n", "")
    assert "No such command ''" in boxoffice("", "x")[2]


def test_what_no_amount_is_is_told_with_what_one_looks_like(harbour_files):
    """With a point or a comma, and where another currency is taken, with that behind it."""
    run, contract = harbour_files, "300001"
    assert run("signup", contract, "Household", "HARBOUR")[0] == 0
    code, _, told = run("pay", contract, "five", "--reference", "R-1")
    assert (code, told) == (1, "boxoffice: amount: not an amount like 12.50: 'five'\n")
    code, _, told = run("cash", "in", "EUR 5", "--reason", "change")
    assert (code, "like 12.50: 'EUR' (with its currency: 12.50 EUR)" in told) == (1, True)


def test_before_an_import_an_amount_is_read_first(boxoffice):
    """Below nothing is below nothing; of what could be one it is said why a currency is needed."""
    code, _, told = boxoffice("cash", "in", "-5", "--reason", "change")
    assert (code, told) == (1, "boxoffice: amount: must not be less than nothing\n")
    code, _, told = boxoffice("cash", "in", "5", "--reason", "change")
    why = "no operator is imported: say the currency, as in 5 EUR"
    assert (code, told) == (1, f"boxoffice: amount: {why}\n")
