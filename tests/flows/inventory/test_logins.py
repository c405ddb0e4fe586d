"""How boxes are reached: sealed, changed in two phases, pinned in a claim window, never shown."""

from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta

import asyncssh
import pytest
from sqlalchemy import select, update

from gateway.adapters.sdk import Boxes
from gateway.inventory import hostkeys, reviews
from gateway.inventory.logins import CLAIM_WINDOW, Described, Logins, box_login
from gateway.inventory.reviews import CaseKind
from runtime.secrets import SealBroken, Sealer
from runtime.store import metadata
from runtime.telemetry import configure, get_log
from terms.errors import Conflict, Invalid, NotFound, Permanent
from tests.flows.inventory.shelf import Shelf

CANARY = "cAnArY-7731"
OLD = {"username": "cpe-1", "password": f"{CANARY}-old"}
NEW = {"password": f"{CANARY}-new"}


def key_of(text: str) -> str:
    """Write a line that looks like a key."""
    return f"ssh-ed25519 {b64encode(text.encode()).decode()}"


KEY, OTHER_KEY = key_of("one"), key_of("two")


@dataclass
class Field:
    """A box that somebody has described."""

    shelf: Shelf
    logins: Logins

    async def open_window(self) -> None:
        """Let a technician stand before the box."""
        box = await self.shelf.box("RB1")
        async with self.shelf.store.begin() as tx:
            await self.logins.open_window(tx, box.id)

    async def waiting(self) -> list[reviews.Case]:
        """Read the review list."""
        async with self.shelf.store.read() as tx:
            return await reviews.waiting(tx)


@pytest.fixture
async def field(shelf) -> Field:
    """Return a box with an address and secrets, once on each database."""
    return await described(shelf)


@pytest.fixture
async def plain(rack) -> Field:
    """Return such a box on SQLite alone."""
    return await described(rack)


async def described(shelf: Shelf) -> Field:
    """Make a box known, with an address and secrets."""
    logins = Logins(shelf.store, Sealer([bytes(32)]), shelf.clock)
    (box,) = await shelf.boxes("RB1")
    async with shelf.store.begin() as tx:
        await logins.describe(tx, [Described(resource=box.id, address="10.0.0.7:22", secrets=OLD)])
    return Field(shelf=shelf, logins=logins)


async def test_an_adapter_finds_how_to_reach_a_box(field):
    """Address and secrets come back; a box nobody has described is refused for good."""
    boxes: Boxes = field.logins
    found = await boxes.access("RB1")
    assert (found.address, found.secrets, found.host_key) == ("10.0.0.7:22", OLD, "")
    assert not found.may_pin
    await field.shelf.boxes("RB2")
    for ref in ("RB2", "nosuch"):
        with pytest.raises(Permanent, match=ref):
            await boxes.access(ref)


async def test_what_is_told_anew_leaves_the_rest(plain):
    """A later word about a box changes what it names and nothing else."""
    box = await plain.shelf.box("RB1")
    async with plain.shelf.store.begin() as tx:
        await plain.logins.describe(
            tx, [Described(resource=box.id, secrets={"auth_key": "another-one"}, host_key=KEY)]
        )
    found = await plain.logins.access("RB1")
    assert found.address == "10.0.0.7:22"
    assert found.secrets == {**OLD, "auth_key": "another-one"}
    assert found.host_key == KEY


async def test_a_box_that_calls_is_rung_at_the_url_it_names(plain):
    """Its address is no host and port but the place that it is asked at to call."""
    url = "http://10.0.0.7:7547/ring"
    box = await plain.shelf.box("RB1")
    async with plain.shelf.store.begin() as tx:
        await plain.logins.describe(tx, [Described(resource=box.id, address=url)])
    assert (await plain.logins.access("RB1")).address == url


async def test_a_first_key_is_pinned_in_the_window_alone(field):
    """Before a claim and after it a key is refused; in it the first one stays."""
    with pytest.raises(Conflict, match="outside a claim"):
        await field.logins.pin("RB1", KEY)
    await field.open_window()
    assert (await field.logins.access("RB1")).may_pin
    field.shelf.machine.forward(CLAIM_WINDOW)
    assert not (await field.logins.access("RB1")).may_pin
    with pytest.raises(Conflict, match="outside a claim"):
        await field.logins.pin("RB1", KEY)
    await field.open_window()
    await field.logins.pin("RB1", KEY)
    await field.logins.pin("RB1", KEY)
    found = await field.logins.access("RB1")
    assert (found.host_key, found.may_pin) == (KEY, False)
    with pytest.raises(Permanent):
        await field.logins.pin("nosuch", KEY)


