"""Who was told what by which channel is found by whoever looks, and kept for so long."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from app.desk.leaving_link import address
from app.roles.scheduler import _sweep_messages
from app.web.page.drawing import when
from billing.accounts.store import account
from billing.dunning.segment import Segments
from billing.dunning.store import keep_segments, load_segments
from billing.reads import contacts
from messages import store as deliveries
from messages.model import Delivery, Outcome
from messages.plan import KINDS, Via
from messages.templates import languages
from runtime.store.audit import Deed, record
from tests.flows.app.guest import visiting
from tests.flows.app.visitor import let_in

MINE, OTHER = "200001", "200002"


async def furnish(house):
    """Record a message by each channel, and an old one."""
    now = house.clock.machine_now()
    async with house.store.begin() as tx:
        rows = await tx.fetch("SELECT id FROM service ORDER BY contract")
        mine, other = (row[0] for row in rows[:2])
        await deliveries.record(
            tx,
            [
                made("shown", mine, now, via=Via.SCREEN, text="Please <b>pay</b>"),
                made("texted", mine, now, via=Via.SMS, to="+431234", why="the gateway is away"),
                made("mailed", other, now, via=Via.MAIL, to="a@b.example", text=""),
                made("old", other, now - timedelta(days=401)),
                made("waits", other, now - timedelta(days=401), outcome=Outcome.WAITING),
            ],
        )


def made(id_, service, at, **more):
    """Make the record of a message."""
    given = {"kind": "suspended", "via": Via.SCREEN, "text": "t", "outcome": Outcome.SENT, **more}
    ended = None if given["outcome"] is Outcome.WAITING else at
    return Delivery(id=id_, service=service, begun_at=at, ended_at=ended, **given)


async def found(served, query):
    """List the ids that the API finds."""
    status, page = await served.api("GET", f"messages?{query}")
    assert status == 200, page
    return [one["id"] for one in page["items"]]


async def test_the_log_is_narrowed(counter):
    """By contract, channel, outcome, kind and day, and all of them together."""
    await furnish(counter.house)
    assert await found(counter, "") == ["texted", "shown", "mailed", "waits", "old"]
    assert await found(counter, f"contract={MINE}") == ["texted", "shown"]
    assert await found(counter, f"contract={MINE}&channel=sms&outcome=sent") == ["texted"]
    assert await found(counter, "outcome=waiting") == ["waits"]
    assert await found(counter, "kind=receipt") == []
    today = counter.house.clock.machine_now().date()
    assert await found(counter, f"since={today}&channel=mail") == ["mailed"]
    assert (await counter.api("GET", "messages?contract=nobody"))[0] == 404
    assert (await counter.api("GET", "messages?channel=pigeon"))[0] == 400


async def test_the_pages_tell_of_it(counter):
    """The console shows whom, how and why, and each notice in each language; nothing is markup."""
    await furnish(counter.house)
    owner = await let_in(counter)
    page = (await owner.get(f"/console/messages?contract={MINE}")).text
    assert "Please &lt;b&gt;pay&lt;/b&gt;" in page
    assert "+431234" in page
    assert "the gateway is away" in page
    assert "a@b.example" not in page
    assert (
        "There is no contract nobody."
        in (await owner.get("/console/messages?contract=nobody")).text
    )
    page = (await owner.get("/console/notices")).text
    assert page.count("in GSM-7, 1 part") + page.count("in GSM-7, 2 parts") > 0
    for kind in KINDS:
        assert f'id="h-{kind}"' in page
    status, told = await counter.api("GET", "notices")
    assert status == 200
    assert len(told) == len(KINDS) * len(languages())


async def test_what_is_old_is_forgotten(counter):
    """What ended longer ago than the setting says is swept away; what waits stays."""
    await furnish(counter.house)
    await _sweep_messages(counter.house)
    assert await found(counter, "") == ["texted", "shown", "mailed", "waits"]


async def test_all_instants_of_staffs_pages_are_of_one_zone(counter):
    """Wherever a household lives, staff read the operator's clock, and a day begins by it."""
    at = datetime(2041, 1, 1, 23, 30, tzinfo=UTC)  # in Vienna it is the next day
    async with counter.house.store.begin() as tx:
        await tx.driver("UPDATE account SET zone = 'America/New_York'")
        ((mine,), *_) = await tx.fetch("SELECT id FROM service ORDER BY contract")
        await deliveries.record(tx, [made("late", mine, at, text="by night")])
        deed = Deed(at=at, actor="cli:ann", action="by.night", subject=f"contract:{MINE}")
        await record(tx, [deed])
    owner = await let_in(counter)
    told = {
        f"/console/accounts/{MINE}": ("02 Jan 00:30:00.000", "Europe/Vienna</span>"),
        f"/console/accounts/{MINE}/history": ("2 Jan 2041, 00:30", "real time, Europe/Vienna"),
        f"/console/messages?contract={MINE}": ("2 Jan 2041, 00:30", "by night"),
        "/console/messages?since=2041-01-02": ("2 Jan 2041, 00:30", "by night"),
        "/console/audit?since=2041-01-02": ("2 Jan 2041, 00:30", "by.night"),
        "/console/": ("02 Jan 00:30:00.000", "Europe/Vienna</span>"),
    }
    for path, words in told.items():
        page = (await owner.get(path)).text
        assert [word for word in words if word not in page] == [], path
        assert "1 Jan 2041, 23:30" not in page
    for path in ("/console/messages", "/console/audit"):
        assert "by night" not in (await owner.get(f"{path}?since=2041-01-03")).text
        assert (await owner.get(f"{path}?since=0001-01-01")).status == 400
    guest = await visiting(counter, MINE)
    zones = (await guest.get("/portal/me")).text
    now = counter.house.clock.machine_now()
    assert when(now, "America/New_York")[:-2] in zones


