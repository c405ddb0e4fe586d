"""Checks of what a target cannot hold: refused with a reason, never cut and never taken over."""

from __future__ import annotations

from dataclasses import replace
from unittest import SkipTest

from gateway.adapters.conformance.book import check
from gateway.adapters.conformance.harness import Harness
from gateway.adapters.conformance.trial import Trial, trial
from gateway.adapters.sdk import mismatch
from gateway.adapters.state import ViewerState
from terms.errors import Conflict, Permanent, Unsupported

MANY = 200


@check
async def express_is_pure_and_its_own_fixed_point(harness: Harness) -> None:
    """Expressing what was expressed changes nothing, and the wish itself is left alone."""
    async with trial(harness) as t:
        for step in harness.steps(harness.new_ref()):
            before = step.encode()
            once = t.adapter.express(step)
            assert step.encode() == before
            assert t.adapter.express(step) == once
            assert t.adapter.express(once) == once, "it is no fixed point"
            assert (once.ref, once.enabled, once.tariff) == (step.ref, step.enabled, step.tariff)
            assert once.revision == step.revision


@check
async def express_never_cuts(harness: Harness) -> None:
    """Too many packages or devices are refused as Unsupported, or kept to the last one."""
    async with trial(harness) as t:
        step = harness.steps(harness.new_ref())[0]
        codes = frozenset(f"code{number}" for number in range(MANY))
        macs = frozenset(harness.device(step.ref, number) for number in range(MANY))
        for wish in (replace(step, packages=codes), replace(step, devices=macs)):
            try:
                held = t.adapter.express(wish)
            except Unsupported as error:
                assert str(error), "a refusal needs its reason"
            else:
                assert held.packages == wish.packages, "packages were cut"
                assert len(held.devices) == len(wish.devices), "devices were cut"


@check
async def express_may_drop_but_never_shorten_an_expiry(harness: Harness) -> None:
    """An expiry is kept to the day, rounded up by less than a day, or dropped; never earlier."""
    async with trial(harness) as t:
        for step in harness.steps(harness.new_ref()):
            held = t.adapter.express(step).expires_on
            assert held is None or (step.expires_on is not None and held >= step.expires_on)


@check
async def an_unknown_package_is_named(harness: Harness) -> None:
    """A package the target lacks ends as Permanent with its code; the rest is held if it can be."""
    async with trial(harness) as t:
        step = harness.steps(harness.new_ref())[0]
        wish = replace(step, packages=step.packages | {harness.alien_code()})
        await _is_named(t, wish)
        held = await t.held(step.ref)
        assert harness.alien not in held.packages
        assert harness.is_all_or_nothing or held.packages == step.packages
        await t.converge(step)
        await _is_named(t, wish)


@check
async def an_unknown_tariff_is_named(harness: Harness) -> None:
    """A tariff the target lacks ends as Permanent with its code, even if it was "accepted"."""
    async with trial(harness) as t:
        step = harness.steps(harness.new_ref())[0]
        if "tariff" not in harness.holds:
            raise SkipTest("this target has no tariffs")
        wish = replace(step, tariff=harness.alien_code())
        await _is_named(t, wish)
        await t.converge(step)
        await _is_named(t, wish)


async def _is_named(t: Trial, wish: ViewerState) -> None:
    try:
        wanted = t.adapter.express(wish)
        await t.adapter.apply(wanted, await t.adapter.observe(wanted.ref))
        held = await t.adapter.observe(wanted.ref)
        assert held != wanted, "the target cannot hold that"
        error: Exception = mismatch(t.adapter, wanted, held)
    except Permanent as refused:
        error = refused
    assert isinstance(error, Permanent), f"{error!r} does not say that repeating is in vain"
    assert t.harness.alien_code() in str(error)


@check
async def nothing_is_explained_where_nothing_differs(harness: Harness) -> None:
    """An adapter has no complaint about a state that is as wished."""
    async with trial(harness) as t:
        for step in harness.steps(harness.new_ref()):
            wished = await t.converge(step)
            assert t.adapter.explain(wished, await t.held(wished.ref)) == ""


@check
async def a_device_of_another_account_is_a_conflict(harness: Harness) -> None:
    """A device bound elsewhere is a Conflict that names it, and stays where it is."""
    async with trial(harness) as t:
        if not (harness.owns_devices and "devices" in harness.holds):
            raise SkipTest("any account may have any device here")
        owner = await t.live()
        (device,) = sorted(owner.devices)[:1]
        newcomer = harness.steps(harness.new_ref())[0]
        await _collides(t, replace(newcomer, devices=frozenset({device})), device)
        neighbour = await t.live()
        await _collides(t, replace(neighbour, devices=frozenset({device})), device)
        await _collides(t, replace(neighbour, devices=neighbour.devices | {device}), device)
        assert await t.held(owner.ref) == owner


async def _collides(t: Trial, wish: ViewerState, device: str) -> None:
    wanted = t.adapter.express(wish)
    try:
        await t.adapter.apply(wanted, await t.adapter.observe(wanted.ref))
    except Conflict as error:
        assert device in str(error), "the conflict does not name the device"
    else:
        raise AssertionError("two accounts have the device")


@check
async def a_foreign_account_is_not_adopted(harness: Harness) -> None:
    """An account that only bears our account's name is a Conflict and is left as it was."""
    async with trial(harness) as t:
        ref = harness.new_ref()
        await harness.squat(ref)
        before = await harness.changes()
        wanted = t.adapter.express(harness.steps(ref)[0])
        try:
            await t.adapter.apply(wanted, await t.adapter.observe(ref))
        except Conflict:
            pass
        else:
            raise AssertionError("somebody else's account was taken over")
        assert await harness.changes() == before
