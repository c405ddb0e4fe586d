"""A letter on its way to a mail address, over real SMTP: once, in time, sealed, or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from messages import store as deliveries
from messages.deliver import Deliver
from messages.letters.channel import Post
from messages.letters.model import Letter
from messages.letters.paper import Sender
from messages.letters.server import MailServer
from messages.letters.store import KIND, Letters
from messages.model import Outcome
from messages.smtp import Smtp
from runtime.clock import Clock, utc_now
from runtime.crash import AT, LOG
from runtime.secrets import Sealer
from runtime.work import Lane, Work
from terms.errors import Unauthorized, Unreachable
from terms.ids import ServiceId
from tests.services.certificates import Authority
from tests.services.forks import ROOT
from tests.simulators.process import start_simulator

CODE = "428117"
SENDER = Sender.parse("mail_from", "Box TV <tv@box.example>")
KEY = bytes(range(32))
DEADLINE_S = 20.0  # on a machine with better things to do
HASTY_S = 1.0


@pytest.fixture(scope="module")
def _catcher():
    with start_simulator("mail") as running:
        yield running


@pytest.fixture
def catcher(_catcher):
    """A mail catcher that has caught nothing."""
    _catcher.admin("/reset", {})
    return _catcher


@pytest.fixture
def work(store, clock, chance):
    """Dirty rows over the store."""
    return Work(store, clock, chance)


@pytest.fixture
def letters(work):
    """Where letters wait."""
    return Letters(work, Sealer([KEY]))


@pytest.fixture
def lane(store, work, letters, catcher):
    """The lane of letters to the catcher."""
    return lane_to(store, work, letters, catcher.url)


def lane_to(store, work, letters, url, deadline_s=DEADLINE_S):
    """Make the lane of letters to a mail server."""
    post = Post(letters, mail_to(url, deadline_s))
    return Lane(work, KIND, Deliver(store, work, post).handle)


def lane_under(spec, store, work, letters, url):
    """Make the lane that suffers a fault: only of silence is there nothing but a short wait."""
    deadline_s = HASTY_S if "silen" in spec else DEADLINE_S
    return lane_to(store, work, letters, url, deadline_s)


def mail_to(url, deadline_s=DEADLINE_S):
    """Make the way to a mail server."""
    server = MailServer.parse("smtp_url", url)
    return Smtp(server, SENDER, deadline_s=deadline_s, machine_now=utc_now)


def letter_at(now, *, id_="code-1", to="mira@example.org", minutes=10, service=None):
    """Make a letter with a code that may wait some minutes."""
    return Letter(
        id=id_,
        to=to,
        kind="sign_in_code",
        subject="Ihr Code für Box TV",
        text=f"Schönen Gruß! Your code is {CODE}.\n",
        not_after=now + timedelta(minutes=minutes),
        service=service,
    )


async def post(store, letters, *posted):
    """Post letters as any story does, in its own transaction."""
    async with store.begin() as tx:
        await letters.post(tx, posted)


async def outcome(store, id_="code-1"):
    """What became of a letter."""
    async with store.read() as tx:
        return (await deliveries.outcomes(tx, [id_])).get(id_)


async def why(store):
    """Why the newest delivery ended as it did."""
    async with store.read() as tx:
        (newest,) = await deliveries.latest(tx, rows_max=1)
    return newest.why


async def at_rest(store):
    """Everything that lies in the tables of letters, deliveries and work."""
    async with store.read() as tx:
        rows = []
        for table in ("letter", "delivery", "work"):
            rows += [str(tuple(row)) for row in await tx.rows(sql(f"SELECT * FROM {table}"))]
        return "\n".join(rows)


async def letters_left(store):
    """How many letters still hold what they said."""
    async with store.read() as tx:
        return await tx.scalar(sql("SELECT count(*) FROM letter"))


async def caught(catcher):
    """What has arrived."""
    return (await catcher.aadmin("/state"))["mails"]


async def injured(catcher, spec):
    """Put faults into force instead of those before."""
    await catcher.aadmin("/faults", {"clear": True, "spec": spec})


async def test_a_letter_arrives_once_and_is_wiped(store, work, letters, lane, catcher):
    """It is read as it was written, however often it is posted; then nothing holds its text."""
    letter = letter_at(work.clock.machine_now(), service=ServiceId("S1"))
    await post(store, letters, letter)
    assert CODE not in await at_rest(store)
    assert await lane.turn() == 1
    await post(store, letters, letter)
    assert await lane.turn() == 1
    (mail,) = await caught(catcher)
    assert mail["to"] == ["mira@example.org"]
    assert mail["from"] == "tv@box.example"
    assert (mail["subject"], mail["text"]) == (letter.subject, letter.text)
    assert mail["headers"]["Message-ID"] == "<code-1@box.example>"
    assert await outcome(store) is Outcome.SENT
    assert await letters_left(store) == 0
    assert not await work.claim(KIND)


async def test_the_history_tells_of_it_without_its_text(store, work, letters, lane):
    """The record has kind, address, household and times; neither subject nor text."""
    await post(store, letters, letter_at(work.clock.machine_now(), service=ServiceId("S1")))
    await lane.turn()
    async with store.read() as tx:
        (told,) = await deliveries.latest(tx, rows_max=5, service=ServiceId("S1"))
    assert (told.kind, told.to, told.text) == ("sign_in_code", "mira@example.org", "")
    assert told.ended_at is not None
    assert CODE not in await at_rest(store)
    assert "Ihr Code" not in await at_rest(store)


async def test_a_letter_that_is_not_committed_is_never_sent(store, letters, work, lane, catcher):
    """It belongs to the transaction that posts it."""
    with pytest.raises(RuntimeError):
        async with store.begin() as tx:
            await letters.post(tx, [letter_at(work.clock.machine_now())])
            raise RuntimeError
    assert await lane.turn() == 0
    assert await caught(catcher) == []


PASSING = ["down", "crowded", "banner_silence", "throttled", "error:421", "error:450:match=DATA"]


@pytest.mark.parametrize("spec", PASSING)
async def test_what_was_certainly_not_taken_is_sent_later(
    store, work, letters, lane, catcher, machine, spec
):
    """A server that is away or says "not now" gets the letter when it takes it, once."""
    await post(store, letters, letter_at(work.clock.machine_now()))
    await injured(catcher, spec)
    assert await lane_under(spec, store, work, letters, catcher.url).turn() == 1
    assert await outcome(store) is Outcome.WAITING
    assert await lane.turn() == 0
    assert CODE not in await at_rest(store)
    await injured(catcher, "")
    machine.forward(timedelta(seconds=5))
    assert await lane.turn() == 1
    assert await outcome(store) is Outcome.SENT
    assert len(await caught(catcher)) == 1
    assert await letters_left(store) == 0


@pytest.mark.parametrize(
    ("spec", "reason"),
    [("refused:no such person", "550"), ("error:552:match=DATA", "552")],
)
async def test_a_refusal_ends_it(store, work, letters, lane, catcher, spec, reason):
    """What the server will never take has failed, with its words; nothing is kept of it."""
    await post(store, letters, letter_at(work.clock.machine_now()))
    await injured(catcher, spec)
    await lane.turn()
    assert await outcome(store) is Outcome.FAILED
    assert reason in await why(store)
    assert await caught(catcher) == []
    assert await letters_left(store) == 0


@pytest.mark.parametrize("spec", ["lost", "silent", "reset", "half", "garbage"])
async def test_a_lost_answer_is_never_asked_for_again(store, work, letters, lane, catcher, spec):
    """Where the text was sent and no answer came, it is unknown, and not sent again."""
    await post(store, letters, letter_at(work.clock.machine_now()))
    await injured(catcher, spec)
    await lane_under(spec, store, work, letters, catcher.url).turn()
    assert await outcome(store) is Outcome.UNKNOWN
    await injured(catcher, "")
    await post(store, letters, letter_at(work.clock.machine_now()))
    await lane.turn()
    assert len(await caught(catcher)) == (1 if spec in {"lost", "half"} else 0)
    assert await letters_left(store) == 0


async def test_a_slow_answer_within_the_limit_is_an_answer(store, work, letters, lane, catcher):
    """Slow is not lost."""
    await post(store, letters, letter_at(work.clock.machine_now()))
    await injured(catcher, "slow:50ms")
    await lane.turn()
    assert await outcome(store) is Outcome.SENT


async def test_a_late_letter_is_dropped(store, work, letters, lane, catcher, machine):
    """A code of yesterday is not sent today, whether it was tried before or not."""
    now = work.clock.machine_now()
    await injured(catcher, "down")
    await post(store, letters, letter_at(now, id_="tried"))
    await lane.turn()
    await post(store, letters, letter_at(now, id_="never-tried"))
    await injured(catcher, "")
    machine.forward(timedelta(minutes=11))
    await lane.turn()
    assert [await outcome(store, id_) for id_ in ("tried", "never-tried")] == [Outcome.LATE] * 2
    assert await caught(catcher) == []
    assert await letters_left(store) == 0


async def test_one_address_that_is_refused_stops_nobody_else(store, work, letters, lane, catcher):
    """The others of a batch arrive."""
    now = work.clock.machine_now()
    await injured(catcher, "refused:match=bad")
    names = ["a", "bad", "c", "d", "e", "f"]
    posted = [letter_at(now, id_=name, to=f"{name}@example.org") for name in names]
    await post(store, letters, *posted)
    while await lane.turn():
        pass
    assert await outcome(store, "bad") is Outcome.FAILED
    found = sorted(mail["to"][0] for mail in await caught(catcher))
    assert found == sorted(f"{name}@example.org" for name in names if name != "bad")


async def test_without_a_mail_server_a_letter_says_so(store, work, letters):
    """It ends at once, with the reason, and is wiped."""
    lane = Lane(work, KIND, Deliver(store, work, Post(letters, None)).handle)
    await post(store, letters, letter_at(work.clock.machine_now()))
    await lane.turn()
    assert await outcome(store) is Outcome.FAILED
    assert await why(store) == "no mail is configured"
    assert await letters_left(store) == 0


async def test_another_master_key_opens_no_letter(store, work, letters, catcher):
    """A letter whose key is gone fails; once sealed anew, the new key alone opens it."""
    await post(store, letters, letter_at(work.clock.machine_now()))
    fresh = bytes(reversed(KEY))
    async with store.begin() as tx:
        assert await Letters(work, Sealer([fresh, KEY])).seal_anew(tx) == 1
    await post(store, letters, letter_at(work.clock.machine_now(), id_="code-2"))
    lane = lane_to(store, work, Letters(work, Sealer([fresh])), catcher.url)
    await lane.turn()
    assert await outcome(store, "code-1") is Outcome.SENT
    assert await outcome(store, "code-2") is Outcome.FAILED


async def test_a_mark_without_a_letter_is_parked(store, work, lane):
    """Work for a letter that nobody wrote is set aside with the reason."""
    async with store.begin() as tx:
        await work.mark(tx, KIND, ["ghost"])
    await lane.turn()
    async with store.begin() as tx:
        assert await work.release(tx, KIND, ["ghost"]) == 1


async def test_a_letter_whose_row_of_work_is_lost_is_found(store, work, letters, lane, catcher):
    """What waits is never forgotten, nor does what it says stay behind."""
    await post(store, letters, letter_at(work.clock.machine_now()))
    async with store.begin() as tx:
        await tx.execute(sql("DELETE FROM work"))
    assert await lane.turn() == 0
    async with store.begin() as tx:
        await letters.mark_lost(tx)
    assert await lane.turn() == 1
    assert len(await caught(catcher)) == 1
    assert await letters_left(store) == 0


WORKER = """
import asyncio, sys
from datetime import timedelta
from messages.deliver import Deliver
from messages.letters.channel import Post
from messages.letters.store import KIND, Letters
from runtime.chance import SystemChance
from runtime.clock import Clock, utc_now
from runtime.secrets import Sealer
from runtime.store import Store
from runtime.work import Lane, Work
from tests.flows.app.test_letters import KEY, mail_to

