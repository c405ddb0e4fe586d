"""Checks of edges: done once, for one household, or not at all. And of keys that reach nobody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import SkipTest

from gateway.adapters.conformance.book import Run, check, enter
from gateway.adapters.conformance.harness import AFTERMATHS, Harness
from gateway.adapters.conformance.trial import Trial, counted, meeting, trial
from gateway.adapters.sdk import Action, Adapter, Operable
from terms.errors import Permanent, TargetError, Unreachable, Unsupported

# Texts that an address or a list could read as everybody, or as somebody else.
HOSTILE_REFS = (
    "",
    " ",
    " \t\n",
    ",",
    "1,2",
    "1001,",
    "..",
    "../accounts",
    "/",
    "1001/1002",
    "1001?all=1",
    "1001#",
    "1001&id=2",
    "1001;2",
    "1001\r\nX-A: b",
    "1001\x00",
    "1001\n",
    "\u2028",
    "\ud800",
)
ACTIONS = ("message", "reboot", "kick")


def _operable(t: Trial) -> Operable:
    return _performing(t.adapter)


def _performing(adapter: Adapter[Any]) -> Operable:
    if not isinstance(adapter, Operable):
        raise SkipTest("nothing can be done at this target")
    return adapter


async def _refused(act: Callable[[], Awaitable[object]], ref: str) -> None:
    try:
        await act()
    except Permanent:
        return
    raise AssertionError(f"{ref!r} was let through")


@check
async def a_hostile_key_is_not_expressed(harness: Harness) -> None:
    """A wish for a key that could be read as more than one account is Unsupported."""
    async with trial(harness) as t:
        step = harness.steps(harness.new_ref())[0]
        for ref in (*HOSTILE_REFS, *harness.hostile_refs):
            try:
                t.adapter.express(replace(step, ref=ref))
            except Unsupported:
                continue
            raise AssertionError(f"{ref!r} was let through")


@check
async def a_hostile_key_makes_no_call(harness: Harness) -> None:
    """No verb sends anything for a key that could be read as more than one account."""
    async with trial(harness) as t:
        step = harness.steps(harness.new_ref())[0]
        before = await counted(harness.calls)
        for ref in (*HOSTILE_REFS, *harness.hostile_refs):
            wish = replace(step, ref=ref)
            await _refused(partial(t.adapter.observe, ref), ref)
            await _refused(partial(t.adapter.remove, ref), ref)
            await _refused(partial(t.adapter.apply, wish, None), ref)
            await _refused(partial(t.adapter.apply, wish, step), ref)
        assert await counted(harness.calls) == before


@check
async def a_hostile_key_reaches_nobody(harness: Harness) -> None:
    """No action for such a key makes a call, so that no message goes to everybody."""
    async with trial(harness) as t:
        adapter = _operable(t)
        bystander = await t.live()
        heard, before = await harness.heard(bystander.ref), await counted(harness.calls)
        for ref in (*HOSTILE_REFS, *harness.hostile_refs):
            for name in ACTIONS:
                action = Action(name=name, params={"text": "for one household"})
                await _refused(partial(adapter.perform, ref, action), ref)
        assert await counted(harness.calls) == before
        assert await harness.heard(bystander.ref) == heard


@check
async def a_message_arrives_exactly_once(harness: Harness) -> None:
    """A message is heard once in its own household, word for word, and by nobody else."""
    async with trial(harness) as t:
        adapter = _operable(t)
        mine, other = await t.live(), await t.live()
        text = 'Please pay 19.90 EUR & call "us" + 100% / now: ÄÖ€'
        await adapter.perform(mine.ref, Action(name="message", params={"text": text}))
        times = list(await harness.heard(mine.ref)).count(text)
        assert times == 1, f"the message was heard {times} times"
        assert text not in await harness.heard(other.ref)
        assert await t.held(mine.ref) == mine


@check
async def a_message_whose_answer_is_lost_is_not_repeated(harness: Harness) -> None:
    """A lost answer to a message is Unreachable, and the adapter leaves it at that."""
    async with trial(harness) as t:
        _operable(t)
        mine = await t.live()
        text = "only once"
        async with meeting(t, "lost", mine.ref) as adapter, harness.fault("lost"):
            error = await _error_of(_performing(adapter), mine.ref, text)
        assert isinstance(error, Unreachable)
        assert list(await harness.heard(mine.ref)).count(text) == 1


def _shown_before(fault: str) -> Run:
    async def run(harness: Harness) -> None:
        for exempt in (fault, f"aftermath_{fault}"):
            if exempt in harness.exempt:
                raise SkipTest(harness.exempt[exempt])
        async with trial(harness) as t:
            _operable(t)
            mine = await t.live()
            text = f"shown before {fault}"
            async with meeting(t, fault, mine.ref) as adapter, harness.aftermath(fault):
                error = await _error_of(_performing(adapter), mine.ref, text)
            assert list(await harness.heard(mine.ref)).count(text) == 1
            assert not error.is_untouched, f"the message was shown, and {error!r} denies it"

    return run


async def _error_of(adapter: Operable, ref: str, text: str) -> TargetError:
    try:
        await adapter.perform(ref, Action(name="message", params={"text": text}))
    except TargetError as error:
        return error
    raise AssertionError("the fault was swallowed")


for _fault in AFTERMATHS:
    enter(
        f"aftermath_{_fault}_perform",
        f"A message that was shown before the fault {_fault!r} is not said to be untouched.",
        _shown_before(_fault),
    )


@check
async def a_refused_message_is_untouched(harness: Harness) -> None:
    """What the target refuses in its own words, or for our credentials, may be asked for again."""
    async with trial(harness) as t:
        adapter = _operable(t)
        mine = await t.live()
        for fault in ("refused", "unauthorized"):
            async with harness.fault(fault):
                error = await _error_of(adapter, mine.ref, fault)
            assert error.is_untouched, f"{error!r} leaves open whether anything happened"
            assert fault not in await harness.heard(mine.ref)


@check
async def an_empty_message_is_not_sent(harness: Harness) -> None:
    """A message without words is refused, and nobody hears it."""
    async with trial(harness) as t:
        adapter = _operable(t)
        mine = await t.live()
        before = await counted(harness.calls)
        for params in ({}, {"text": ""}, {"text": " \n"}):
            action = Action(name="message", params=params)
            await _refused(partial(adapter.perform, mine.ref, action), mine.ref)
        assert await counted(harness.calls) == before


@check
async def an_unknown_action_is_unsupported(harness: Harness) -> None:
    """An action that the target does not know is Unsupported and makes no call."""
    async with trial(harness) as t:
        adapter = _operable(t)
        mine = await t.live()
        before = await counted(harness.calls)
        for name in ("", "self-destruct", "MESSAGE", "cut_off"):
            try:
                await adapter.perform(mine.ref, Action(name=name))
            except Unsupported:
                continue
            raise AssertionError(f"the action {name!r} was accepted")
        assert await counted(harness.calls) == before


@check
async def an_edge_leaves_the_state_alone(harness: Harness) -> None:
    """A reboot or a kick is done, and the account is held as before."""
    async with trial(harness) as t:
        adapter = _operable(t)
        mine = await t.live()
        for name in harness.edges:
            await adapter.perform(mine.ref, Action(name=name))
            await harness.settled(mine.ref)
            assert await t.held(mine.ref) == mine


@check
async def an_edge_for_an_absent_account_is_an_error(harness: Harness) -> None:
    """A message to an account that is not there is Permanent: it will not arrive later either."""
    async with trial(harness) as t:
        adapter = _operable(t)
        ref = harness.absent_ref()
        action = Action(name="message", params={"text": "is anybody there"})
        await _refused(partial(adapter.perform, ref, action), ref)
