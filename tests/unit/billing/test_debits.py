"""Direct debits, the pure part: numbers that check, business days, what codes mean, files."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from billing.debits import codes, days
from billing.debits.model import (
    ALLOWED,
    Back,
    Creditor,
    DebitState,
    Line,
    Report,
    Sequence,
    Unclear,
    is_expired,
    sequence_of,
    step,
)
from billing.debits.pain008 import NAMESPACE, write
from billing.debits.reasons import After, after
from billing.debits.reports import read
from terms.errors import Invalid, InvalidTransition
from terms.money import Money

IBAN = "DE89370400440532013000"
CREDITOR = Creditor(
    identifier="DE98ZZZ09999999999", name="Hafen & Söhne", iban=IBAN, zone="Europe/Berlin"
)
# As banks of these countries publish them.
SOUND = (IBAN, "AT611904300234573201", "FR1420041010050500013M02606", "NO9386011117947")


@pytest.mark.parametrize("iban", SOUND)
def test_an_iban_is_read_as_people_write_it_and_any_other_digit_is_told(iban):
    """Blanks and small letters do not matter; one wrong digit, or two swapped ones, do."""
    spaced = " ".join(iban[n : n + 4] for n in range(0, len(iban), 4)).lower()
    assert codes.read_iban(spaced) == iban
    for at in range(2, len(iban)):
        if iban[at].isdigit():
            wrong = str((int(iban[at]) + 1) % 10)
            with pytest.raises(Invalid, match="iban"):
                codes.read_iban(iban[:at] + wrong + iban[at + 1 :])
    assert codes.masked(iban) == f"IBAN {iban[:2]}…{iban[-4:]}"


@pytest.mark.parametrize(
    "typed", ["", "DE", "GB29NWBK60161331926819", IBAN[:-1], IBAN + "0", "x" * 99]
)
def test_what_is_no_iban_is_refused_and_not_repeated(typed):
    """Also one from outside the European Economic Area, for which a bank wants an address too."""
    with pytest.raises(Invalid) as refused:
        codes.read_iban(typed)
    assert refused.value.field == "iban"
    assert not typed or typed not in str(refused.value)


def test_a_creditor_is_known_by_digits_that_leave_its_own_three_characters_out():
    """The three in the middle are the creditor's to choose; they change no digit."""
    assert codes.read_creditor("de98 zzz0 9999999999") == "DE98ZZZ09999999999"
    assert codes.read_creditor("DE98TV109999999999") == "DE98TV109999999999"
    for typed in ("DE97ZZZ09999999999", "DE98ZZZ", "98DEZZZ09999999999", ""):
        with pytest.raises(Invalid, match="identifier"):
            codes.read_creditor(typed)


def test_texts_are_spelled_as_every_bank_takes_them():
    """Marks are taken off letters, what has no letter becomes a dot; references are refused."""
    assert codes.spelled("Žofie  Łukaszewska & Söhne\n", 70) == "Zofie Lukaszewska + Soehne"
    assert codes.spelled("Київ <x>", 70) == ".... .x."
    assert codes.read_reference("M-1.2/3") == "M-1.2/3"
    for typed in ("", "x" * 36, "ü", "/1", "1/", "1//2"):
        with pytest.raises(Invalid, match="reference"):
            codes.read_reference(typed)


def test_a_holder_is_named_in_letters_that_banks_take():
    """A name of which a file would have dots alone is refused by its field, and any other kept."""
    for typed in ("Žofie Płatek", "日本 Trading", "  Ø  "):
        assert codes.read_name(typed, "holder") == " ".join(typed.split())
    for typed in ("日本", "Иван Іваненко", "日本 24", "ابن", "", "...", "x" * 71):
        with pytest.raises(Invalid, match="holder") as refused:
            codes.read_name(typed, "holder")
        assert refused.value.field == "holder"
    with pytest.raises(Invalid, match="'-' is no name: it has no letter"):
        codes.read_name("-", "holder")


