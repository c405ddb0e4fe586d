"""A form is done once: sent again, it is told again what it was told.

Every form brings a key that its page made. What was said is kept under it in the transaction that
changes something, as answers of the API are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from app import answers
from app.answers import Answer, Asked
from app.web.page.fields import OnceForm
from app.web.problem import BadRequest
from app.web.route import Call
from runtime.store import Tx

Deed = Callable[[Call, Tx], Awaitable[str]]
Ask = Callable[[Call], Awaitable[str]]

_DONE = 303
_OTHERWISE = "This form was sent before with something else in it. Nothing was done again."
_BUSY = "It is being done already."


async def in_one(call: Call, deed: Deed) -> str:
    """Do something in one transaction, once; returns what there is to say of it."""
    call, asked = _named(call)
    async with call.house.store.begin() as tx:
        earlier = await answers.claim(tx, asked)
        if isinstance(earlier, Answer):
            return _again(earlier, asked)
        if not earlier:
            return _BUSY
        said = await deed(call, tx)
        await answers.keep(tx, asked, _DONE, said, call.house.clock.machine_now())
    return said


async def beside(call: Call, ask: Ask) -> str:
    """Ask another system, with no transaction open; it knows by `call.once` what it was asked."""
    call, asked = _named(call)
    async with call.house.store.read() as tx:
        earlier = await answers.find(tx, asked)
    if earlier is not None:
        return _again(earlier, asked)
    said = await ask(call)
    async with call.house.store.begin() as tx:
        await answers.keep(tx, asked, _DONE, said, call.house.clock.machine_now())
    return said


def _named(call: Call) -> tuple[Call, Asked]:
    """Name a form by who sent it, where, and the key of its page."""
    form: OnceForm = call.form
    path = call.request.path
    content = form.model_dump_json().encode()
    asked = Asked(
        caller=call.actor[:64],
        key=f"{form.once}{path}"[:255],
        fingerprint=answers.fingerprint(call.request.method, path, content),
    )
    return replace(call, once=asked.once), asked


def _again(earlier: Answer, asked: Asked) -> str:
    if earlier.fingerprint != asked.fingerprint:
        raise BadRequest(422, "another form", _OTHERWISE)
    return earlier.body
