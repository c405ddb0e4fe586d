"""What is costly to find is found once for all who ask meanwhile, and never kept for long."""

import asyncio

from app.web.console.kept import AS_LONG_AS, AT_MOST_S, WORTH_S, Kept

COST_S = 5 * WORTH_S


class Finder:
    """Finds another number each time, after a while by its own clock; or fails."""

    def __init__(self, cost_s: float) -> None:
        self.cost_s = cost_s
        self.count = 0
        self.counted = asyncio.Event()
        self.is_away = False
        self.now_s = 0.0
        self.kept = Kept(self, lambda: self.now_s)

    async def __call__(self) -> int:
        """Find it."""
        await asyncio.sleep(0)
        self.now_s += self.cost_s
        self.count += 1
        self.counted.set()
        if self.is_away:
            raise RuntimeError("away")
        return self.count


async def test_all_who_ask_at_once_are_told_what_one_has_found():
    """Twenty who ask together cost as much as one."""
    find = Finder(COST_S)
    kept = find.kept
    assert set(await asyncio.gather(*(kept.get() for _ in range(20)))) == {1}
    assert find.count == 1


async def test_who_has_done_something_sees_it_done():
    """Asked to be fresh it is found anew, and that is what the others are told from then on."""
    kept = Finder(COST_S).kept
    assert await kept.get() == 1
    assert await kept.get(is_fresh=True) == 2
    assert await kept.get() == 2


async def test_what_costs_nothing_is_never_old():
    """One after the other each is told what is so now."""
    kept = Finder(0.0).kept
    assert [await kept.get() for _ in range(3)] == [1, 2, 3]


async def test_nobody_waits_while_it_is_found_anew_by_and_by():
    """Past its moment it is told once more as it was, and found for whoever asks next."""
    find = Finder(COST_S)
    kept = find.kept
    await kept.get()
    find.now_s += 1.4 * AS_LONG_AS * COST_S
    find.cost_s = 0.0
    find.counted.clear()
    assert await kept.get() == 1
    await find.counted.wait()
    assert await kept.get(is_fresh=True) == 3


async def test_what_is_too_old_is_waited_for():
    """Where nobody asked for long, it is found before it is told."""
    find = Finder(60.0)
    await find.kept.get()
    find.now_s += 2 * AT_MOST_S
    assert await find.kept.get() == 2


async def test_a_failure_is_not_kept():
    """Whoever asks after it failed asks anew."""
    find = Finder(0.0)
    kept = find.kept
    find.is_away = True
    results = await asyncio.gather(kept.get(), return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
    find.is_away = False
    assert await kept.get() == 2


async def test_what_nobody_waits_for_may_fail():
    """Found beside and failing it is told as before, until it is old; then it fails aloud."""
    find = Finder(COST_S)
    kept = find.kept
    await kept.get()
    find.now_s += 1.4 * AS_LONG_AS * COST_S
    find.cost_s, find.is_away = 0.0, True
    find.counted.clear()
    assert await kept.get() == 1
    await find.counted.wait()
    kept.close()
    results = await asyncio.gather(kept.get(is_fresh=True), return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