def test_banks_are_shut_on_weekends_and_six_holidays():
    """The days of TARGET around Easter and Christmas of some years, and nothing else of a year."""
    shut = [date(2026, 4, 3), date(2026, 4, 6), date(2025, 4, 18), date(2024, 4, 1)]
    shut += [date(2026, 1, 1), date(2026, 5, 1), date(2026, 12, 25), date(2024, 12, 26)]
    assert not [day for day in shut if days.is_open(day)]
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    # 104 days of weekends; of the holidays only 26 December 2026 is one of them.
    assert sum(map(days.is_open, year)) == 365 - 104 - 5
    assert days.open_after(date(2026, 4, 2), 1) == date(2026, 4, 7)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 1)), st.integers(0, 9))
def test_so_many_business_days_lie_between(day, count):
    """Neither end is a day on which banks are shut, and no open day is left out."""
    first, last = days.first_open(day), days.open_after(day, count)
    between = range((last - first).days)
    assert days.is_open(first)
    assert days.is_open(last)
    assert sum(days.is_open(first + timedelta(days=n)) for n in between) == count


def test_a_debit_is_announced_in_time_and_handed_in_before_the_cut_off():
    """Fourteen days' notice, moved to a business day; after noon a batch is a day later."""
    assert CREDITOR.announced_for(date(2026, 3, 20)) == date(2026, 4, 7)
    assert CREDITOR.earliest(date(2026, 3, 11), 11) == date(2026, 3, 12)
    assert CREDITOR.earliest(date(2026, 3, 11), 12) == date(2026, 3, 13)
    # On Good Friday nobody takes anything.
    assert CREDITOR.earliest(date(2026, 4, 3), 9) == date(2026, 4, 8)
    assert CREDITOR.cleared_on(date(2026, 3, 12)) == date(2026, 3, 19)
    with pytest.raises(Invalid, match="notice_days"):
        Creditor(identifier="", name="", iban="", notice_days=0)


def test_a_mandate_is_over_after_three_years_without_use():
    """Counted from its newest debit, or from when it was signed."""
    signed = date(2024, 2, 29)
    assert not is_expired(signed, None, date(2027, 2, 28))
    assert is_expired(signed, None, date(2027, 3, 1))
    assert not is_expired(signed, date(2026, 1, 1), date(2028, 12, 31))
    assert is_expired(signed, date(2024, 3, 1), date(2027, 3, 2))


def test_steps_and_sequences():
    """A returned debit is never booked; the first is called so only where the bank wants it."""
    for state in DebitState:
        for to in set(DebitState) - ALLOWED[state]:
            with pytest.raises(InvalidTransition):
                step(state, to)
    assert sequence_of(is_once=True, is_first=True, says_first=True) is Sequence.ONCE
    assert sequence_of(is_once=False, is_first=True, says_first=True) is Sequence.FIRST
    assert sequence_of(is_once=False, is_first=True, says_first=False) is Sequence.AGAIN


@pytest.mark.parametrize(
    ("code", "what"),
    [
        *((code, After.END) for code in ("AC01", "AC04", "AC06", "MD01", "SL01")),
        *((code, After.ASK) for code in ("MD06", "MS02")),
        *((code, After.TRY) for code in ("AM04", "MS03", "BE05", "XXXX")),
    ],
)
def test_what_a_code_means(code, what):
    """What cannot get better stops the mandate, a payer's no asks a person, all else is tried."""
    assert after(code) is what


def line(n: int, sequence: Sequence = Sequence.AGAIN, **changes: object) -> Line:
    """Make a debit."""
    made = {
        "mark": f"01KA000000000000000000000{n}-0",
        "amount": Money(1001 * n, "EUR"),
        "reference": f"M-{n}",
        "signed_on": date(2026, 1, 2),
        "is_amended": False,
        "sequence": sequence,
        "holder": "Žofie Łukaszewska",
        "iban": "AT611904300234573201",
        "text": f"INV-0000000{n}",
    }
    return Line(**{**made, **changes})  # type: ignore[arg-type]