async def test_a_changed_key_is_refused_and_put_before_a_person(field):
    """Even inside a window another key than the pinned one is not taken; somebody looks at it."""
    await field.open_window()
    await field.logins.pin("RB1", KEY)
    for _ in range(2):
        with pytest.raises(Conflict, match="another host key"):
            await field.logins.pin("RB1", OTHER_KEY)
    await field.logins.other_key("RB1", OTHER_KEY)
    (case,) = await field.waiting()
    assert (case.kind, case.serial, case.count) == (CaseKind.HOST_KEY, "RB1", 3)
    assert hostkeys.fingerprint(KEY) in case.reason
    assert hostkeys.fingerprint(OTHER_KEY) in case.reason
    assert (await field.logins.access("RB1")).host_key == KEY
    box = await field.shelf.box("RB1")
    async with field.shelf.store.begin() as tx:
        await field.logins.forget_key(tx, box.id)
    await field.logins.pin("RB1", OTHER_KEY)


async def test_each_key_that_is_shown_is_one_case(field):
    """Every other key waits once, the pinned one never; who shows ever new ones fills no list."""
    await field.open_window()
    await field.logins.pin("RB1", f"{KEY} comment")
    for _ in range(2):
        for number in range(hostkeys.CASES_OF_BOX_MAX + 3):
            await field.logins.other_key("RB1", key_of(f"key {number}"))
    await field.logins.other_key("RB1", KEY)
    await field.logins.other_key("nosuch", OTHER_KEY)
    cases = {one.id: one for one in await field.waiting()}
    others = cases.pop(f"host_key:RB1:{hostkeys.OTHERS}")
    assert others.count == 6
    assert {one.count for one in cases.values()} == {2}
    for number in range(hostkeys.CASES_OF_BOX_MAX):
        shown = hostkeys.fingerprint(key_of(f"key {number}"))
        assert [shown in one.reason for one in cases.values()].count(True) == 1
    async with field.shelf.store.begin() as tx:
        now = field.shelf.machine()
        for id_ in cases:
            await reviews.resolve(tx, id_, actor="ann", resolution="not ours", now=now)
    assert [one.id for one in await field.waiting()] == [others.id]
    await field.logins.other_key("RB1", key_of("key 0"))
    assert len(await field.waiting()) == 2


def test_a_fingerprint_is_what_ssh_shows():
    """It is that of `ssh-keygen -l`, and nothing for what is no key."""
    line = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
    key = asyncssh.import_public_key(line)
    assert hostkeys.fingerprint(f"{line.strip()} a comment") == key.get_fingerprint()
    for text in ("", "ssh-ed25519", "ssh-ed25519 !!!!", "AAAA"):
        assert hostkeys.fingerprint(text) == ""


async def test_old_secrets_are_valid_until_the_new_ones_were_seen(field):
    """While they change, a box that calls may have either; an adapter is told both."""
    async with field.shelf.store.begin() as tx:
        await field.logins.rotate(tx, "RB1", NEW)
    both = (await field.logins.answering(["cpe-1"]))["cpe-1"]
    for told in (both.access, await field.logins.access("RB1")):
        assert told.secrets["password"] == OLD["password"]
        assert told.secrets["next_password"] == NEW["password"]
    for _ in range(2):
        async with field.shelf.store.begin() as tx:
            await field.logins.seen_new(tx, "RB1")
    both = (await field.logins.answering(["cpe-1"]))["cpe-1"]
    assert both.access.secrets == {**OLD, **NEW}
    assert (await field.logins.access("RB1")).secrets == {**OLD, **NEW}


async def test_a_change_that_was_begun_stands(field):
    """Whoever begins it again is told what the box may have taken already."""
    async with field.shelf.store.begin() as tx:
        assert await field.logins.rotate(tx, "RB1", NEW) == NEW
    async with field.shelf.store.begin() as tx:
        assert await field.logins.rotate(tx, "RB1", {"password": "a later one"}) == NEW
    assert (await field.logins.access("RB1")).secrets["next_password"] == NEW["password"]