async def main(database, server):
    store = Store(database)
    work = Work(store, Clock(utc_now), SystemChance(), lease=timedelta(milliseconds=200))
    post = Post(Letters(work, Sealer([KEY])), mail_to(server))
    await Lane(work, KIND, Deliver(store, work, post).handle).turn()
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(("point", "arrived"), [("after_record", 0), ("after_send", 1)])
async def test_killed_on_the_way_it_is_not_sent_again(
    store, migrated_url, letters, catcher, chance, tmp_path, point, arrived
):
    """A worker killed before or after it has sent leaves "unknown", and no second letter."""
    await post(store, letters, letter_at(utc_now()))
    reached = tmp_path / "reached"
    ended = await worker(migrated_url, catcher.url, {AT: point, LOG: str(reached)})
    assert ended == -signal.SIGKILL
    assert reached.read_text("utf-8").split() == [point]
    assert await outcome(store) is Outcome.BEGUN
    heir = Work(store, Clock(utc_now), chance)
    lane = lane_to(store, heir, letters, catcher.url)
    async with asyncio.timeout(30):
        while await outcome(store) is Outcome.BEGUN:
            await lane.turn()
    assert await outcome(store) is Outcome.UNKNOWN
    assert len(await caught(catcher)) == arrived
    assert await letters_left(store) == 0


