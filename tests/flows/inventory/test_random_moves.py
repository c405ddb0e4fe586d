"""Whatever happens to boxes in whatever order: one holder each, and history tells the present."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.inventory import flows, stock, store
from gateway.inventory.flows import Activate, HandOver, Swap, TakeBack
from gateway.inventory.model import ALLOWED, HELD, Resource, ResourceState
from gateway.inventory.stock import Gone, Shelve
from runtime.store import Store
from terms.errors import DomainError
from terms.facts import Possession, PossessionChanged
from terms.ids import ServiceId
from tests.flows.inventory.shelf import ACTOR, DAY, Shelf

EXAMPLES = int(os.environ.get("BOXOFFICE_TEST_HISTORIES", "15"))
BOXES, HOUSEHOLDS = range(3), ("A", "B")
PLACES = ("warehouse", "ben")
boxes, households = st.sampled_from(BOXES), st.sampled_from(HOUSEHOLDS)
acts = st.one_of(
    st.tuples(st.just("hand_over"), boxes, households),
    st.tuples(st.sampled_from(["activate", "take_back", "lose", "find"]), boxes),
    st.tuples(st.sampled_from(["restock", "shift"]), boxes, st.sampled_from(PLACES)),
    st.tuples(st.just("swap"), boxes, boxes),
    st.tuples(st.just("scrap"), boxes),
)
_names = count(1)


class Life:
    """A few boxes and households of their own in one inventory."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.name = f"L{next(_names)}"
        self.serials = [f"{self.name}-{n}" for n in BOXES]
        self.boxes: list[Resource] = []

    async def live(self, steps: list[tuple]) -> None:
        """Take every step that is allowed; look at everything after each."""
        self.boxes = await self.shelf.boxes(*self.serials)
        for step in steps:
            with suppress(DomainError):
                async with self.shelf.store.begin() as tx:
                    await getattr(self, f"_{step[0]}")(tx, *step[1:])
            await self.check()

    async def _hand_over(self, tx, n, household):
        service = ServiceId(f"{self.name}{household}")
        move = HandOver(resource=self.boxes[n].id, service=service, on=DAY, actor=ACTOR)
        await flows.hand_over(tx, self.shelf.work, [move])

    async def _activate(self, tx, n):
        move = Activate(resource=self.boxes[n].id, on=DAY, actor=ACTOR)
        await flows.activate(tx, self.shelf.work, [move])

    async def _take_back(self, tx, n):
        await flows.take_back(tx, self.shelf.work, [self._back(n)])

    async def _find(self, tx, n):
        await stock.find(tx, self.shelf.work, [self._back(n)])

    async def _lose(self, tx, n):
        await stock.lose(tx, self.shelf.work, [self._gone(n)])

    async def _scrap(self, tx, n):
        await stock.scrap(tx, self.shelf.work, [self._gone(n)])

    async def _restock(self, tx, n, place):
        move = Shelve(resource=self.boxes[n].id, actor=ACTOR, place=place)
        await stock.restock(tx, self.shelf.work, [move])

    async def _shift(self, tx, n, place):
        move = Shelve(resource=self.boxes[n].id, actor=ACTOR, place=place)
        await stock.shift(tx, self.shelf.work, [move])

    async def _swap(self, tx, old, new):
        move = Swap(old=self.boxes[old].id, new=self.boxes[new].id, on=DAY, actor=ACTOR)
        await flows.swap(tx, self.shelf.work, [move])

    def _back(self, n: int) -> TakeBack:
        return TakeBack(resource=self.boxes[n].id, on=DAY, actor=ACTOR)

    def _gone(self, n: int) -> Gone:
        return Gone(resource=self.boxes[n].id, on=DAY, actor=ACTOR)

    async def check(self) -> None:
        """Compare the rows with their history and with what billing was told."""
        async with self.shelf.store.read() as tx:
            now = await store.by_serial(tx, self.serials)
            lines = {serial: await store.history(tx, serial) for serial in self.serials}
        assert len(now) == len(BOXES)
        for serial, box in now.items():
            check_history(box, lines[serial])
        held = {(box.service, box.id) for box in now.values() if box.is_held}
        ours = [one for one in await self.shelf.facts() if one.service.startswith(self.name)]
        assert held_by(ours) == held


def check_history(box: Resource, lines: list[store.Line]) -> None:
    """The steps are numbered without a gap, each was allowed, the last one is what is now."""
    assert [line.n for line in lines] == list(range(box.moves + 1))
    last = lines[-1]
    assert (last.state, last.service, last.place) == (box.state, box.service, box.place)
    assert lines[0].state is ResourceState.IN_STOCK
    for before, after in pairwise(lines):
        if after.action == "move":
            assert after.state is before.state
        else:
            assert after.state in ALLOWED[before.state]
    for line in lines:
        is_with_somebody = line.state in HELD
        assert is_with_somebody <= (line.service is not None)
        assert line.service is None or is_with_somebody or line.state is ResourceState.LOST


def held_by(facts: list[PossessionChanged]) -> set[tuple]:
    """Who holds which box, by the facts alone; no box ever has two holders."""
    held: dict[str, ServiceId] = {}
    for fact in facts:
        match fact.kind:
            case Possession.HANDED_OVER:
                assert fact.resource not in held
                held[fact.resource] = fact.service
            case Possession.SWAPPED:
                assert fact.resource not in held
                assert fact.old_resource is not None
                assert held.pop(fact.old_resource) == fact.service
                held[fact.resource] = fact.service
            case Possession.RETURNED | Possession.LOST:
                assert held.pop(fact.resource) == fact.service
            case Possession.ACTIVATED:
                assert held[fact.resource] == fact.service
            case Possession.FOUND:
                assert fact.resource not in held
    return {(service, resource) for resource, service in held.items()}


@contextmanager
def lives(url: str) -> Iterator[Callable[[list[tuple]], None]]:
    """Open a store on a loop of its own; each call lives one life in it."""
    loop = asyncio.new_event_loop()
    opened = Store(url)
    shelf = Shelf(opened)
    try:
        yield lambda steps: loop.run_until_complete(Life(shelf).live(steps))
    finally:
        loop.run_until_complete(opened.close())
        loop.close()


@pytest.mark.timeout(120)
def test_random_moves_never_make_two_holders(migrated_url):
    """Boxes are with one household or none, stock is never double, and facts say the same."""
    with lives(migrated_url) as live:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(acts, min_size=5, max_size=25))
        def any_life(steps):
            live(steps)

        any_life()
