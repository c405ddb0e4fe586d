"""The same product on PostgreSQL: import, sign up, bill, look at every page."""

from __future__ import annotations

import pytest

from app.imports.load import import_paths
from app.settings import Settings
from app.shape import bring_up, open_house
from tests.flows.app.served import (
    ENVIRONMENT,
    HARBOUR,
    HARBOUR_BEGINS,
    at_work,
    go_to,
    rest,
    serving,
)
from tests.flows.app.visitor import let_in


@pytest.fixture
async def house(fresh_postgres, tmp_path):
    """A house on a PostgreSQL of its own."""
    settings = Settings(data_dir=tmp_path, database_url=fresh_postgres, allow_time_travel=True)
    await bring_up(settings)
    async with open_house(settings) as opened:
        yield opened


async def test_the_story_is_the_same_there(house):
    """What works on the embedded database works on the shared one, page by page."""
    await go_to(house, HARBOUR_BEGINS)
    outcome = await import_paths(house, [HARBOUR], ENVIRONMENT)
    assert list(outcome.problems) == []
    again = await import_paths(house, [HARBOUR], ENVIRONMENT)
    assert again.unchanged["subscribers.csv"] == 25
    async with serving(house) as served, at_work(house):
        order = {"contract": "300001", "name": "Flat 1", "plan": "HARBOUR", "addons": ["SPORT"]}
        assert (await served.api("POST", "accounts", order))[0] == 201
        await rest(house, "settle", "compose")
        _, account = await served.api("GET", "accounts/300001")
        assert account["state"] == "pending"
        cash = {"amount": account["owed"]["text"], "reference": "R-1"}
        taken = (201, {"taken": True, "receipt": "RCT-00000001"})
        assert await served.api("POST", "accounts/300001/payments", cash) == taken
        await rest(house, "settle", "compose")
        _, account = await served.api("GET", "accounts/300001")
        assert (account["state"], account["owed"]["amount_minor"]) == ("active", 0)
        _, page = await served.api("GET", "accounts?search=flat")
        assert [one["contract"] for one in page["items"]] == ["300001"]
        for path in ("work", "parked", "orders", "targets", "drift", "clock"):
            assert (await served.api("GET", path))[0] == 200, path
        owner = await let_in(served)
        for path in ("", "accounts", "accounts/300001"):
            assert (await owner.get(f"/console/{path}")).status == 200, path
        assert (await served.raw("GET", "/readyz"))[0] == 200
        assert (await served.raw("GET", "/metrics"))[0] == 200