async def declined(served):
    """Tell what a household has declined."""
    return (await served.api("GET", f"accounts/{MINE}/declined"))[1]["channels"]


async def test_offers_are_declined_by_every_door(counter):
    """The API, the console, the portal and the link of a letter; each deed is in the audit."""
    house = counter.house
    path = f"accounts/{MINE}/declined"
    body = {"channel": "sms", "declined": True, "reason": "called"}
    status, told = await counter.api("POST", path, body)
    assert (status, told) == (200, {"channels": ["sms"]})
    owner = await let_in(counter)
    form = {"once": "o1", "channel": "sms", "welcome": "yes", "reason": ""}
    assert (await owner.post(f"/console/accounts/{MINE}/offers", **form)).status == 303
    assert await declined(counter) == []
    guest = await visiting(counter, MINE)
    assert (await guest.post("/portal/me/offers", screen="yes", mail="yes")).status == 303
    assert await declined(counter) == ["sms"]
    async with house.store.read() as tx:
        service = (await tx.fetch(f"SELECT id FROM service WHERE contract = '{MINE}'"))[0][0]
    settings = house.settings.model_copy(update={"public_url": "https://tv.example"})
    link = address(settings, house.sealer, service).removeprefix("https://tv.example")
    status, page, _ = await counter.raw("GET", link)
    assert (status, b"Send me no more offers" in page) == (200, True)
    assert await declined(counter) == ["sms"]
    clicked = {"Content-Type": "application/x-www-form-urlencoded"}
    status, page, _ = await counter.raw(
        "POST", link, headers=clicked, data=b"List-Unsubscribe=One-Click"
    )
    assert (status, b"no more offers by mail" in page) == (200, True)
    assert await declined(counter) == ["mail", "sms"]
    assert (await counter.raw("POST", link[:-3] + "xyz"))[0] == 404
    assert address(house.settings, house.sealer, service) == ""
    async with house.store.read() as tx:
        deeds = await tx.fetch("SELECT action, actor FROM audit WHERE action LIKE 'marketing.%'")
    assert [action for action, _ in deeds] == [
        "marketing.decline",
        "marketing.accept",
        "marketing.decline",
        "marketing.decline",
    ]
    assert deeds[-1][1] == "letter"