def test_a_file_says_what_it_collects_block_by_block():
    """Blocks by sequence, sums of each and of all, marks, mandates; the same bytes again."""
    lines = [line(1), line(2, Sequence.FIRST), line(3, is_amended=True)]
    made_at = datetime(2026, 3, 11, 10, tzinfo=UTC)
    content = write("DD1", CREDITOR, date(2026, 3, 12), lines, made_at)
    assert content == write("DD1", CREDITOR, date(2026, 3, 12), lines, made_at)
    root = etree.fromstring(content)
    names = {"p": NAMESPACE}

    def texts(path: str) -> list[str]:
        return [found.text for found in root.iterfind(f".//{path}", names)]

    assert texts("p:GrpHdr/p:NbOfTxs") + texts("p:GrpHdr/p:CtrlSum") == ["3", "60.06"]
    assert texts("p:PmtInf/p:PmtInfId") == ["DD1-FRST", "DD1-RCUR"]
    assert texts("p:PmtInf/p:NbOfTxs") == ["1", "2"]
    assert texts("p:PmtInf/p:CtrlSum") == ["20.02", "40.04"]
    assert texts("p:ReqdColltnDt") == ["2026-03-12"] * 2
    assert texts("p:CdtrSchmeId//p:Id/p:PrvtId/p:Othr/p:Id") == ["DE98ZZZ09999999999"] * 2
    assert texts("p:EndToEndId") == [lines[1].mark, lines[0].mark, lines[2].mark]
    assert texts("p:InstdAmt") == ["20.02", "10.01", "30.03"]
    assert texts("p:MndtId") == ["M-2", "M-1", "M-3"]
    assert texts("p:AmdmntInd") == ["true"]
    assert texts("p:OrgnlDbtrAcct/p:Id/p:Othr/p:Id") == ["SMNDA"]
    assert texts("p:Dbtr/p:Nm") == ["Zofie Lukaszewska"] * 3
    assert texts("p:DbtrAcct/p:Id/p:IBAN") == ["AT611904300234573201"] * 3


def report(body: str, kind: str = "pain.002.001.10") -> bytes:
    """Write a report of a bank."""
    return f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}">{body}</Document>'.encode()


def refused(mark: str, code: str, status: str = "RJCT") -> str:
    """Write what pain.002 says of one debit."""
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{mark}</OrgnlEndToEndId><TxSts>{status}</TxSts>"
        f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>"
        '<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">10.01</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>'
    )


def block(name: str, *singles: str, status: str = "", code: str = "") -> str:
    """Write what pain.002 says of a block of a batch."""
    told = f"<PmtInfSts>{status}</PmtInfSts>" if status else ""
    told += f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""
    inside = f"<OrgnlPmtInfId>{name}</OrgnlPmtInfId>{told}{''.join(singles)}"
    return f"<OrgnlPmtInfAndSts>{inside}</OrgnlPmtInfAndSts>"


def answer(*blocks: str, status: str = "", code: str = "") -> Report:
    """Read a pain.002 about the batch DD1."""
    told = f"<GrpSts>{status}</GrpSts>" if status else ""
    told += f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>" if code else ""
    head = f"<OrgnlGrpInfAndSts><OrgnlMsgId>DD1</OrgnlMsgId>{told}</OrgnlGrpInfAndSts>"
    return read(report(f"<CstmrPmtStsRpt>{head}{''.join(blocks)}</CstmrPmtStsRpt>"))


TEN = Money(1001, "EUR")
FRST, RCUR = "DD1-FRST", "DD1-RCUR"


def test_reports_of_banks_are_read():
    """Single debits of pain.002, a batch that is refused whole, what CAMT.054 says went back."""
    singles = refused("A-0", "AM04") + refused("B-0", "AC04") + refused("C-0", "AM04", "ACSP")
    two = (Back(mark="A-0", code="AM04", amount=TEN), Back(mark="B-0", code="AC04", amount=TEN))
    assert answer(block(RCUR, singles)) == Report(back=two)
    whole = Back(mark="DD1", code="FF01", is_batch=True)
    assert answer(status="RJCT", code="FF01") == Report(back=(whole,))
    detail = "<Refs><EndToEndId>A-0</EndToEndId></Refs><RtrInf><Rsn><Cd>MD06</Cd></Rsn></RtrInf>"
    told = (
        "<BkToCstmrDbtCdtNtfctn><Ntfctn><Ntry><NtryDtls>"
        f"<TxDtls>{detail}</TxDtls><TxDtls><Refs/></TxDtls>"
        "</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn>"
    )
    assert read(report(told, "camt.054.001.08")) == Report(back=(Back(mark="A-0", code="MD06"),))


