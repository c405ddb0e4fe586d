"""A form of the console is done once: sent again, it is told again what it was told.

Every form brings a key that its page made. What was said is kept under it in the transaction that
changes something, as answers of the API are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app import answers
from app.answers import Answer, Asked
from app.web.problem import BadRequest
from app.web.route import Call, Form
from runtime.store import Tx

_DONE = 303
_OTHERWISE = "This form was sent before with something else in it. Nothing was done again."
_BUSY = "It is being done already."


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form as it came, and what names it."""

    call: Call
    asked: Asked

    @classmethod
    def of(cls, call: Call, key: str) -> Sent:
        """Name a form by who sent it, where, and the key of its page."""
        path, form = call.request.path, call.form
        content = form.model_dump_json() if isinstance(form, Form) else ""
        fingerprint = answers.fingerprint(call.request.method, path, content.encode())
        asked = Asked(caller=call.actor[:64], key=f"{key}{path}"[:255], fingerprint=fingerprint)
        return cls(call=call, asked=asked)


async def in_one(sent: Sent, deed: Callable[[Call, Tx], Awaitable[str]]) -> str:
    """Do something in one transaction, once; returns what there is to say of it."""
    house = sent.call.house
    async with house.store.begin() as tx:
        earlier = await answers.claim(tx, sent.asked)
        if isinstance(earlier, Answer):
            return _again(earlier, sent.asked)
        if not earlier:
            return _BUSY
        said = await deed(sent.call, tx)
        now = house.clock.machine_now()
        await answers.keep(tx, sent.asked, _DONE, said, now)
    return said


async def beside(sent: Sent, ask: Callable[[Call, str], Awaitable[str]]) -> str:
    """Ask another system, with no transaction open; `ask` gets a name for what is asked."""
    house = sent.call.house
    async with house.store.read() as tx:
        earlier = await answers.find(tx, sent.asked)
    if earlier is not None:
        return _again(earlier, sent.asked)
    said = await ask(sent.call, sent.asked.once)
    async with house.store.begin() as tx:
        await answers.keep(tx, sent.asked, _DONE, said, house.clock.machine_now())
    return said


def _again(earlier: Answer, asked: Asked) -> str:
    if earlier.fingerprint != asked.fingerprint:
        raise BadRequest(422, "another form", _OTHERWISE)
    return earlier.body
