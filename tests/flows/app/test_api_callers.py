"""Who may call the API: tokens with names and scopes, revoked at once, no faster than agreed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from app.cli.root import cli
from app.identity import tokens
from app.identity.tokens import Scope
from app.web.api.routes import API
from app.web.pacing import Pacer, per_second
from app.web.route import SAFE_METHODS
from terms.errors import Duplicate, Invalid, NotFound
from tests.flows.app.served import serving

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def added(house, name, scope=Scope.WRITE):
    """Make a token."""
    async with house.store.begin() as tx:
        now = house.clock.machine_now()
        return await tokens.add(tx, name, scope, actor="t", chance=house.chance, now=now)


async def asks(served, token, method="GET", path="/api/v1/work"):
    """Ask by a token: status and headers."""
    headers = {"Authorization": f"Bearer {token}"}
    status, _, answered = await served.raw(method, path, headers=headers)
    return status, answered


def test_tokens_are_made_listed_and_revoked_at_the_command_line(tmp_path, monkeypatch, sqlite_url):
    """A token is shown once; the list tells its scope and use; revoked, its name is free again."""
    monkeypatch.setenv("BOXOFFICE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BOXOFFICE_DATABASE_URL", sqlite_url)

    def run(*words):
        result = CliRunner().invoke(cli, ["token", *words])
        return result.exit_code, result.stdout, result.stderr

    code, token, _ = run("add", "crm", "--scope", "read")
    assert (code, token[:4]) == (0, "bxo_")
    assert "already" in run("add", "crm")[2]
    assert "read, write" in run("add", "erp", "--scope", "all")[2]
    assert run("add", "No Name")[0] == 1
    told = {one["name"]: one for one in json.loads(run("list", "--json")[1])}
    assert (told["crm"]["scope"], told["crm"]["last_used_at"]) == ("read", None)
    assert token.strip() not in run("list")[1]
    assert "never" in run("list")[1]
    assert run("revoke", "crm")[1] == "crm opens nothing any more\n"
    assert run("revoke", "crm")[0] == 1
    assert json.loads(run("add", "crm", "--json")[1])["scope"] == "write"


async def test_a_revoked_token_opens_nothing_at_once(counter):
    """Made, it opens; used, it is noted; revoked, the very next call is a stranger's."""
    house = counter.house
    token = await added(house, "crm")
    assert (await asks(counter, token))[0] == 200
    async with house.store.begin() as tx:
        (crm,) = [one for one in await tokens.listing(tx) if one.name == "crm"]
        assert crm.last_used_at is not None
        with pytest.raises(Duplicate):
            await tokens.add(tx, "crm", Scope.READ, actor="t", chance=house.chance, now=crm.made_at)
        await tokens.revoke(tx, "crm", actor="t", now=house.clock.machine_now())
    assert (await asks(counter, token))[0] == 401
    async with house.store.begin() as tx:
        with pytest.raises(NotFound):
            await tokens.revoke(tx, "crm", actor="t", now=house.clock.machine_now())
        with pytest.raises(Invalid):
            await tokens.add(tx, "é", Scope.READ, actor="t", chance=house.chance, now=AT)


async def test_a_token_that_may_look_changes_nothing(harbour, served):
    """Each route that changes something is closed to it, each that looks is open."""
    token = await added(harbour, "report", Scope.READ)
    for route in API:
        path = route.path.replace("{", "").replace("}", "")
        status, _ = await asks(served, token, route.method, path)
        assert (status == 403) == (route.method not in SAFE_METHODS), route.path
        assert status != 401


async def test_who_calls_too_often_waits_and_holds_up_nobody(harbour):
    """Beyond its pace a token gets 429 with the time to wait; another one is let in."""
    harbour.settings = harbour.settings.model_copy(update={"api_calls_per_s": 0.5})
    async with serving(harbour) as served:
        other = await added(harbour, "crm")
        assert (await asks(served, served.token))[0] == 200
        status, answered = await asks(served, served.token)
        assert (status, answered["Retry-After"]) == (429, "2")
        assert (await asks(served, other))[0] == 200


async def test_a_stranger_is_slowed_down_and_keeps_nobody_out(harbour, served, monkeypatch):
    """Wrong tokens of one address are answered 429 in the end; a known one is let in all along."""
    monkeypatch.setattr("app.web.callers.STRANGERS_PER_S", 0.1)
    async with serving(harbour) as hurried:
        assert (await asks(hurried, hurried.token))[0] == 200
        statuses = [(await asks(hurried, f"bxo_{n}"))[0] for n in range(5)]
        assert statuses == [401, 429, 429, 429, 429]
        assert (await asks(hurried, hurried.token))[0] == 200


def test_so_many_callers_are_remembered_at_most():
    """Who has not called for longest is forgotten; memory has an end."""
    pacer = Pacer(per_second(1, burst_s=1), keys_max=3)
    for n in range(5):
        assert not pacer.take(f"k{n}", AT)
    assert len(pacer._fresh_at) == 3
    assert pacer.take("k4", AT) == timedelta(seconds=1)
    assert not pacer.take("k0", AT)
    assert not pacer.wait("k4", AT + timedelta(seconds=1))
