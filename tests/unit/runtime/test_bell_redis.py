"""The bell between processes while its Redis is flushed, killed, frozen or was never there."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from runtime.bell import redis as make
from runtime.bell.redis import RINGS_MAX, STREAM, RedisBell, rings_of
from runtime.chance import SystemChance
from runtime.clock import utc_now
from runtime.metrics import metrics
from tests.services.redis import RedisServer

SOON_S = 30.0
BLINK_S = 1.0  # far less than any deadline of the wire


def bell_at(server: RedisServer) -> RedisBell:
    """Make a bell for a server."""
    return RedisBell(server.url, machine_now=utc_now, chance=SystemChance())


@pytest.fixture
async def bells(redis_server: RedisServer) -> AsyncIterator[tuple[RedisBell, RedisBell]]:
    """Return two bells of a server of their own, which does not run yet."""
    both = (bell_at(redis_server), bell_at(redis_server))
    for each in both:
        each.begin()
    yield both
    for each in both:
        await each.close()


async def until_up(*bells: RedisBell, up: bool = True) -> None:
    """Wait until bells are connected, or are not."""
    async with asyncio.timeout(SOON_S):
        while not all(bell.is_up is up for bell in bells):  # noqa: ASYNC110 - over a socket
            await asyncio.sleep(0.01)


def rings_timed() -> float:
    """How many rings of others were timed so far."""
    told = dict(one.rsplit(" ", 1) for one in metrics().decode().splitlines() if one[:1] != "#")
    return float(told["boxoffice_ring_seconds_count"])


async def check_rings(rung: RedisBell, heard: RedisBell, kind: str) -> None:
    """What one rings the other hears, timed; reconnecting wakes everybody, which is no proof."""
    while await heard.wait(kind, 0):
        pass
    before = rings_timed()
    rung.ring([kind])
    assert await heard.wait(kind, SOON_S)
    assert rings_timed() > before


async def test_absent_from_the_start_it_rings_within_its_process(bells, redis_server):
    """Nobody waits for Redis; when it comes, rings go everywhere, and the log says so once."""
    rung, heard = bells
    with capture_logs() as logs:
        await asyncio.sleep(1.5)  # several tries
        rung.ring(["a"])
        assert await rung.wait("a", 0)
        assert not await heard.wait("a", 0)
        redis_server.start()
        await until_up(rung, heard)
        await check_rings(rung, heard, "b")
    told = [one["event"] for one in logs]
    assert told.count("bell.down") <= 2
    assert told.count("bell.up") == 2
    assert all(one["after_s"] > 0 for one in logs if one["event"] == "bell.up")


async def test_what_was_rung_while_it_was_away_is_sent_when_it_comes(bells, redis_server):
    """Rings that could not be sent are sent later, as one."""
    rung, heard = bells
    assert not await heard.wait("a", 0)
    for _ in range(1_000):
        rung.ring(["a", "b"])
    redis_server.start()
    await until_up(heard)
    assert await heard.wait("a", SOON_S)


async def test_flushed_it_rings_on(bells, redis_server):
    """Nothing has to be made anew after Redis has forgotten everything."""
    rung, heard = bells
    redis_server.start()
    await until_up(rung, heard)
    for kind in ("a", "b", "c"):
        await check_rings(rung, heard, kind)
        assert redis_server.say("FLUSHALL") == "+OK"
        # Places in a stream are milliseconds: a ring in the same one has the place of the last.
        await asyncio.sleep(0.01)
    await check_rings(rung, heard, "d")


async def test_killed_and_restarted_empty_it_rings_again_and_wakes_everybody(bells, redis_server):
    """Whoever waited is woken once, as nobody knows what was rung meanwhile."""
    rung, heard = bells
    redis_server.start()
    await until_up(rung, heard)
    assert not await heard.wait("missed", 0)
    with capture_logs() as logs:
        redis_server.kill()
        await until_up(rung, heard, up=False)
        await asyncio.sleep(1)
        redis_server.start()
        await until_up(rung, heard)
    assert await heard.wait("missed", SOON_S)
    await check_rings(rung, heard, "a")
    events = sorted(one["event"] for one in logs)
    assert events == ["bell.down", "bell.down", "bell.up", "bell.up"]


async def test_frozen_it_holds_up_nobody(bells, redis_server, monkeypatch):
    """A server that answers nothing delays no ringer; it is noticed, and found again."""
    rung, heard = bells
    redis_server.start()
    await until_up(rung, heard)
    redis_server.freeze()
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    for _ in range(1_000):
        rung.ring(["a"])
        assert await rung.wait("a", 0)
        await asyncio.sleep(0)
    assert loop.time() - began_at < BLINK_S
    await until_up(rung, heard, up=False)
    redis_server.thaw()
    await until_up(rung, heard)
    await check_rings(rung, heard, "b")


async def test_it_is_closed_in_the_moment_it_wakes(redis_server, monkeypatch):
    """A process that slept longer than it listens is told to end, and its time is out as well."""
    monkeypatch.setattr(make, "BLOCK_S", 0.05)
    monkeypatch.setattr(make, "SILENT_S", 0.05)
    redis_server.start()
    for steps in range(5):
        woken = bell_at(redis_server)
        woken.begin()
        await until_up(woken)
        await asyncio.sleep(0.01)
        time.sleep(0.2)  # noqa: ASYNC251 - the whole process sleeps
        for _ in range(steps):
            await asyncio.sleep(0)
        async with asyncio.timeout(SOON_S):
            await woken.close()


async def test_the_stream_stays_small_and_holds_kinds_alone(bells, redis_server):
    """However often it is rung, about so many rings are kept; none has a key or a number in it."""
    rung, heard = bells
    redis_server.start()
    await until_up(rung, heard)
    async with Redis.from_url(redis_server.url, protocol=2, decode_responses=True) as client:
        for number in range(3 * RINGS_MAX):
            await client.xadd(STREAM, {"kinds": f"k{number % 7}"})
        await check_rings(rung, heard, "settle")
        assert await client.xlen(STREAM) <= 1.2 * RINGS_MAX
        found: Any = await client.xrevrange(STREAM, count=1)
        ((_, newest),) = found
    assert newest.keys() == {"kinds", "from", "at"}
    assert newest["kinds"] == "settle"


async def test_whatever_lies_in_the_stream_harms_nobody(bells, redis_server):
    """Entries of others, with other fields or none that can be read, are passed over."""
    rung, heard = bells
    redis_server.start()
    await until_up(rung, heard)
    async with Redis.from_url(redis_server.url, protocol=2) as client:
        await client.xadd(STREAM, {b"\xff": b"\xfe"})
        await client.xadd(STREAM, {"at": "never", "from": ""})
    await check_rings(rung, heard, "a")
    assert heard.is_up


async def test_the_last_ring_before_the_end_is_sent(redis_server):
    """A command that rings and ends at once is heard all the same."""
    redis_server.start()
    heard = bell_at(redis_server)
    assert not await heard.wait("a", 0)
    await until_up(heard)
    rung = bell_at(redis_server)
    rung.ring(["a"])
    await rung.close()
    assert await heard.wait("a", SOON_S)
    await heard.close()


async def test_the_end_waits_for_no_absent_redis(redis_server):
    """A command ends within a moment where there is no Redis."""
    rung = bell_at(redis_server)
    rung.ring(["a"])
    async with asyncio.timeout(make.FLUSH_S + make.CLOSE_S + BLINK_S * 5):
        await rung.close()


async def test_answers_have_the_shape_that_is_read(redis_server):
    """What XREAD answers with is pinned: entries, and nothing at all."""
    redis_server.start()
    async with Redis.from_url(redis_server.url, protocol=2, decode_responses=True) as client:
        first = await client.xadd(STREAM, {"kinds": "a"})
        answer = await client.xread({STREAM: "0-0"})
        assert answer == [[STREAM, [(first, {"kinds": "a"})]]]
        assert rings_of(answer) == [(first, {"kinds": "a"})]
        assert rings_of(await client.xread({STREAM: first})) == []
