"""A notice by the channels its operator names: in order, each at most once, and not by night."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import pytest

from billing.dunning.segment import Segments
from messages import store as deliveries
from messages.announcing import KIND as ANNOUNCE
from messages.announcing import Announcement, Announcements, announce
from messages.consent import DECLINED, say
from messages.deliver import Deliver
from messages.dispatch import Dispatch
from messages.letters.channel import Post
from messages.letters.store import KIND as MAIL
from messages.letters.store import Letters
from messages.model import Outcome
from messages.notify import KIND, Notices
from messages.plan import Via
from messages.policy import read_policy
from messages.policy_store import configure_gateway, keep_policy
from messages.sms.channel import KIND as SMS
from messages.sms.channel import ShortMessages
from runtime import log
from runtime.http import HttpDoor
from runtime.secrets import Sealer
from runtime.work import Lane
from terms.errors import Permanent, Unreachable, untouched
from terms.ids import NoticeId, ServiceId
from terms.notice import Notice
from tests.fixtures.billing import LADDER, PUBLICATION, Office, household, make_office
from tests.flows.app.test_notices import PARAMS, Wall
from tests.simulators.process import RunningSimulator, start_simulator

HASTY_S = 2.0
PHONE, EMAIL = "01/234 567", "mira@example.org"
READ = (
    "26.40 EUR is unpaid, the oldest of it was due on 2040-04-01."
    " Please pay so that your service goes on."
)


@pytest.fixture(scope="module")
def _gateway():
    with start_simulator("twilio") as running:
        yield running


@pytest.fixture
def gateway(_gateway):
    """A gateway that was given nothing."""
    _gateway.admin("/reset", {})
    return _gateway


@dataclass
class Postbox:
    """A mail server that keeps letters, or fails as told."""

    letters: list = field(default_factory=list)
    error: Exception | None = None

    async def probe(self):
        """Be there."""

    async def send(self, letter):
        """Take it, or fail."""
        if self.error is not None:
            raise self.error
        self.letters.append(letter)


@dataclass
class Town:
    """A household, the rules of its operator, and every channel to it."""

    office: Office
    gateway: RunningSimulator
    door: HttpDoor
    home: ServiceId
    wall: Wall = field(default_factory=Wall)
    post: Postbox = field(default_factory=Postbox)
    lanes: Mapping[str, Lane] = field(default_factory=dict)

    @property
    def store(self):
        """Where all is kept."""
        return self.office.store

    def open(self):
        """Put the channels together as the product does."""
        store, work = self.store, self.office.desk.work
        sealer = Sealer([bytes(range(32))])
        letters = Letters(work, sealer)

        async def named(_tx):
            return "Box TV"

        dispatch = Dispatch(
            store, work, letters, named=named, leaving=lambda home: f"https://tv.example/{home}"
        )
        announcements = Announcements(store, work, dispatch)
        screens = Deliver(store, work, Notices(self.wall), dispatch.follow)
        short = ShortMessages(sealer, self.door, work.clock)
        self.lanes = {
            KIND: Lane(work, KIND, partial(dispatch.handle, screens)),
            ANNOUNCE: Lane(work, ANNOUNCE, announcements.handle),
            MAIL: Lane(
                work, MAIL, Deliver(store, work, Post(letters, self.post), dispatch.follow).handle
            ),
            SMS: Lane(work, SMS, Deliver(store, work, short, dispatch.follow).handle),
        }
        self.sealer = sealer

    async def rule(self, via, *, kind="payment_reminder", quiet="", parts_max=3, **texts):
        """Have the operator say which channels, at which hours, in which words."""
        told = {
            "channels": {kind: via},
            "quiet": {"sms": quiet, "mail": quiet},
            "texts": {"en": {"payment_reminder": texts}} if texts else {},
        }
        options = {
            "kind": "http",
            "url": f"{self.gateway.url}/2010-04-01/Accounts/AC1/Messages.json",
            "shape": "form",
            "fields": {"To": "{to}", "From": "{sender}", "Body": "{text}"},
            "sender": "BOXTV",
            "user": "AC1",
            "password": "secret",
            "country_code": "43",
            "parts_max": parts_max,
        }
        async with self.store.begin() as tx:
            await keep_policy(tx, read_policy(told))
            await configure_gateway(tx, self.sealer, options)

    async def announce(self, id_="n1", hours=24):
        """Write a notice as billing does."""
        work = self.office.desk.work
        now = work.clock.machine_now()
        notice = Notice(
            id=NoticeId(id_),
            service=self.home,
            kind="payment_reminder",
            not_after=now + timedelta(hours=hours),
            params=PARAMS,
        )
        entry = log.Entry(id=id_, kind="notice", key=self.home, value=notice.encode(), at=now)
        async with self.store.begin() as tx:
            await log.append(tx, [entry])
            await work.mark(tx, KIND, [id_])

    async def turn(self):
        """Let every channel do what it has to do."""
        while sum([await lane.turn() for lane in self.lanes.values()]):
            pass

    async def told(self):
        """Tell what became of everything, by its channel."""
        async with self.store.read() as tx:
            found = await deliveries.latest(tx, rows_max=20, service=self.home)
        return {(one.id, one.via.value): one.outcome for one in found}

    async def sent(self):
        """List what telephones have read."""
        messages = (await self.gateway.aadmin("/state"))["messages"]
        return [(one["to"], one["from"], one["body"]) for one in messages]


@pytest.fixture
async def town(store, machine, gateway):
    """A household with a telephone and a mail address."""
    office = make_office(store, machine)
    door = HttpDoor(networks=["127.0.0.0/8"], deadline_s=HASTY_S)
    await office.publish()
    home = await move_in(office, "100001", phone=PHONE, email=EMAIL)
    made = Town(office=office, gateway=gateway, door=door, home=home)
    made.open()
    yield made
    await door.aclose()


async def move_in(office, contract, **changes):
    """Sign a household up and give its service."""
    (signed,) = await office.sign_up(household(contract, **changes))
    return signed.service


async def test_all_channels_are_told_once(town):
    """However often it is marked, it is shown once, mailed once and read on the telephone once."""
    await town.rule({"all": ["screen", "mail", "sms"]})
    for _ in range(2):
        await town.announce()
        await town.turn()
    assert [text for _, text in town.wall.shown] == [READ]
    assert await town.sent() == [("+431234567", "BOXTV", READ)]
    (letter,) = town.post.letters
    assert (letter.to, letter.subject) == (EMAIL, "Box TV: your contract 200001")
    assert READ in letter.text
    assert await town.told() == {
        ("n1", "screen"): Outcome.SENT,
        ("n1.mail", "mail"): Outcome.SENT,
        ("n1.sms", "sms"): Outcome.SENT,
    }


async def test_what_one_cannot_take_the_next_one_takes(town):
    """Mail that is refused goes on to the telephone, what that will not take to the screens."""
    await town.rule(["mail", "sms", "screen"])
    town.post.error = untouched(Permanent("no such user"))
    await town.gateway.aadmin("/faults", {"set": [{"name": "refused"}]})
    await town.announce()
    await town.turn()
    assert await town.told() == {
        ("n1.mail", "mail"): Outcome.FAILED,
        ("n1.sms", "sms"): Outcome.FAILED,
        ("n1.screen", "screen"): Outcome.SENT,
    }
    assert [text for _, text in town.wall.shown] == [READ]


async def test_who_has_no_address_is_told_elsewhere(town):
    """Without a mail address and with a number that is none, the screens remain."""
    town.home = await move_in(town.office, "100002", phone="12", email="")
    await town.rule(["mail", "sms", "screen"])
    await town.announce()
    await town.turn()
    assert (await town.told())[("n1.screen", "screen")] is Outcome.SENT
    assert await town.sent() == []


async def test_what_may_have_been_sent_is_not_sent_again(town):
    """An answer that is lost leaves it open; nobody else is told instead, and nothing repeated."""
    await town.rule(["sms", "screen"])
    await town.gateway.aadmin("/faults", {"spec": "lost:count=1"})
    await town.announce()
    await town.turn()
    town.office.forward(hours=1)
    await town.turn()
    assert await town.told() == {("n1.sms", "sms"): Outcome.UNKNOWN}
    assert len(await town.sent()) == 1
    assert town.wall.shown == []


@pytest.mark.parametrize("fault", ["down", "throttled:1", "unauthorized"])
async def test_what_was_surely_not_sent_waits(town, fault):
    """A gateway that is away, asks for patience or does not know us is tried again, and once."""
    await town.rule(["sms"])
    await town.gateway.aadmin("/faults", {"spec": fault})
    await town.announce()
    await town.turn()
    assert await town.told() == {("n1.sms", "sms"): Outcome.WAITING}
    await town.gateway.aadmin("/faults", {"clear": True})
    town.office.forward(hours=1)
    await town.turn()
    assert await town.told() == {("n1.sms", "sms"): Outcome.SENT}
    assert len(await town.sent()) == 1


async def test_nobody_is_woken(town):
    """A short message of the evening is read in the morning; one whose time ends before is late."""
    await town.rule(["sms"], quiet="21:00-08:00")
    town.office.forward(hours=(22 - town.office.now.hour) % 24)
    await town.announce()
    await town.announce("n2", hours=2)
    await town.turn()
    assert await town.sent() == []
    town.office.forward(hours=3)
    await town.turn()
    assert await town.told() == {
        ("n1.sms", "sms"): Outcome.WAITING,
        ("n2.sms", "sms"): Outcome.LATE,
    }
    town.office.forward(hours=8)
    await town.turn()
    assert (await town.told())[("n1.sms", "sms")] is Outcome.SENT
    assert len(await town.sent()) == 1


@pytest.mark.parametrize("via", ["mail", "sms"])
async def test_nobody_is_woken_when_a_server_is_back(town, via):
    """What a server would not take by day waits for the morning where it is back in the night."""
    await town.rule([via], quiet="21:00-08:00")
    town.office.forward(hours=(18 - town.office.now.hour) % 24)
    town.post.error = untouched(Unreachable("down"))
    await town.gateway.aadmin("/faults", {"spec": "down"})
    await town.announce()
    await town.turn()
    town.post.error = None
    await town.gateway.aadmin("/faults", {"clear": True})
    for hours, outcome in ((6, Outcome.WAITING), (5, Outcome.WAITING), (4, Outcome.SENT)):
        town.office.forward(hours=hours)
        await town.turn()
        assert await town.told() == {(f"n1.{via}", via): outcome}
    assert len(town.post.letters) + len(await town.sent()) == 1


async def test_other_quiet_hours_hold_for_what_waits(town):
    """Who has none any more is told at once, and who has them now is left alone."""
    await town.rule(["mail"])
    town.office.forward(hours=(22 - town.office.now.hour) % 24)
    town.post.error = untouched(Unreachable("down"))
    await town.announce()
    await town.turn()
    town.post.error = None
    for quiet, outcome in (("21:00-08:00", Outcome.WAITING), ("", Outcome.SENT)):
        await town.rule(["mail"], quiet=quiet)
        town.office.forward(hours=2 if quiet else 1)
        await town.turn()
        assert await town.told() == {("n1.mail", "mail"): outcome}


async def test_a_text_that_is_too_long_fails(town):
    """What would take more parts than the operator allows is not sent, and why stands there."""
    await town.rule(["sms"], parts_max=1, sms="{amount} " * 20)
    await town.announce()
    await town.turn()
    async with town.store.read() as tx:
        (one,) = await deliveries.latest(tx, rows_max=2, service=town.home)
    why = "text: is too long: 200 in GSM-7, 2 parts, 1 at most"
    assert (one.outcome, one.why) == (Outcome.FAILED, why)


async def test_a_mail_server_that_is_away_is_waited_for(town):
    """Waiting is not failing: the next channel is not asked."""
    await town.rule(["mail", "sms"])
    town.post.error = untouched(Unreachable("down"))
    await town.announce()
    await town.turn()
    assert await town.told() == {("n1.mail", "mail"): Outcome.WAITING}
    assert await town.sent() == []


async def test_an_announcement_reaches_whoever_has_not_declined(town):
    """Page by page, once each, in the household's language, of a segment alone, with a way out."""
    await town.rule(["mail", "sms", "screen"], kind="announcement")
    texts = {"en": "Four more channels.", "de": "Vier Sender mehr."}
    usual = Segments.usual(LADDER).each
    segments = Segments({**usual, "hotels": usual[""]})
    await town.office.publish(replace(PUBLICATION, segments=segments))
    other = await move_in(town.office, "100002", phone="+431999999", email="b@b.example")
    third = await move_in(town.office, "100003", email="c@c.example", locale="de-AT")
    await move_in(town.office, "100004", email="d@d.example", segment="hotels")
    now = town.office.desk.work.clock.machine_now()
    async with town.store.begin() as tx:
        await say(tx, other, Via.MAIL, now, is_declined=True)
        await say(tx, third, Via.MAIL, now, is_declined=True)
        await say(tx, third, Via.MAIL, now, is_declined=False)
        assert not await say(tx, other, Via.MAIL, now, is_declined=True)
        await announce(tx, town.office.desk.work, Announcement(id="A1", texts=texts, segment=""))
    await town.turn()
    async with town.store.begin() as tx:
        await town.office.desk.work.mark(tx, ANNOUNCE, ["A1"])
    await town.turn()
    letters = {one.to: one for one in town.post.letters}
    assert letters.keys() == {EMAIL, "c@c.example"}
    assert len(town.post.letters) == 2
    assert "Vier Sender mehr." in letters["c@c.example"].text
    assert letters[EMAIL].leaving == f"https://tv.example/{town.home}"
    assert await town.sent() == [("+431999999", "BOXTV", "Four more channels.")]
    assert town.wall.shown == []


