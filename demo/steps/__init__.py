"""The steps of the story. Each acts, then proves at the simulators what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from demo.proof import Evidence, Finding
from demo.scene import Scene
from demo.steps import (
    agreement,
    chargeback,
    debt_paid,
    declined,
    first_payment,
    give_back,
    hand_edit,
    mending,
    outage,
    promised,
    renewal_fails,
    signup,
    transfer,
    voucher,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: its title, how it is told, and how the world goes on where it was spoiled."""

    title: str
    tell: Callable[[Scene], Awaitable[Evidence]]
    mend: Callable[[Scene], Awaitable[Sequence[Finding]]] | None = None


STEPS = (
    Step(
        title="A household signs up, a technician registers its box; known, still dark",
        tell=signup.tell,
        mend=mending.repair,
    ),
    Step(
        title="Its first invoice is paid; the picture comes",
        tell=first_payment.tell,
        mend=mending.pay_after_all,
    ),
    Step(title="A renewal fails; retries, notices, dark", tell=renewal_fails.tell),
    Step(
        title="The debt is paid; everything is back, once",
        tell=debt_paid.tell,
        mend=mending.pay_after_all,
    ),
    Step(
        title="Somebody edits by hand; it is found and repaired",
        tell=hand_edit.tell,
        mend=mending.take_writes_again,
    ),
    Step(
        title="The portal is down while payments clear; nothing is lost",
        tell=outage.tell,
        mend=mending.bring_back,
    ),
    Step(
        title="The box is returned; its rent stops, its deposit is back",
        tell=give_back.tell,
        mend=give_back.mend,
    ),
    Step(
        title="A stolen card is never tried again; another one is, at once",
        tell=declined.tell,
        mend=declined.mend,
    ),
    Step(
        title="A promise to pay keeps the picture on; who only owes is dark",
        tell=promised.tell,
        mend=promised.mend,
    ),
    Step(
        title="A voucher is redeemed in the portal; the picture comes back",
        tell=voucher.tell,
        mend=voucher.mend,
    ),
    Step(
        title="A bank statement tells of the transfer; the promise is kept",
        tell=transfer.tell,
        mend=transfer.mend,
    ),
    Step(
        title="A charge is taken back and reinstated; the invoice opens and closes",
        tell=chargeback.tell,
        mend=chargeback.mend,
    ),
    Step(title="Every cent at the provider stands in the books", tell=agreement.tell),
)
