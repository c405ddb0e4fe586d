"""Checks of usage: every use is told once, by an id of its own, and a cursor goes on from there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from unittest import SkipTest

from gateway.adapters.conformance.book import check
from gateway.adapters.conformance.harness import Harness
from gateway.adapters.conformance.trial import Trial, counted, trial
from gateway.adapters.sdk import CURSOR_CHARS_MAX, USES_MAX, Metered, Use

PAGES_MAX = 1_000
SOME = 3
_TEXT = re.compile(r"[!-~]{1,80}")
_QUANTITY = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?")


def _metered(t: Trial) -> Metered:
    if not isinstance(t.adapter, Metered):
        raise SkipTest("nothing is counted at this target")
    return t.adapter


async def _read_on(adapter: Metered, since: str) -> tuple[Sequence[Use], str]:
    """Read all that is behind a cursor; gives it and the cursor behind it."""
    found: list[Use] = []
    for _ in range(PAGES_MAX):
        page = await adapter.usage(since)
        assert len(page.uses) <= USES_MAX, f"{len(page.uses)} uses in one page"
        assert len(page.cursor) <= CURSOR_CHARS_MAX, "the cursor is too long to be kept"
        assert page.cursor != since or not page.has_more, "there is more, and no way to it"
        found += page.uses
        since = page.cursor
        if not page.has_more:
            return found, since
    raise AssertionError(f"there is more after {PAGES_MAX} pages")


@check
async def every_use_is_told_once(harness: Harness) -> None:
    """Each use is told once, of the account that used, under an id, a meter and a time."""
    async with trial(harness) as t:
        adapter = _metered(t)
        _, since = await _read_on(adapter, "")
        mine, other = await t.live(), await t.live()
        await harness.use(mine.ref, SOME)
        await harness.use(other.ref, 1)
        found, _ = await _read_on(adapter, since)
        refs = sorted(one.ref for one in found)
        assert refs == sorted([mine.ref] * SOME + [other.ref]), f"told of {refs}"
        assert len({one.id for one in found}) == len(found), "two uses have one id"
        for one in found:
            assert _TEXT.fullmatch(one.id), f"{one.id!r} can be no id"
            assert _TEXT.fullmatch(one.meter), f"{one.meter!r} can be no meter"
            assert _QUANTITY.fullmatch(one.quantity), f"{one.quantity!r} is no quantity"
            assert one.used_at.tzinfo is not None, "a time without its zone"


@check
async def the_same_cursor_tells_the_same_uses(harness: Harness) -> None:
    """Read again from where it was read before, a target tells all of it again, by the same ids."""
    async with trial(harness) as t:
        adapter = _metered(t)
        _, since = await _read_on(adapter, "")
        await harness.use((await t.live()).ref, SOME)
        first, _ = await _read_on(adapter, since)
        await harness.use((await t.live()).ref, 1)
        again, _ = await _read_on(adapter, since)
        assert list(again[: len(first)]) == list(first), "the same cursor told something else"
        assert len(again) == len(first) + 1


@check
async def a_cursor_goes_on_where_it_was(harness: Harness) -> None:
    """Behind a cursor is what was used since then and nothing else; another process reads on."""
    async with trial(harness) as t:
        adapter = _metered(t)
        mine = await t.live()
        await harness.use(mine.ref, SOME)
        before, since = await _read_on(adapter, "")
        told, same = await _read_on(adapter, since)
        assert not told, "what was read is told again"
        await harness.use(mine.ref, 1)
        async with trial(harness) as other:
            fresh, _ = await _read_on(_metered(other), same)
        assert [one.ref for one in fresh] == [mine.ref]
        assert not {one.id for one in before} & {one.id for one in fresh}, "an id came again"


@check
async def reading_usage_changes_nothing(harness: Harness) -> None:
    """Accounts are held as before, and nothing was written, however often usage is read."""
    async with trial(harness) as t:
        adapter = _metered(t)
        mine = await t.live()
        await harness.use(mine.ref, 1)
        before = await counted(harness.changes)
        first, _ = await _read_on(adapter, "")
        assert [one.id for one in (await _read_on(adapter, ""))[0]] == [one.id for one in first]
        assert await counted(harness.changes) == before
        assert await t.held(mine.ref) == mine


@check
async def usage_is_told_in_pages(harness: Harness) -> None:
    """More uses than a page holds are told page by page, and none is left out."""
    async with trial(harness) as t:
        adapter = _metered(t)
        _, since = await _read_on(adapter, "")
        mine = await t.live()
        await harness.use(mine.ref, USES_MAX + 1)
        found, _ = await _read_on(adapter, since)
        assert len({one.id for one in found}) == USES_MAX + 1