async def test_the_same_is_announced_once_a_day_however_many_say_it_at_once(town):
    """All are told one id, and one goes out; other texts, other people, another day are others."""
    work = town.office.desk.work
    texts = {"en": "More.", "de": "Mehr."}

    async def said(id_, **changes):
        one = Announcement(**{"id": id_, "texts": texts, "segment": None} | changes)
        async with town.store.begin() as tx:
            return await announce(tx, work, one)

    ids = await asyncio.gather(*(said(f"A{n}") for n in range(8)))
    assert len(set(ids)) == 1
    assert await said("B", texts=dict(reversed(texts.items()))) == ids[0]
    assert await said("C", segment="") == "C"
    assert await said("D", texts={"en": "More."}) == "D"
    town.office.forward(hours=23)
    assert await said("E") == ids[0]
    town.office.forward(hours=1)
    assert await said("F") == "F"


async def test_whoever_has_declined_all_is_told_what_concerns_the_contract(town):
    """Marketing by no channel; a reminder by each, without a way out."""
    now = town.office.desk.work.clock.machine_now()
    async with town.store.begin() as tx:
        for via in Via:
            await say(tx, town.home, via, now, is_declined=True)
        one = Announcement(id="A1", texts={"en": "More."})
        await announce(tx, town.office.desk.work, one)
    await town.rule({"all": ["screen", "mail", "sms"]})
    await town.announce()
    await town.turn()
    assert [text for _, text in town.wall.shown] == [READ]
    (letter,) = town.post.letters
    assert letter.leaving == ""
    assert len(await town.sent()) == 1
    assert (await town.told())[(f"A1.{town.home}.screen", "screen")] is Outcome.FAILED


