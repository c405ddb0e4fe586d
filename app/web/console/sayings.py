"""What a form has to say to the page shown next, carried there in its address.

Sealed for one sign-in and a minute: nobody can make a page say something by a link, nothing is kept
in a process, and any web process can show it.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import orjson
from pydantic import Field

from app.web.page.words import Tone, sentence
from app.web.problem import BadRequest
from app.web.route import Call, Query
from billing.cash.model import NoShift
from runtime.secrets import SealBroken
from runtime.store import to_micros
from terms.errors import BoxofficeError

CASH_DESK = "/console/cash"
SHOWN_FOR = timedelta(minutes=1)
# An address of so much text passes every proxy.
TEXT_BYTES_MAX = 3_000
SEALED_CHARS_MAX = 6_000

Sealed = Annotated[str, Field(max_length=SEALED_CHARS_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One sentence of the last form, and an address to be opened or passed on, if there is one."""

    text: str = ""
    tone: Tone = "good"
    link: str = ""


NOTHING_SAID = Saying()


class SaidQuery(Query):
    """What the last form has to say."""

    said: Sealed = ""


def seal(call: Call, text: str, tone: Tone) -> str:
    """Seal a sentence for whoever sent the form; a second line of it is an address."""
    until = to_micros(call.house.clock.machine_now() + SHOWN_FOR)
    short = text.encode()[:TEXT_BYTES_MAX].decode(errors="ignore")
    content = orjson.dumps([until, tone, short]).decode()
    return call.house.sealer.seal(content, place=_place(call))


async def told(call: Call, deed: Awaitable[str]) -> str:
    """Do something; seal what there is to say of it, or why it was not done."""
    try:
        return seal(call, await deed, "good")
    except (BadRequest, BoxofficeError) as error:
        leads_on = f"\n{CASH_DESK}" if isinstance(error, NoShift) else ""
        return seal(call, f"{sentence(str(error))}{leads_on}", "bad")


def unseal(call: Call, sealed: str) -> Saying:
    """Give what was sealed for whoever asks; nothing where it was not, or where it is over."""
    if not sealed:
        return NOTHING_SAID
    try:
        until, tone, text = orjson.loads(call.house.sealer.open(sealed, place=_place(call)))
    except SealBroken:
        return NOTHING_SAID
    if until < to_micros(call.house.clock.machine_now()):
        return NOTHING_SAID
    sentence, _, link = text.partition("\n")
    return Saying(text=sentence, tone=tone, link=link)


def _place(call: Call) -> str:
    return f"saying/{call.signed_in.form_token}"
