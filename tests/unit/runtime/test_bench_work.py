"""The benchmark of the dirty rows does the same work on both sides; how fast is not tested."""

import pytest

from bench import work
from bench.work import BareSqlite, sqlite


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    """One round is enough to see that every row is completed."""
    monkeypatch.setattr(work, "ROUNDS", 1)


async def test_each_side_completes_every_row():
    """Ours and every bare loop complete what was marked, or the benchmark stops."""
    found = await sqlite()
    assert found.case == "sqlite"
    assert found.limit is not None
    assert found.ratio == pytest.approx(found.value / found.limit, rel=0.01)


async def test_a_side_that_leaves_rows_behind_is_caught(monkeypatch):
    """A loop that claims without completing is no limit to compare with."""

    async def lazy(self) -> int:
        return 0

    monkeypatch.setattr(BareSqlite, "documents", lazy)
    with pytest.raises(RuntimeError, match="0 of 2000"):
        await sqlite()
