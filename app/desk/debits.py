"""Direct debits at the desk: mandates, batches for the bank, what the bank says. All audited."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from app.desk import business, given
from app.desk.auditing import note
from app.wiring import House
from billing.debits import codes, reasons
from billing.debits.model import Back, Creditor, Report
from billing.flows.debits import back, creditor, mandate, present
from billing.flows.debits.back import Heard
from billing.flows.debits.mandate import Given, Wish
from billing.flows.debits.present import Batch
from runtime.store import Tx
from terms.errors import Invalid, NotFound

FILE_BYTES_MAX = 32 * 1024 * 1024
HEARD_SHOWN = 20


async def collect_as(
    house: House, tx: Tx, told: Creditor, *, actor: str, reason: str = ""
) -> Creditor:
    """Say who collects, and by which rules; its days are those of the business. Raises Invalid.

    All money goes to this account: it is said on the machine itself, by no token and on no page.
    """
    known = await business.find(tx)
    one = replace(
        told,
        identifier=codes.read_creditor(told.identifier),
        name=codes.read_name(told.name, "name"),
        iban=codes.read_iban(told.iban),
        bic=codes.read_bic(told.bic),
        zone=known.zone if known else told.zone,
    )
    was = await creditor.find(tx)
    if await creditor.tell(tx, one):
        await note(
            house,
            tx,
            actor=actor,
            action="debit.creditor",
            subject="debits:creditor",
            before=_shown(was) if was else None,
            after=_shown(one),
            reason=reason,
        )
    return one


def _shown(one: Creditor) -> str:
    first = ", says first" if one.says_first else ""
    return (
        f"{one.identifier} {one.name}, {codes.masked(one.iban)} {one.bic or 'no BIC'}, notice"
        f" {one.notice_days}, lead {one.lead_days} until {one.cut_off_hour}, clear"
        f" {one.clear_days}{first}"
    )


async def give(
    house: House, tx: Tx, contract: str, wish: Wish, *, actor: str, reason: str = ""
) -> Given:
    """Take a mandate for a household. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    given = await mandate.give(house.desk, tx, house.sealer, contract, wish, now=now)
    if given.is_new:
        await note(
            house,
            tx,
            actor=actor,
            action="mandate.give",
            subject=f"contract:{contract}",
            after=f"{given.reference}, {given.label}",
            reason=reason,
        )
    return given


async def amend(
    house: House, tx: Tx, contract: str, method: str, iban: str, *, actor: str, reason: str = ""
) -> str:
    """Note another account for a mandate. Raises what the flow raises."""
    now = await house.clock.business_now(tx)
    label = await mandate.amend(
        house.desk, tx, house.sealer, contract, method=method, iban=iban, now=now
    )
    await note(
        house,
        tx,
        actor=actor,
        action="mandate.amend",
        subject=f"contract:{contract}",
        after=label,
        reason=reason,
    )
    return label


async def make(
    house: House, tx: Tx, *, until: date | None = None, actor: str, reason: str = ""
) -> list[Batch]:
    """Put what is announced into batches. Raises InvalidTransition where nobody collects."""
    now = await house.clock.business_now(tx)
    made = await present.make(house.desk, tx, house.sealer, now, by=actor, until=until)
    for one in made:
        after = f"{one.debits} of {one.total} for {one.collect_on}, {one.moved} moved to it"
        await _note(house, tx, "debit.make", one.id, actor, after=after, reason=reason)
    return made


async def file_of(house: House, tx: Tx, batch: str, *, actor: str, reason: str = "") -> bytes:
    """Return the file of a batch, which has numbers of accounts: who had it is noted.

    Raises NotFound, InvalidTransition.
    """
    content = await present.file_of(tx, house.sealer, batch)
    await _note(house, tx, "debit.file", batch, actor, after="the file", reason=reason)
    return content


async def hand_in(house: House, tx: Tx, batch: str, *, actor: str, reason: str = "") -> bool:
    """Note that the bank has a batch. Raises NotFound, InvalidTransition."""
    is_new = await present.hand_in(tx, batch, await house.clock.business_now(tx), by=actor)
    if is_new:
        await _note(house, tx, "debit.hand_in", batch, actor, after="handed in", reason=reason)
    return is_new


async def withdraw(house: House, tx: Tx, batch: str, *, actor: str, reason: str = "") -> int:
    """Take a batch back that the bank never gets. Raises NotFound, InvalidTransition."""
    gone = await present.withdraw(house.desk, tx, batch, await house.clock.business_now(tx))
    after = f"withdrawn, {gone} debits"
    await _note(house, tx, "debit.withdraw", batch, actor, after=after, reason=reason)
    return gone


async def hear(house: House, tx: Tx, data: bytes, *, actor: str, reason: str = "") -> Heard:
    """Take up a report of the bank, pain.002 or CAMT.054. Raises Invalid."""
    now = await house.clock.business_now(tx)
    from billing.debits.reports import read  # noqa: PLC0415 - 4 MB that most processes never need

    heard = await back.hear(house.desk, tx, read(data), now)
    after = f"{heard.new} new, {heard.known} known, {len(heard.unknown)} of nobody"
    after = "; ".join([after, *not_taken(heard)])
    await _note(house, tx, "debit.hear", "report", actor, after=after, reason=reason)
    return heard


async def went_back(
    house: House, tx: Tx, mark: str, code: str, *, actor: str, reason: str = ""
) -> Heard:
    """Say that a debit went back, or a block or a batch whole, where no report says it clearly.

    Raises Invalid for what is no code, NotFound where there is no such debit in a batch.
    """
    mark, code = given.name("debit", mark), given.name("code", code).upper()
    if not reasons.is_code(code):
        raise Invalid("code", "must be the bank's code, four letters or two and two digits: AM04")
    told = Back(mark=mark, code=code, is_batch=mark.startswith(present.PREFIX))
    now = await house.clock.business_now(tx)
    heard = await back.hear(house.desk, tx, Report(back=(told,)), now)
    if heard.unknown:
        raise NotFound(f"no debit {mark!r} is in a batch", field="debit")
    after = f"{heard.new} new, {heard.known} known; {code}"
    await _note(house, tx, "debit.went_back", mark, actor, after=after, reason=reason)
    return heard


def not_taken(heard: Heard, shown: int = HEARD_SHOWN) -> list[str]:
    """Say of what in a report nothing became, each kind in a sentence."""
    other = [f"{one.mark} is of {one.ours}, it says {one.said}" for one in heard.others]
    unclear = [f"{one.mark} ({one.said})" for one in heard.unclear]
    kinds = (
        ("of nobody we know", list(heard.unknown)),
        ("of another amount, so nothing became of it", other),
        ("not understood, so nothing became of it", unclear),
    )
    return [
        f"{kind}: {', '.join(told[:shown])}"
        + (f" and {len(told) - shown} more" if len(told) > shown else "")
        for kind, told in kinds
        if told
    ]


async def _note(
    house: House, tx: Tx, action: str, subject: str, actor: str, *, after: str, reason: str
) -> None:
    await note(
        house,
        tx,
        actor=actor,
        action=action,
        subject=f"debits:{subject}",
        after=after,
        reason=reason,
    )
