"""Files of banks: what is read of them, and what is refused with the place where it is wrong."""

from datetime import date

import pytest

from billing.bank.matching import creditor_reference, tokens
from billing.bank.model import LineKind, keys
from billing.bank.reading import read
from terms.errors import Invalid
from terms.money import Money
from tests.fixtures.bank import OURS, Row, camt, mt940

PAID = Row(
    amount="25.20",
    text="INV-00000001",
    ref="B1",
    end_to_end="E1",
    name="Erika Muster",
    iban="DE02120300000000202051",
)
FEE = Row(amount="-5.00", code="CHRG", ref="B2", text="fees")
BACK = PAID.but(amount="-25.20", is_reversal=True, ref="B3")


@pytest.mark.parametrize("version", ["02", "04", "08", "13"])
def test_every_version_of_camt_says_the_same(version: str):
    """Of each version of the namespace the same lines are read."""
    (one,) = read(camt(PAID, FEE, BACK, version=version))
    assert (one.account, one.id, one.sequence) == (OURS, "S-1", 1)
    assert (one.opening, one.closing) == (Money(10000, "EUR"), Money(9500, "EUR"))
    paid, fee, back = one.lines
    assert (paid.amount, paid.booked_on, paid.kind) == (
        Money(2520, "EUR"),
        date(2026, 3, 11),
        LineKind.MONEY,
    )
    assert (paid.text, paid.ref, paid.end_to_end) == ("INV-00000001", "B1", "E1")
    assert (paid.name, paid.iban) == ("Erika Muster", "DE02120300000000202051")
    assert (fee.kind, fee.amount) == (LineKind.CHARGE, Money(-500, "EUR"))
    assert (back.kind, back.amount, back.end_to_end) == (
        LineKind.RETURN,
        Money(-2520, "EUR"),
        "E1",
    )


def test_mt940_says_it_too():
    """The same lines are read of MT940: charges and reversals by their codes."""
    (one,) = read(mt940(PAID, FEE.but(code="CHG"), BACK))
    assert (one.account, one.sequence) == (OURS, 1)
    paid, fee, back = one.lines
    assert (paid.amount, paid.text, paid.ref) == (Money(2520, "EUR"), "INV-00000001", "B1")
    assert (paid.name, paid.iban) == ("Erika Muster", "DE02120300000000202051")
    assert paid.end_to_end == "E1"
    assert (fee.kind, fee.amount.amount_minor) == (LineKind.CHARGE, -500)
    assert (back.kind, back.amount.amount_minor) == (LineKind.RETURN, -2520)


def test_a_batch_is_read_part_by_part():
    """Parts that add up to their entry are lines of their own; others leave it one line."""
    whole = camt(PAID.but(amount="30.00"), version="08").decode()
    part = whole[whole.index("<TxDtls>") : whole.index("</TxDtls>") + len("</TxDtls>")]

    def said(*amounts: str) -> bytes:
        parts = [part.replace("<Refs>", f"<Refs><TxId>T{n}</TxId>") for n in range(len(amounts))]
        told = "".join(
            one.replace("</Refs>", f'</Refs><Amt Ccy="EUR">{amount}</Amt>')
            for one, amount in zip(parts, amounts, strict=True)
        )
        return whole.replace(part, told).encode()

    (one,) = read(said("10.00", "20.00"))
    assert [line.amount.amount_minor for line in one.lines] == [1000, 2000]
    assert len(set(keys(one))) == 2
    assert [line.place.rpartition(", ")[2] for line in one.lines] == ["part 1", "part 2"]
    (one,) = read(said("10.00", "20.01"))
    assert [line.amount.amount_minor for line in one.lines] == [3000]


GOOD = camt(PAID)
BAD = {
    "does not end": (GOOD[:-40], "no sound XML"),
    "DOCTYPE": (camt(PAID, head='<!DOCTYPE a [<!ENTITY b "c">]>'), "has no DOCTYPE"),
    "UTF-16": (GOOD.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "NUL bytes"),
    "UTF-7": (camt(PAID, head='<?xml version="1.0" encoding="UTF-7"?>'), "UTF-7 is not read"),
    "not UTF-8": (GOOD.replace(b"Erika", b"\xc4rika"), "no sound XML"),
    "NUL": (GOOD.replace(b"Erika", b"E\0ika"), "NUL bytes"),
    "wrong balance": (camt(PAID, closing="125.21"), "make 125.20 EUR, closing says 125.21"),
    "no balance": (GOOD.replace(b"OPBD", b"XXXX"), "needs its opening and its closing"),
    "other document": (GOOD.replace(b"camt.053", b"camt.052"), "not of camt.053.001"),
    "no statement": (GOOD.replace(b"Stmt>", b"Rpt>"), "no statement in it"),
    "too fine": (camt(PAID.but(amount="25.201"), closing="125.20"), "entry 1 (line 7)"),
    "negative": (GOOD.replace(b">25.20<", b">-25.20<"), "no amount of a line"),
    "huge": (camt(PAID.but(amount="999999999999999.99")), "no amount of a line"),
    "no number": (camt(PAID.but(amount="1e9"), closing="1"), "not an amount"),
    "no side": (GOOD.replace(b"CRDT", b"BOTH"), "neither credit nor debit"),
    "no date": (GOOD.replace(b"2026-03-11", b"2026-13-11"), "is no date"),
    "two currencies": (GOOD.replace(b'"EUR">25.20', b'"USD">25.20'), "it is not in EUR"),
    "nothing": (b"", "neither CAMT.053 nor MT940"),
    "MT940 balance": (mt940(PAID, closing="1.00"), "closing says 1.00 EUR"),
    "MT940 entry": (mt940(PAID).replace(b"C25,20", b"X25;20"), ""),
    "MT940 ends": (mt940(PAID).replace(b":62F:", b":99F:"), ""),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_refused(what: str):
    """A file that is unsound in any way is refused, and it is said where."""
    data, said = BAD[what]
    with pytest.raises(Invalid) as refused:
        read(data)
    assert said in str(refused.value)


def test_a_line_has_one_key_wherever_it_comes():
    """By its reference, or by what it says and the balance before it; two alike are two."""
    first, second = PAID.but(ref="", end_to_end=""), PAID.but(ref="", end_to_end="", amount="9.00")
    (long,) = read(camt(first, first, second))
    (later,) = read(camt(first, second, key="S-2", opening="125.20"))
    assert len(set(keys(long))) == 3
    assert keys(later) == keys(long)[1:]
    (named,) = read(camt(PAID, PAID))
    (other,) = read(camt(FEE, PAID, PAID, key="S-3"))
    assert keys(other)[1:] == keys(named)
    assert len(set(keys(named))) == 2


def test_what_is_written_may_be_a_number_of_ours():
    """Numbers are found however people write them."""
    for text in ("inv 1", "INV-00000001", "Rechnung INV00000001.", "pay:INV/00000001"):
        assert "INV-00000001" in tokens(text)
    assert "100001" in tokens("Konto 100001, danke")
    assert creditor_reference("RF18 5390 0754 7034") == "539007547034"
    assert creditor_reference("RF19 5390 0754 7034") == "RF19 5390 0754 7034"