async def test_secrets_are_given_once_the_box_has_shown_them(field):
    """Bought, it has none of ours; begun is not shown; what somebody else tells is not ours."""

    async def is_given():
        return (await field.logins.access("RB1")).is_given

    box = await field.shelf.box("RB1")
    assert not await is_given()
    async with field.shelf.store.begin() as tx:
        await field.logins.rotate(tx, "RB1", NEW)
    assert not await is_given()
    async with field.shelf.store.begin() as tx:
        await field.logins.seen_new(tx, "RB1")
    assert await is_given()
    for secrets, expected in ((NEW, True), ({}, True), (OLD, False)):
        async with field.shelf.store.begin() as tx:
            await field.logins.describe(tx, [Described(resource=box.id, secrets=secrets)])
        assert await is_given() is expected


async def test_names_do_not_change_by_turns(plain):
    """The name a box signs in with is how it is found, so it stays."""
    with pytest.raises(Invalid, match="username"):
        async with plain.shelf.store.begin() as tx:
            await plain.logins.rotate(tx, "RB1", {"username": "another"})
    with pytest.raises(NotFound):
        async with plain.shelf.store.begin() as tx:
            await plain.logins.rotate(tx, "nosuch", NEW)


async def test_a_name_that_two_boxes_have_finds_neither(plain):
    """Nobody is taken for another box; an unknown name finds nothing."""
    found = await plain.logins.answering(["cpe-1", "nobody"])
    assert {name: one.ref for name, one in found.items()} == {"cpe-1": "RB1"}
    (box,) = await plain.shelf.boxes("RB2")
    async with plain.shelf.store.begin() as tx:
        await plain.logins.describe(tx, [Described(resource=box.id, secrets=OLD)])
    assert await plain.logins.answering(["cpe-1", "nobody"]) == {}


async def test_a_secret_in_another_row_does_not_open(plain):
    """What was sealed for one box is of no use for another."""
    (box,) = await plain.shelf.boxes("RB2")
    async with plain.shelf.store.begin() as tx:
        await plain.logins.describe(tx, [Described(resource=box.id, address="10.0.0.8")])
        stolen = await tx.scalar(
            select(box_login.c.sealed).where(box_login.c.login_name == "cpe-1")
        )
        change = update(box_login).where(box_login.c.resource == box.id)
        await tx.execute(change.values(sealed=stolen))
    with pytest.raises(SealBroken):
        await plain.logins.access("RB2")


async def test_no_secret_is_seen_anywhere(plain, capfd):
    """Not in the text of the database, not in a repr, not in a log, not in an error."""
    configure(level="debug", style="json")
    async with plain.shelf.store.begin() as tx:
        await plain.logins.rotate(tx, "RB1", NEW)
    access = await plain.logins.access("RB1")
    answering = await plain.logins.answering(["cpe-1"])
    box = await plain.shelf.box("RB1")
    described = Described(resource=box.id, secrets=NEW, listed=NEW)
    get_log().warning("box.reached", access=access, answering=answering, described=described)
    shown = [repr(one) for one in (access, answering, described, plain.logins)]
    with pytest.raises(Invalid) as caught:
        async with plain.shelf.store.begin() as tx:
            wrong = Described(resource=box.id, secrets={"nosuch": CANARY})
            await plain.logins.describe(tx, [wrong])
    shown.append(str(caught.value))
    async with plain.shelf.store.read() as tx:
        for table in metadata.sorted_tables:
            shown += [str(tuple(row)) for row in await tx.rows(select(table))]
    shown += capfd.readouterr()
    assert access.secrets["next_password"] == NEW["password"]
    assert CANARY not in "\n".join(shown)


async def test_a_claim_window_may_be_shorter(plain):
    """Whoever opens a window says how long it lasts."""
    box = await plain.shelf.box("RB1")
    async with plain.shelf.store.begin() as tx:
        await plain.logins.open_window(tx, box.id, last=timedelta(minutes=1))
    plain.shelf.machine.forward(timedelta(minutes=2))
    assert not (await plain.logins.access("RB1")).may_pin


@pytest.mark.parametrize(
    ("wrong", "field_name"),
    [
        ({"address": "10.0.0.7 ; reboot"}, "address"),
        ({"address": "10.0.0.7:70000"}, "address"),
        ({"address": "x" * 256}, "address"),
        ({"host_key": "a\nb"}, "host_key"),
        ({"secrets": {"password": "changeme"}}, "password"),
    ],
)
async def test_what_cannot_be_is_named(plain, wrong, field_name):
    """An address is a host and a port; what is wrong is named by its field."""
    box = await plain.shelf.box("RB1")
    with pytest.raises(Invalid) as caught:
        async with plain.shelf.store.begin() as tx:
            await plain.logins.describe(tx, [Described(resource=box.id, **wrong)])
    assert caught.value.field == field_name
