"""What is costly to find is found once for all who ask meanwhile, and never kept for long."""

import asyncio

from app.web.console.kept import AT_MOST_S, WORTH_S, Kept


class Finder:
    """Finds another number each time, after a while."""

    def __init__(self, cost_s: float) -> None:
        self.cost_s = cost_s
        self.count = 0

    async def __call__(self) -> int:
        """Find it."""
        await asyncio.sleep(self.cost_s)
        self.count += 1
        return self.count


async def test_all_who_ask_at_once_are_told_what_one_has_found():
    """Twenty who ask together cost as much as one."""
    find, kept = Finder(5 * WORTH_S), Kept[int]()
    assert set(await asyncio.gather(*(kept.get(find) for _ in range(20)))) == {1}
    assert find.count == 1


async def test_who_has_done_something_sees_it_done():
    """Asked to be fresh it is found anew, and that is what the others are told from then on."""
    find, kept = Finder(5 * WORTH_S), Kept[int]()
    assert await kept.get(find) == 1
    assert await kept.get(find, is_fresh=True) == 2
    assert await kept.get(find) == 2


async def test_what_costs_nothing_is_never_old():
    """One after the other each is told what is so now."""
    find, kept = Finder(0.0), Kept[int]()
    assert [await kept.get(find) for _ in range(3)] == [1, 2, 3]


async def test_a_failure_is_not_kept():
    """Whoever asks after it failed asks anew."""
    kept = Kept[int]()

    async def fail() -> int:
        raise RuntimeError("away")

    find = Finder(0.0)
    results = await asyncio.gather(kept.get(fail), return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
    assert await kept.get(find) == 1
    assert AT_MOST_S < 60