def test_each_block_of_a_report_is_judged_by_itself():
    """One that is refused whole is, though of another one single debits are; a group is all."""
    first = block(FRST, status="RJCT", code="AM05")
    some = block(RCUR, refused("A-0", "AM04"), refused("C-0", "AM04", "ACSP"), status="PART")
    single = Back(mark="A-0", code="AM04", amount=TEN)
    whole = Back(mark=FRST, code="AM05", is_batch=True)
    assert answer(first, some, status="PART") == Report(back=(whole, single))
    assert answer(some, first) == Report(back=(single, whole))
    told = answer(block(RCUR, refused("A-0", "AC04")), status="RJCT", code="FF01")
    assert [(one.mark, one.code) for one in told.back] == [
        ("DD1", "FF01"),
        (RCUR, "FF01"),
        ("A-0", "AC04"),
    ]


def test_what_has_no_status_has_that_of_what_it_is_in():
    """A debit that of its block, with its reason too; a block that of the group."""
    bare = "<TxInfAndSts><OrgnlEndToEndId>A-0</OrgnlEndToEndId></TxInfAndSts>"
    told = answer(block(RCUR, bare, status="RJCT", code="AC04"))
    inside = Back(mark="A-0", code="AC04")
    assert told == Report(back=(Back(mark=RCUR, code="AC04", is_batch=True), inside))
    assert inside in answer(block(RCUR, bare), status="RJCT", code="AC04").back
    assert answer(block(RCUR, bare, status="ACSP")) == Report(back=())


@pytest.mark.parametrize("status", ["ACCP", "ACSP", "ACSC", "ACTC", "ACWC", "PDNG"])
def test_what_is_taken_is_not_refused(status):
    """Whatever is said so: of all, of a block or of one debit."""
    single = refused("A-0", "AM04", status)
    assert answer(status=status) == Report(back=())
    assert answer(block(RCUR, single, status="PART")) == Report(back=())
    assert answer(block(RCUR, status=status), status="PART") == Report(back=())


def test_what_nobody_understands_in_a_report_is_named():
    """A status that is not known, none at all, and one that does not go with what it is in."""
    bare = "<TxInfAndSts><OrgnlEndToEndId>A-0</OrgnlEndToEndId></TxInfAndSts>"
    single = Unclear(mark="A-0", said="no status")
    assert answer(block(RCUR, bare)).unclear == (single,)
    part = Unclear(mark="A-0", said="PART")
    assert answer(block(RCUR, bare, status="PART")).unclear == (part,)
    odd = Unclear(mark="A-0", said="CANC")
    assert answer(block(RCUR, refused("A-0", "AM04", "CANC"))) == Report(back=(), unclear=(odd,))
    assert answer(block(RCUR, status="CANC"), status="PART").unclear == (
        Unclear(mark=RCUR, said="CANC", is_batch=True),
    )
    for told in (answer(), answer(status="PART")):
        (one,) = told.unclear
        assert one.is_batch
        assert one.mark == "DD1"
    told = answer(block(RCUR, refused("A-0", "AM04", "ACSP"), status="RJCT"))
    assert told.unclear == (Unclear(mark="A-0", said="ACSP in what is RJCT"),)


NAMELESS = (
    f"<CstmrPmtStsRpt><OrgnlPmtInfAndSts>{refused('', 'AM04')}</OrgnlPmtInfAndSts></CstmrPmtStsRpt>"
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<x/>",
        b"<!DOCTYPE x []><x/>",
        report("", "pain.001.001.09"),
        report("<Nothing/>"),
        report(NAMELESS),
    ],
)
def test_an_unsound_report_is_refused(content):
    """Whatever is no report, or does not say of which debit, is refused whole."""
    with pytest.raises(Invalid, match="file"):
        read(content)
