"""What a bank's statement says: balances and lines, each line known for ever by its key. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from billing.payments import model as payments
from terms.errors import Invalid
from terms.money import Money

BANK = payments.BANK
AMOUNT_MINOR_MAX = 10**15
TEXT_CHARS_MAX, NAME_CHARS_MAX, REF_CHARS_MAX, ACCOUNT_CHARS_MAX = 1_000, 140, 70, 34
REASON_CHARS_MAX = 4
# What banks write where there is no reference.
_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "NOREF"})


class LineKind(StrEnum):
    """What a line is."""

    MONEY = "money"  # it came in, or we paid it
    RETURN = "return"  # it takes back an earlier line
    CHARGE = "charge"  # what the bank takes for its work


class EntryState(StrEnum):
    """Where the money of a line lies."""

    MATCHED = "matched"  # on accounts, found by itself
    ASSIGNED = "assigned"  # on accounts, by a person
    REVIEW = "review"  # in suspense: there are candidates, and a person decides
    SUSPENSE = "suspense"  # in suspense: it belongs to nobody we know
    RETURNED = "returned"  # it took back a payment
    CHARGE = "charge"  # the bank has it
    OUTSIDE = "outside"  # a person says that it is no customer's


WAITING = frozenset({EntryState.REVIEW, EntryState.SUSPENSE})
ON_ACCOUNTS = frozenset({EntryState.MATCHED, EntryState.ASSIGNED})


class Why(StrEnum):
    """Why a line lies where it does."""

    INVOICE = "invoice"  # it names an invoice
    ACCOUNT = "account"  # it names an account or a contract
    PAYER = "payer"  # a person has confirmed this payer's IBAN before
    NAME = "name"  # one account alone bears the name, and has an invoice of the amount
    PERSON = "person"  # a person says so
    WEAK = "weak"  # the number it names is too short to be sure
    SEVERAL = "several"  # it fits several accounts
    AMOUNT = "amount"  # the name fits, the amount does not
    UNKNOWN = "unknown"  # nothing of it is known
    CURRENCY = "currency"  # the account is kept in another one
    VOID = "void"  # the invoice it names is void
    DEBIT = "debit"  # money of ours that went out
    COMES_BACK = "comes_back"  # money of ours that came back
    NO_PAYMENT = "no_payment"  # what it takes back is not known, or on no account
    CHARGE = "charge"  # the bank's own code says so
    RETURN = "return"  # by the references of what it takes back
    DEBITS = "debits"  # it pays for a batch of direct debits


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a statement. Its amount is positive where money came in.

    `place` tells where it stands in its file. `ref` is the bank's own of the line, `end_to_end`
    the payer's, `structured` the one that we printed on an invoice. `reason` is the bank's code of
    why it takes something back.
    """

    place: str
    kind: LineKind
    booked_on: date
    value_on: date
    amount: Money
    ref: str = ""
    end_to_end: str = ""
    structured: str = ""
    text: str = ""
    name: str = ""
    iban: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a bank says of one account for some days; known by the account and its own id."""

    account: str
    id: str
    sequence: int | None
    opening: Money
    closing: Money
    opened_on: date
    closed_on: date
    lines: tuple[Line, ...]


def check(one: Statement) -> Statement:
    """Return a statement that adds up. Raises Invalid, which names the statement or the line."""
    where = f"statement {one.id} of {one.account}"
    if not one.account or len(one.account) > ACCOUNT_CHARS_MAX:
        raise Invalid("file", f"statement {one.id}: its account is missing or too long")
    if not one.id or len(one.id) > REF_CHARS_MAX:
        raise Invalid("file", f"a statement of {one.account} has no id, or too long a one")
    if one.opened_on > one.closed_on:
        raise Invalid("file", f"{where}: it closes before it opens")
    balance = one.opening
    if balance.currency != one.closing.currency:
        raise Invalid("file", f"{where}: it opens and closes in different currencies")
    for line in one.lines:
        if line.amount.currency != balance.currency:
            raise Invalid("file", f"{where}, {line.place}: it is not in {balance.currency}")
        balance += line.amount
    if balance != one.closing:
        said = f"opening {one.opening} and all entries make {balance}, closing says {one.closing}"
        raise Invalid("file", f"{where}: {said}")
    return one


def keys(one: Statement) -> list[str]:
    """Give every line the key by which it is known in whatever file it comes again.

    It is made of the bank's own reference, with what else the line says of money, since banks use
    one for a payment, its fee and its return. A line without one is known by all it says, and by
    its place in the life of the account: the balance before it.
    """
    found: list[str] = []
    seen: Counter[str] = Counter()
    balance = one.opening.amount_minor
    for line in one.lines:
        parts = [one.account, line.booked_on.isoformat(), str(line.amount), line.ref]
        if not line.ref:
            parts += [str(balance), line.value_on.isoformat(), line.kind, line.end_to_end]
            parts += [line.structured, line.text, line.name, line.iban]
        elif line.end_to_end:
            parts.append(line.end_to_end)
        base = digest(parts)
        # Told twice by one statement, it happened twice.
        found.append(digest([base, str(seen[base])]) if seen[base] else base)
        seen[base] += 1
        balance += line.amount.amount_minor
    return found


def content(one: Statement) -> str:
    """Digest what a statement says, to know it again."""
    ends = [str(one.opening), str(one.closing), str(one.opened_on), str(one.closed_on)]
    return digest([*ends, *keys(one)])


def digest(parts: Sequence[str]) -> str:
    """Digest texts so that no two lists of them are alike."""
    whole = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(whole.encode(), digest_size=20).hexdigest()


def plain(text: str | None) -> str:
    """Return a text of a bank with single spaces, without what is not shown."""
    if not text:
        return ""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())


def reference(text: str | None) -> str:
    """Return a reference of a bank, or nothing where it says that there is none."""
    found = plain(text)
    return "" if found.upper() in _NO_REFERENCE else found


def account_of(text: str | None) -> str:
    """Return an IBAN, or another number of an account, as it is compared."""
    return plain(text).replace(" ", "").upper()