async def worker(database, server, environment):
    """Run one turn of the lane as a process of its own and tell how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, database, server),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    return await process.wait()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Somebody who vouches for servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def secure(folder, tls, paths):
    """Run a catcher that hides talks and asks for a login."""
    certificate, key = paths
    state = folder / "state.json"
    state.write_text(
        f'{{"user": "box", "password": "s3cret", "tls": "{tls}", '
        f'"certificate": "{certificate}", "key": "{key}"}}'
    )
    with start_simulator("mail", "--state", state) as running:
        yield running


def with_login(url, password="s3cret"):
    """Put the login into an address."""
    return url.replace("://", f"://box:{password}@")


@pytest.mark.parametrize("tls", ["asked", "at_once"])
async def test_a_talk_is_hidden_from_a_server_that_is_vouched_for(
    authority, tmp_path, monkeypatch, clock, tls
):
    """Over TLS we sign in and are heard; with a wrong password nothing is taken, and we say so."""
    with secure(tmp_path, tls, authority.vouch("127.0.0.1")) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        await mail_to(with_login(server.url), 5).send(letter_at(clock.machine_now()))
        (mail,) = await caught(server)
        assert (mail["over_tls"], mail["user"]) == (True, "box")
        await mail_to(with_login(server.url), 5).probe()
        with pytest.raises(Unauthorized, match="535"):
            await mail_to(with_login(server.url, "wrong"), 5).send(letter_at(clock.machine_now()))
        assert len(await caught(server)) == 1


@pytest.mark.parametrize("tls", ["asked", "at_once"])
@pytest.mark.parametrize("wrong", ["unknown", "of another"])
async def test_a_wrong_certificate_ends_the_talk(
    authority, tmp_path, monkeypatch, clock, tls, wrong
):
    """Neither login nor letter goes to a server whose certificate does not fit."""
    address = "127.0.0.1" if wrong == "unknown" else "127.0.0.9"
    with secure(tmp_path, tls, authority.vouch(address)) as server:
        if wrong == "of another":
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        with pytest.raises(Unreachable, match="certificate") as caught_error:
            await mail_to(with_login(server.url), 5).send(letter_at(clock.machine_now()))
        assert caught_error.value.is_untouched
        calls = (await server.aadmin("/counters"))["calls"]
        assert not {"AUTH", "RCPT", "DATA"} & calls.keys()


async def test_a_server_without_tls_is_not_talked_to(catcher, clock):
    """Where the address asks for STARTTLS, a server that has none gets nothing."""
    url = catcher.url.replace("smtp+plain", "smtp")
    with pytest.raises(Unreachable, match="STARTTLS") as caught_error:
        await mail_to(url).send(letter_at(clock.machine_now()))
    assert caught_error.value.is_untouched
    assert await caught(catcher) == []
