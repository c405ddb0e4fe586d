"""Checks of state: there and back, twice is once, removal, the whole list, drift."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from unittest import SkipTest

from gateway.adapters.conformance.book import check
from gateway.adapters.conformance.harness import Harness
from gateway.adapters.conformance.trial import Trial, counted, trial
from gateway.adapters.sdk import BoxAdapter, Catalogued, Health
from gateway.adapters.state import ViewerState
from terms.errors import Permanent

CROWD_ACCOUNTS = 250


@check
async def answers(harness: Harness) -> None:
    """A healthy target answers the probe, and its catalogue holds the codes of the steps."""
    async with trial(harness) as t:
        assert isinstance(await t.adapter.probe(), Health)
        if isinstance(t.adapter, Catalogued):
            catalog = await t.adapter.catalog()
            for step in harness.steps(harness.new_ref()):
                assert step.tariff is None or step.tariff in catalog.tariffs
                assert step.packages <= catalog.packages


@check
async def absence_is_none(harness: Harness) -> None:
    """An account that nobody made is None, not an empty account; an unknown box is Permanent."""
    async with trial(harness) as t:
        try:
            held = await t.adapter.observe(harness.absent_ref())
        except Permanent:
            assert isinstance(t.adapter, BoxAdapter), "absence is no error"
            return
        assert held is None, f"nobody is {held}"


@check
async def every_field_there_and_back(harness: Harness) -> None:
    """Every step is held exactly as wished, with an empty plan after it."""
    async with trial(harness) as t:
        steps = harness.steps(harness.new_ref())
        _check_steps(harness, [t.adapter.express(step) for step in steps])
        for number, step in enumerate(steps, start=1):
            wished = await t.converge(replace(step, revision=number))
            held = await t.held(wished.ref)
            assert held.revision == number, "the revision is not carried"
            assert held.encode() == wished.encode()


def _check_steps(harness: Harness, expressed: Sequence[ViewerState]) -> None:
    """Insist that the steps really move every field that the target can hold."""
    assert expressed[0].enabled, "the first step is a live account"
    for name in harness.holds:
        values = {getattr(state, name) for state in expressed}
        assert len(values) > 1, f"{name} is the same in all steps"


@check
async def twice_is_once(harness: Harness) -> None:
    """A second apply of what is held already changes nothing at the target."""
    async with trial(harness) as t:
        for step in harness.steps(harness.new_ref()):
            wished = await t.converge(step)
            before = await harness.changes()
            await t.adapter.apply(wished, await t.held(wished.ref))
            assert await harness.changes() == before, "it was written once more"


@check
async def repeated_creation_is_one_account(harness: Harness) -> None:
    """Creating an account that came into being meanwhile leaves one, and it is as wished."""
    async with trial(harness) as t:
        wished = await t.live()
        copies = await harness.copies(wished.ref)
        await t.adapter.apply(wished, None)
        assert await harness.copies(wished.ref) == copies, "there are more rows than before"
        assert await t.held(wished.ref) == wished


@check
async def a_clean_account_has_as_many_rows_as_it_needs(harness: Harness) -> None:
    """Walking through all steps and back to the first leaves no rows behind."""
    async with trial(harness) as t:
        ref = harness.new_ref()
        steps = harness.steps(ref)
        await t.converge(steps[0])
        copies = await harness.copies(ref)
        assert copies >= 1
        for step in (*steps, steps[0]):
            await t.converge(step)
        assert await harness.copies(ref) == copies, "rows were left behind"


@check
async def removal_is_repeatable(harness: Harness) -> None:
    """Removing removes every row, or leaves a box bare; removing what is absent succeeds."""
    async with trial(harness) as t:
        ref = harness.new_ref()
        await t.adapter.remove(ref)
        steps = harness.steps(ref)
        for step in (*steps, steps[0]):
            await t.converge(step)
        for _ in range(2):
            await t.adapter.remove(ref)
            assert await harness.copies(ref) == 0, "rows were left behind"
            held = await t.adapter.observe(ref)
            assert held is None or _is_bare_box(t, held), f"{held} was left behind"


def _is_bare_box(t: Trial, held: ViewerState) -> bool:
    return isinstance(t.adapter, BoxAdapter) and held == ViewerState(ref=held.ref, enabled=False)


@check
async def a_block_keeps_the_account(harness: Harness) -> None:
    """A blocked account is still there with all it had; only the picture is gone."""
    async with trial(harness) as t:
        wished = await t.live()
        copies = await harness.copies(wished.ref)
        dark = await t.converge(replace(wished, enabled=False))
        assert await harness.copies(wished.ref) == copies, "rows are gone"
        held = await t.held(wished.ref)
        assert not held.enabled
        assert (held.packages, held.devices) == (dark.packages, dark.devices)


@check
async def scan_is_complete(harness: Harness) -> None:
    """A scan gives every account exactly once, over all pages, as observe would."""
    async with trial(harness) as t:
        if isinstance(t.adapter, BoxAdapter):
            raise SkipTest("a box lists nobody")
        await harness.crowd(CROWD_ACCOUNTS)
        wished: dict[str, ViewerState] = {}
        for index in range(len(harness.steps(harness.new_ref()))):
            state = await t.converge(harness.steps(harness.new_ref())[index])
            wished[state.ref] = state
        seen: dict[str, ViewerState] = {}
        async for state in t.adapter.scan():
            assert state.ref not in seen, f"{state.ref} came twice"
            seen[state.ref] = state
        assert len(seen) >= CROWD_ACCOUNTS + len(wished), f"only {len(seen)} came"
        assert {ref: seen.get(ref) for ref in wished} == wished


@check
async def drift_is_seen_and_repaired(harness: Harness) -> None:
    """A change made by hand is seen by observe and by any scan, and one apply repairs it."""
    async with trial(harness) as t:
        wished = await t.live()
        await harness.tamper(wished.ref)
        assert await t.adapter.observe(wished.ref) != wished, "the change is not seen"
        if isinstance(t.adapter, BoxAdapter):
            await t.converge(wished)
            return
        scanned = [state async for state in t.adapter.scan() if state.ref == wished.ref]
        assert scanned != [wished]
        await t.converge(wished)
        assert [s async for s in t.adapter.scan() if s.ref == wished.ref] == [wished]


@check
async def the_revision_is_never_compared(harness: Harness) -> None:
    """Another revision of the same rights is no difference, higher or lower."""
    async with trial(harness) as t:
        wished = await t.converge(replace(harness.steps(harness.new_ref())[0], revision=7))
        held = await t.held(wished.ref)
        assert held.revision == 7
        before = await counted(harness.changes)
        for revision in (6, 8):
            again = t.adapter.express(replace(wished, revision=revision))
            assert again == held, "the revision is a part of the state"
            await t.adapter.apply(again, held)
        assert await counted(harness.changes) == before


@check
async def accounts_do_not_touch_each_other(harness: Harness) -> None:
    """Changes to many accounts at once leave each as wished."""
    async with trial(harness) as t:
        refs = [harness.new_ref() for _ in range(8)]
        rounds = zip(*(harness.steps(ref) for ref in refs), strict=True)
        for steps in rounds:
            await asyncio.gather(*(t.converge(step) for step in steps))
        for ref in refs:
            await t.adapter.remove(ref)
