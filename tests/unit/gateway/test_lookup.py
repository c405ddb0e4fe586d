"""What many ask for at once is read together, and never from before somebody asked."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from gateway.provisioning import lookup
from gateway.provisioning.lookup import Lookup


class Counted(Lookup[str]):
    """A lookup whose query is a gate that the test opens."""

    def __init__(self) -> None:
        super().__init__(self._answers)
        self.batches: list[Sequence[str]] = []
        self.gate = asyncio.Event()
        self.answers: dict[str, str] = {}
        self.error: Exception | None = None

    async def _answers(self, keys: Iterable[str]) -> Mapping[str, str]:
        found = dict(self.answers)
        self.batches.append(sorted(keys))
        await self.gate.wait()
        if self.error:
            raise self.error
        return found


async def begun(look: Counted, batches: int) -> None:
    """Wait until so many queries have begun."""
    async with asyncio.timeout(30):
        while len(look.batches) < batches:  # noqa: ASYNC110 - a query of a test rings no bell
            await asyncio.sleep(0)


async def test_who_comes_while_a_query_runs_is_answered_by_the_next_one():
    """The first goes alone, the others together; each is told what stands after he asked."""
    look = Counted()
    look.answers = {"a": "old"}
    first = asyncio.create_task(look.find("a"))
    await begun(look, 1)
    look.answers = {"a": "new", "b": "B"}
    others = [asyncio.create_task(look.find(ref)) for ref in ("b", "a", "c", "b")]
    await asyncio.sleep(0)
    look.gate.set()
    assert await first == "old"
    assert await asyncio.gather(*others) == ["B", "new", None, "B"]
    assert look.batches == [["a"], ["a", "b", "c"]]


async def test_a_query_that_fails_fails_for_those_who_asked_and_nobody_else():
    """The database is away for one query, and back for the next."""
    look = Counted()
    look.gate.set()
    look.error = OSError("away")
    results = await asyncio.gather(look.find("a"), look.find("b"), return_exceptions=True)
    assert [str(one) for one in results] == ["away", "away"]
    look.error = None
    assert await look.find("a") is None


async def test_one_who_gives_up_takes_nobody_with_him(monkeypatch):
    """A caller is cancelled; another who asked for the same gets his answer."""
    monkeypatch.setattr(lookup, "GAP_S", 0.0)
    look = Counted()
    look.answers = {"a": "A"}
    gone, patient = (asyncio.create_task(look.find("a")) for _ in range(2))
    await begun(look, 1)
    gone.cancel()
    look.gate.set()
    assert await patient == "A"