@pytest.mark.parametrize("via", [Via.MAIL, Via.SMS])
@pytest.mark.parametrize("is_quiet", [False, True])
async def test_who_declines_while_an_offer_waits_does_not_get_it(town, via, is_quiet):
    """Held by the night or by a server that is away: it is not sent and why stands there; what
    concerns the contract goes out all the same.
    """
    await town.rule([via], kind="announcement", quiet="21:00-08:00" if is_quiet else "")
    office, work = town.office, town.office.desk.work
    office.forward(hours=((22 if is_quiet else 12) - office.now.hour) % 24)
    if not is_quiet:
        town.post.error = untouched(Unreachable("down"))
        await town.gateway.aadmin("/faults", {"spec": "down"})
    async with town.store.begin() as tx:
        await announce(tx, work, Announcement(id="A1", texts={"en": "More."}))
    await town.turn()
    offer = (f"A1.{town.home}.{via}", via)
    assert await town.told() == {offer: Outcome.WAITING}
    async with town.store.begin() as tx:
        await say(tx, town.home, via, work.clock.machine_now(), is_declined=True)
    town.post.error = None
    await town.gateway.aadmin("/faults", {"clear": True})
    await town.rule([via], quiet="21:00-08:00" if is_quiet else "")
    await town.announce()
    office.forward(hours=11)
    await town.turn()
    assert await town.told() == {offer: Outcome.FAILED, (f"n1.{via}", via): Outcome.SENT}
    async with town.store.read() as tx:
        found = await deliveries.latest(tx, rows_max=9, service=town.home)
    assert [one.why for one in found if one.kind == "announcement"] == [DECLINED]
    sent = [one.text for one in town.post.letters] + [text for *_, text in await town.sent()]
    assert len(sent) == 1
    assert READ in sent[0]


async def test_what_is_declined_while_it_waits_goes_by_the_next_channel(town):
    """Declined by mail alone, it is read on the telephone."""
    await town.rule(["mail", "sms"], kind="announcement")
    work = town.office.desk.work
    town.post.error = untouched(Unreachable("down"))
    async with town.store.begin() as tx:
        await announce(tx, work, Announcement(id="A1", texts={"en": "More."}))
    await town.turn()
    town.post.error = None
    async with town.store.begin() as tx:
        await say(tx, town.home, Via.MAIL, work.clock.machine_now(), is_declined=True)
    town.office.forward(hours=1)
    await town.turn()
    assert town.post.letters == []
    assert [text for *_, text in await town.sent()] == ["More."]
