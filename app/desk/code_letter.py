"""The letter with a one-time code, in the subscriber's language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from app.desk import business
from app.identity.subscribers import Subscriber
from messages.letters.model import Letter
from messages.letters.store import Letters
from messages.letters.wording import written
from runtime.chance import Chance, new_id
from runtime.clock import Clock
from runtime.store import Tx
from runtime.telemetry import get_log
from terms.errors import Invalid

log = get_log()

KIND = "code"
_HALF = 4


def by_letter(
    letters: Letters, clock: Clock, chance: Chance
) -> Callable[[Tx, Subscriber, str, datetime], Awaitable[None]]:
    """Give what has a code sent to a subscriber in the caller's transaction."""

    async def send(tx: Tx, one: Subscriber, code: str, not_after: datetime) -> None:
        known = await business.find(tx)
        values = {
            "code": f"{code[:_HALF]} {code[_HALF:]}",
            "contract": one.contract,
            "operator": known.name if known else "Boxoffice",
        }
        subject, text = written(KIND, one.locale, values)
        try:
            letter = Letter(
                id=new_id(clock.machine_now(), chance),
                to=one.email,
                kind=KIND,
                subject=subject,
                text=text,
                not_after=not_after,
                service=one.service,
            )
        except Invalid as error:
            # Whoever asked learns nothing of it: the page says that a letter comes if it can.
            log.warning("code.no_letter", account=one.id, field=error.field, why=error.reason)
            return
        await letters.post(tx, [letter])

    return send