async def test_an_announcement_is_looked_at_before_it_is_sent(counter):
    """The page tells how many read what; looking sends nothing, and the form is done once."""
    owner, path = await let_in(counter), "/console/announcements"
    async with counter.house.store.begin() as tx:
        await tx.driver("UPDATE account SET locale = 'de-AT' WHERE number = '200001'")
        rows = await tx.fetch("SELECT COUNT(*) FROM account WHERE locale LIKE 'de%'")
        german = rows[0][0]
        everybody = (await tx.fetch("SELECT COUNT(*) FROM account"))[0][0]
    said = {"english": "More <b>channels</b>.", "others": " de=Mehr.\n\nfr = Plus.", "to": "all"}
    seen = await owner.post(f"{path}/preview", once="p1", **said)
    page = seen.text
    assert seen.status == 200
    assert f"Send it to {everybody} households" in page
    words = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert re.search(rf"de Mehr\. Short message.* {german} household", words)
    assert re.search(r"fr Plus\. Short message.* 0 households", words)
    assert "More &lt;b&gt;channels&lt;/b&gt;." in page
    assert await announced(counter) == []
    for wrong, why in (
        ({"others": "Mehr."}, "Other languages: each is like de=TEXT: Mehr."),
        ({"others": "de=Mehr.\nde=Noch mehr."}, "Other languages de: is told twice"),
        ({"others": "en=More."}, "English: is told twice"),
        ({"others": "Deutsch=Mehr."}, "Other languages Deutsch: is no language such as de"),
        ({"english": " "}, "English: one line of 1 to 500"),
        ({"to": ":nobody"}, "Segment: there is no segment nobody"),
    ):
        seen = await owner.post(f"{path}/preview", once="p2", **said | wrong)
        assert (seen.status, why in html.unescape(seen.text)) == (422, True), (why, seen.text)
        assert "Send it" not in seen.text
    said["digest"] = digest_on(page)
    sent = await owner.post(f"{path}/send", once="s1", reason="spring", **said)
    again = await owner.post(f"{path}/send", once="s1", reason="spring", **said)
    assert (sent.status, again.status) == (303, 303)
    assert f"It goes out to {everybody} households" in (await owner.get(sent.location)).text
    assert await announced(counter) == [("everybody", said["english"], "spring")]
    support = await let_in(counter, "support")
    assert (await support.post(f"{path}/send", once="s2", **said)).status == 403
    assert path not in (await support.get("/console/messages")).text
    assert path in (await owner.get("/console/messages")).text


async def test_two_tabs_announce_it_once_and_nothing_unseen(counter):
    """Another tab says that it went out already; what differs from what was seen stays."""
    owner, path = await let_in(counter), "/console/announcements"
    said = {"english": "More.", "others": "", "to": "all"}
    digest = digest_on((await owner.post(f"{path}/preview", once="p1", **said)).text)
    for unseen in ({"english": "Less."}, {"others": "de=Mehr."}, {"to": ":"}):
        sent = await owner.post(f"{path}/send", once="-", **said | unseen, digest=digest)
        assert (
            "something else was looked at, or for others" in (await owner.get(sent.location)).text
        )
    assert (await owner.post(f"{path}/send", once="s0", **said)).status == 400
    assert await announced(counter) == []
    for once, told in (("s1", "It goes out to"), ("s2", "nothing goes out again")):
        sent = await owner.post(f"{path}/send", once=once, **said, digest=digest)
        assert told in (await owner.get(sent.location)).text
    assert await announced(counter) == [("everybody", "More.", "")]


