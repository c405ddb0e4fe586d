"""Whose money a line is. Pure: it rests on documents and on what people said, never on what is
paid, so that any order of files ends alike.

First what the payer wrote, then from where it came, then name and amount together.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from billing.bank.model import EntryState, Line, LineKind, Why
from terms.ids import AccountId
from terms.money import Money

TOKENS_MAX = 40
TOKEN_CHARS_MIN = 3
WEAK_DIGITS = 6  # a shorter number is easily something else
CANDIDATES_MAX = 10
_NUMBER_DIGITS = 8  # of a document
_WORD = re.compile(r"[A-Z0-9][A-Z0-9._/-]{2,39}")
_DOCUMENT = re.compile(r"(?<![A-Z0-9])([A-Z]{2,8})[-. /]{0,2}([0-9]{1,12})(?![0-9])")
_CREDITOR_REFERENCE = re.compile(r"RF([0-9]{2})([A-Z0-9]{1,21})")
_BATCH = re.compile(r"\bDD[0-9A-Z]{26}\b")
_TRIM = "._/-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """An account that money may be for."""

    id: AccountId
    number: str
    currency: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An account that a line may be for, and why."""

    owner: Owner
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Where the money of a line goes: to an owner, or to wait for a person."""

    state: EntryState
    why: Why
    owner: Owner | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(slots=True, kw_only=True)
class Known:
    """What is known of a batch of lines: owners by what may be written, by IBAN and by name."""

    documents: dict[str, Owner] = field(default_factory=dict)
    void: dict[str, Owner] = field(default_factory=dict)
    numbers: dict[str, Owner] = field(default_factory=dict)
    payers: dict[str, list[Owner]] = field(default_factory=dict)
    # Batches of direct debits.
    batches: set[str] = field(default_factory=set)
    # By the words of the name; and the totals of invoices of these accounts.
    names: dict[frozenset[str], list[Owner]] = field(default_factory=dict)
    totals: set[tuple[AccountId, Money]] = field(default_factory=set)


def tokens(*texts: str) -> list[str]:
    """List what in texts may be a number of ours, as we write it."""
    found: dict[str, None] = {}
    for text in texts:
        upper = text.upper()
        for word in _WORD.findall(upper):
            found[word.strip(_TRIM)] = None
        for series, digits in _DOCUMENT.findall(upper):
            found[f"{series}-{digits}"] = None
            found[f"{series}-{digits.zfill(_NUMBER_DIGITS)}"] = None
    return [one for one in found if len(one) >= TOKEN_CHARS_MIN][:TOKENS_MAX]


def creditor_reference(text: str) -> str:
    """Return what a creditor reference (ISO 11649) holds, where its digits check; else the text."""
    plain = "".join(text.upper().split())
    found = _CREDITOR_REFERENCE.fullmatch(plain)
    if found is None:
        return text
    digits = "".join(str(int(c, 36)) for c in f"{found.group(2)}RF{found.group(1)}")
    return found.group(2) if int(digits) % 97 == 1 else text


def written(line: Line) -> tuple[list[str], list[str]]:
    """List what may be our numbers in the structured reference, and in free text."""
    structured = tokens(creditor_reference(line.structured)) if line.structured else []
    return structured, tokens(line.text, line.end_to_end)


def batches(line: Line) -> set[str]:
    """List what in a line may be the name of a batch of direct debits, or of a block of it."""
    return set(_BATCH.findall(f"{line.ref} {line.end_to_end} {line.structured} {line.text}"))


def decide(line: Line, words: frozenset[str], known: Known) -> Verdict:
    """Decide about a line that is no return; `words` are those of the payer's name."""
    if line.kind is LineKind.CHARGE:
        return Verdict(state=EntryState.CHARGE, why=Why.CHARGE)
    if line.kind is LineKind.RETURN:
        is_in = line.amount.amount_minor > 0
        return _review(Why.COMES_BACK if is_in else Why.NO_PAYMENT, ())
    if line.amount.amount_minor < 0:
        return Verdict(state=EntryState.SUSPENSE, why=Why.DEBIT)
    structured, free = written(line)
    if known.batches and known.batches & batches(line):
        return Verdict(state=EntryState.OUTSIDE, why=Why.DEBITS)
    for written_tokens in (structured, free):
        found = _by_reference(line, written_tokens, known)
        if found is not None:
            return found
    return _by_payer(line, known) or _by_name(line, words, known)


def _by_reference(line: Line, found: Collection[str], known: Known) -> Verdict | None:
    hits: dict[AccountId, Candidate] = {}
    is_weak = True
    for token in found:
        for owners, why in ((known.documents, Why.INVOICE), (known.numbers, Why.ACCOUNT)):
            owner = owners.get(token)
            if owner is not None:
                hits.setdefault(owner.id, Candidate(owner=owner, why=why))
                is_weak &= token.isdigit() and len(token) < WEAK_DIGITS
    candidates = tuple(hits.values())
    if len(candidates) > 1:
        return _review(Why.SEVERAL, candidates)
    if not candidates:
        gone = [known.void[token] for token in found if token in known.void]
        if not gone:
            return None
        maybe = tuple(Candidate(owner=one, why=Why.VOID) for one in gone[:1])
        return Verdict(state=EntryState.SUSPENSE, why=Why.VOID, candidates=maybe)
    if is_weak:
        return _review(Why.WEAK, candidates)
    return _sure(line, candidates[0])


def _by_payer(line: Line, known: Known) -> Verdict | None:
    owners = known.payers.get(line.iban, []) if line.iban else []
    candidates = tuple(Candidate(owner=one, why=Why.PAYER) for one in owners)
    if len(candidates) > 1:
        return _review(Why.SEVERAL, candidates)
    return _sure(line, candidates[0]) if candidates else None


def _by_name(line: Line, words: frozenset[str], known: Known) -> Verdict:
    owners = known.names.get(words, []) if words else []
    if not owners:
        return Verdict(state=EntryState.SUSPENSE, why=Why.UNKNOWN)
    candidates = tuple(Candidate(owner=one, why=Why.NAME) for one in owners)
    if len(owners) > 1:
        return _review(Why.SEVERAL, candidates)
    if (owners[0].id, line.amount) not in known.totals:
        return _review(Why.AMOUNT, candidates)
    return _sure(line, candidates[0])


def _sure(line: Line, one: Candidate) -> Verdict:
    if one.owner.currency != line.amount.currency:
        return Verdict(state=EntryState.SUSPENSE, why=Why.CURRENCY, candidates=(one,))
    return Verdict(state=EntryState.MATCHED, why=one.why, owner=one.owner)


def _review(why: Why, candidates: tuple[Candidate, ...]) -> Verdict:
    return Verdict(state=EntryState.REVIEW, why=why, candidates=candidates[:CANDIDATES_MAX])
