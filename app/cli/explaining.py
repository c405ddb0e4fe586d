"""A household, a document or one line of it in words, for `boxoffice explain`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from app.desk.household import Household
from billing.rating.model import LineKind
from billing.reads.credit_notes import CreditLineView, CreditNoteView
from billing.reads.explaining import Explanation, Word
from billing.reads.invoices import InvoiceView, LineView
from billing.sellers.model import Seller
from billing.tax.levels import Level
from billing.tax.model import TaxGroup

DOCUMENTS_MAX = 3


def explained(found: Household | InvoiceView | CreditNoteView | Explanation) -> Iterator[str]:
    """Tell what is owed or given back, line by line, and why it is dark."""
    if isinstance(found, Explanation):
        return _line(found)
    if isinstance(found, InvoiceView):
        return chain(_invoice(found), _sold_by(found.seller))
    if isinstance(found, CreditNoteView):
        return chain(_note(found), _sold_by(found.seller))
    return _household(found)


def _sold_by(one: Seller | None) -> Iterator[str]:
    if one:
        yield f"  sold by {', '.join(one.lines)}"


def _household(household: Household) -> Iterator[str]:
    account = household.account
    state = account.service.state.value if account.service.state else "not settled yet"
    yield f"{account.service.contract}  {account.name}  is {state}"
    for why in household.why_dark:
        yield f"  dark: {why}"
    for why in household.held_up:
        yield f"  held up: {why}"
    yield f"  owes {account.owed}" + (
        f", has {account.credit} to its credit" if account.credit.amount_minor else ""
    )
    for box in household.gateway.boxes:
        yield f"  box {box.serial} {box.model} {box.mac or ''}".rstrip()
    for rental in account.rentals:
        if rental.deposit_since:
            waits = ", a person decides about it" if rental.is_waiting else ""
            held = f"{rental.deposit} held since {rental.deposit_since}"
            yield f"  deposit {held} for {rental.serial}{waits}"
    for at in household.gateway.targets:
        yield f"  {at.target}: {'as wished' if at.is_proven else 'not as wished yet'}"
    for invoice in account.invoices[:DOCUMENTS_MAX]:
        yield from _invoice(invoice)
    for note in account.credit_notes[:DOCUMENTS_MAX]:
        yield from _note(note)


def _invoice(one: InvoiceView) -> Iterator[str]:
    left = f", {one.open} open" if one.open.amount_minor else ""
    left += f", {one.state.value.replace('_', ' ')}"
    yield f"invoice {one.number} of {one.issued_on}, due {one.due_on}: {one.total}{left}"
    for line in one.lines:
        offs = "".join(f" less {off.off} for {off.promotion}" for off in line.offs)
        share = f"{line.days}/{line.of_days} days of {line.rate}{offs}"
        period = f"{line.period_start} to {line.period_end}"
        yield f"  {line.amount}  {line.label}  ({share}, {period}, {_taxed(line)})"
    yield from _taxes(one.groups)
    if one.voided:
        why = f": {one.voided.reason}" if one.voided.reason else ""
        yield f"  void since {one.voided.at:%F %H:%M} UTC by {one.voided.by}{why}"
        for word, numbers in (
            ("given back by", one.voided.notes),
            ("replaced by", one.voided.replaced_by),
        ):
            yield from (f"  {word} {number}" for number in numbers)
    yield from (f"  corrects {number}" for number in one.corrects)


def _line(one: Explanation) -> Iterator[str]:
    yield f"line {one.line} of {one.document}, contract {one.contract}: {one.label}"
    if one.word:
        yield f"  goodwill of line {one.gives_back}: {_worded(one.word)}"
    elif one.gives_back:
        yield f"  gives back of line {one.gives_back}, {one.period_start} to {one.period_end}"
    share = f"{one.units}/{one.of_units} of it, by the {one.measure.value}"
    after = f", after the first {one.units_before}" if one.units_before else ""
    whole = f"{one.rate} for {one.quantity} x {one.offering} in a whole period"
    yield f"  charged: {whole}; {share}{after}"
    for off in one.offs:
        yield f"  {off.promotion}, {off.name}: {off.off} off the whole period, {off.amount} of it"
    yield f"  {one.taxed}"
    for back in one.given_back:
        kept = f", {back.kept} kept" if back.kept.amount_minor else ""
        days = f"{back.period_start} to {back.period_end}"
        if back.word:
            days = f"goodwill: {_worded(back.word)}"
        yield f"  given back: {back.amount}{kept} by line {back.line} of {back.note}, {days}"
    for each in one.sources:
        days = f"from {each.from_on}" + (f" to {each.until_on}" if each.until_on else "")
        yield f"  {each.kind} {each.id}: {days}" + (f", {each.detail}" if each.detail else "")
    word = "agrees" if one.agrees else "DIFFERS"
    yield f"  amount {one.amount}; computed again from the record: {one.executed}, {word}"


def _worded(one: Word) -> str:
    share = f"{one.percent} of it, " if one.percent else ""
    return f"{share}by {one.by} on {one.at:%F %H:%M} UTC: {one.reason}"


def _note(one: CreditNoteView) -> Iterator[str]:
    yield f"credit note {one.number} of {one.issued_on}: {one.total} given back"
    for line in one.lines:
        period = f"{line.period_start} to {line.period_end}"
        why = f"{_given_back(line)}, {period}, {_taxed(line)}"
        yield f"  {line.amount}  {line.label}  ({why}; line {line.line} of {line.invoice})"
    yield from _taxes(one.groups)


def _given_back(line: CreditLineView) -> str:
    """Tell how the amount comes about: what was charged, less what stays."""
    if line.is_goodwill:
        return f"goodwill, of {line.charged} charged"
    if line.kind is not LineKind.RENTAL:
        kept = f", {line.kept} of it kept" if line.kept.amount_minor else ""
        return f"{line.charged} charged once{kept}"
    charged = f"{line.charged} charged for {line.charged_days}/{line.of_days} days of {line.rate}"
    stays = f"{line.charged - line.amount} of it stays for {line.used_days}/{line.of_days}"
    return f"{line.days} days back: {charged}, {stays}"


def _taxed(line: LineView | CreditLineView) -> str:
    if line.includes_tax:
        return f"tax {line.tax} {line.tax_amount} included"
    return f"tax {line.tax}" if line.tax else "untaxed"


def _taxes(groups: Sequence[TaxGroup]) -> Iterator[str]:
    for group in groups:
        level = "" if group.level is Level.GROUP else f", rounded for each {group.level.value}"
        yield f"  {group.amount}  {group.name} {group.rate} of {group.net}{level}"