async def test_an_announcement_goes_to_whom_it_was_looked_at_for(counter, monkeypatch):
    """Who comes into a segment or leaves it meanwhile has it looked at again, swapped ones too."""
    monkeypatch.setattr(contacts, "SLIM_ROWS_MAX", 2)  # pages; the whole is what is compared
    draft = {"texts": {"en": "More."}, "segment": "hotels"}

    async def move(contract, segment):
        async with counter.house.store.begin() as tx:
            change = update(account).where(account.c.number == contract)
            await tx.execute(change.values(segment=segment))

    async def look():
        status, seen = await counter.api("POST", "announcements/preview", draft)
        assert status == 200, seen
        return seen

    async with counter.house.store.begin() as tx:
        each = (await load_segments(tx)).each
        await keep_segments(tx, Segments({**each, "hotels": each[""]}))
    for contract in ("200001", "200002", "200003"):
        await move(contract, "hotels")
    seen = await look()
    assert (seen["households"], seen["digest"][-2:]) == (3, "-3")
    for moves, why in (
        ([("200004", "hotels")], "looked at for 3 households, now 4: look at it again"),
        ([("200004", ""), ("200003", "")], "looked at for 3 households, now 2"),
        ([("200004", "hotels")], "something else was looked at, or for others"),
    ):
        for contract, segment in moves:
            await move(contract, segment)
        sent = draft | {"digest": seen["digest"]}
        status, told = await counter.api("POST", "announcements", sent)
        assert (status, why in str(told)) == (400, True), told
        assert await announced(counter) == []
    sent = draft | {"digest": (await look())["digest"]}
    status, told = await counter.api("POST", "announcements", sent)
    assert (status, told["again"]) == (201, False), told
    await move("200005", "hotels")  # it is on its way: nothing goes out again, nor is refused
    status, told = await counter.api("POST", "announcements", sent)
    assert (status, told["again"]) == (201, True), told


def digest_on(page: str) -> str:
    """Find what a page says that sending has to bring."""
    found = re.search(r'name="digest" value="([0-9a-f]{32}-[0-9]+)"', page)
    assert found, page
    return found[1]


async def announced(served) -> list[tuple[str, str, str]]:
    """Tell what was announced: to whom, in English, and why."""
    query = "SELECT subject, after, reason FROM audit WHERE action = 'notices.announce'"
    async with served.house.store.read() as tx:
        return [tuple(row) for row in await tx.fetch(query)]


async def test_an_announcement_is_said_by_staff(counter):
    """What was looked at goes out, once a day, and is in the audit; the rest is refused."""
    draft = {"texts": {"en": "More.", "de": "Mehr."}}
    status, seen = await counter.api("POST", "announcements/preview", draft)
    assert (status, seen["households"] > 0) == (200, True), seen
    assert [one["wording"]["screen"] for one in seen["readers"]] == ["Mehr.", "More."]
    assert await announced(counter) == []
    sent = draft | {"digest": seen["digest"]}
    ids = []
    for again in (False, True):
        status, told = await counter.api("POST", "announcements", sent)
        assert (status, told["again"]) == (201, again), told
        ids.append(told["id"])
    assert ids[0] == ids[1]
    for body, field in (
        ({"texts": {"de": "Mehr."}}, "texts.en: is needed, as it is what everybody else reads"),
        ({"texts": {}}, "texts: must not be empty"),
        ({"texts": []}, "texts: must be an object"),
        ({"texts": {"en": ""}}, "texts.en: must not be empty"),
        ({"texts": {"en": " "}}, "texts.en: one line of 1 to 500 characters is needed"),
        ({"texts": {"en": "x" * 501}}, "texts.en: must have at most 500 characters"),
        ({"texts": {"en": "x", "De": "y"}}, "texts.De: the name 'De' must be a language like de"),
        ({"texts": {"en": "x", "": "y"}}, "texts: the name '' must be a language like de"),
        ({"texts": {"en": "x", "[key]": 5}}, "texts.[key]: the name '[key]' must be a language"),
        ({"segment": "nobody"}, "segment"),
        ({"segment": ""}, "digest"),
        ({"texts": {"en": "More."}}, "digest"),
        ({"digest": "x"}, "digest"),
    ):
        status, told = await counter.api("POST", "announcements", sent | body)
        assert (status, field in told["detail"]) == (400, True), told
        assert field.startswith(told["field"])
    assert (await counter.api("POST", "announcements", draft))[0] == 400
    assert await announced(counter) == [("everybody", "More.", "")]
