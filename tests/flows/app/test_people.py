"""People sign in over real HTTP, on both databases: the door, what opens, what closes again."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from argon2.profiles import CHEAPEST
from sqlalchemy import select

from app.identity.guesses import guess
from app.identity.passwords import Passwords
from app.identity.people import person
from app.identity.sign_ins import sign_in
from app.settings import Settings
from app.wiring import House, build, closing
from runtime.store.audit import history
from tests.fixtures.store import ON_BOTH
from tests.flows.app.served import serving
from tests.flows.app.visitor import BROWSER, PASSWORD, SIGN_IN, Visitor, added, hurry, named

AGENT = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36"


@pytest.fixture
async def house(url_of, tmp_path, machine):
    """A house whose machine time stands still until a test moves it."""
    settings = Settings(data_dir=tmp_path, database_url=url_of)
    async with closing(build(settings, machine_now=machine)) as built:
        hurry(built)
        yield built


@pytest.fixture
async def served(house):
    """That house behind its web server, with an owner and a technician."""
    await added(house, "olga", "owner")
    await added(house, "tom", "technician")
    async with serving(house) as one:
        yield one


@pytest.fixture
def visitor(served):
    """A browser that nobody has signed in with."""
    return Visitor(served)


async def rows(house, table):
    """Read a whole table."""
    async with house.store.read() as tx:
        return [row._asdict() for row in await tx.rows(select(table))]


@ON_BOTH
async def test_who_signs_in_is_led_to_the_page_of_the_role(served):
    """An owner begins at operations, a technician in the field; the cookie is this host's alone."""
    for name, home in (("olga", "/console/"), ("TOM ", "/field/")):
        one = Visitor(served)
        seen = await one.sign_in(name)
        assert (seen.status, seen.location) == (303, home)
        cookie = seen.cookies[SIGN_IN]
        assert (cookie["path"], cookie["samesite"], cookie["domain"]) == ("/", "Lax", "")
        assert cookie["secure"]
        assert cookie["httponly"]
        assert len(cookie.value) >= 43
        page = await one.get(home)
        assert page.status == 200
        assert page.headers["Cache-Control"] == "no-store"


async def test_the_database_holds_no_token_and_no_password(house, visitor):
    """Of what opens the door only hashes are kept: Argon2id of passwords, SHA-256 of tokens."""
    await visitor.sign_in("olga")
    kept = str(await rows(house, person)) + str(await rows(house, sign_in))
    for secret in (visitor.cookies[SIGN_IN], visitor.cookies[BROWSER], PASSWORD, visitor.token):
        assert secret
        assert secret not in kept
    assert {row["password_hash"].split("$")[1] for row in await rows(house, person)} == {"argon2id"}


async def test_nobody_learns_who_exists(served):
    """A wrong password, an unknown name and somebody no longer let in get the same answer."""
    house = served.house
    await house.store.once("UPDATE person SET disabled_at = 1 WHERE name = 'tom'", ())
    answers = [
        await Visitor(served).sign_in(*given)
        for given in (("olga", "wrong"), ("nobody", "wrong"), ("tom", PASSWORD), ("", ""))
    ]
    assert {seen.status for seen in answers} == {400}
    assert len({re.sub(r'value="\w*"', "", seen.text) for seen in answers}) == 1
    assert "Name or password is wrong." in answers[0].text
    assert not any(seen.cookies for seen in answers)


async def test_signing_out_ends_it_on_the_server(visitor):
    """Whoever copied the cookie has nothing of it after the sign-out."""
    await visitor.sign_in("tom")
    copied = Visitor(visitor.served, cookies=dict(visitor.cookies))
    assert (await copied.get("/field/")).status == 200
    seen = await visitor.post("/sign-out")
    assert (seen.status, seen.location) == (303, "/sign-in?done=out")
    assert SIGN_IN not in visitor.cookies
    assert (await copied.get("/field/")).location == "/sign-in?next=/field/"


@ON_BOTH
async def test_each_sign_in_is_under_a_new_token(house, visitor):
    """What a browser brought along is never taken over, and a former sign-in ends with the new."""
    visitor.cookies[SIGN_IN] = "planted-by-somebody-else"
    await visitor.sign_in("tom")
    first = Visitor(visitor.served, cookies=dict(visitor.cookies))
    assert first.cookies[SIGN_IN] != "planted-by-somebody-else"
    await visitor.sign_in("tom")
    assert visitor.cookies[SIGN_IN] != first.cookies[SIGN_IN]
    assert (await first.get("/field/")).status == 303
    assert [row["ended_at"] is None for row in await rows(house, sign_in)].count(True) == 1


@ON_BOTH
async def test_unused_it_ends_and_used_it_ends_too(visitor, machine):
    """After 12 hours unused, and after 7 days in any case, somebody has to sign in again."""
    await visitor.sign_in("tom")
    machine.forward(timedelta(hours=11))
    assert (await visitor.get("/field/")).status == 200
    machine.forward(timedelta(hours=11, minutes=59))
    assert (await visitor.get("/field/")).status == 200
    machine.forward(timedelta(hours=12))
    assert (await visitor.get("/field/")).status == 303
    await visitor.sign_in("tom")
    for _ in range(7 * 4 - 1):
        machine.forward(timedelta(hours=6))
        assert (await visitor.get("/field/")).status == 200
    machine.forward(timedelta(hours=6))
    assert (await visitor.get("/field/")).status == 303


async def test_who_is_not_signed_in_comes_back_to_the_page(visitor):
    """The page that was asked for is where the sign-in leads, its query too; never elsewhere."""
    seen = await visitor.get("/me?done=revoked")
    assert (seen.status, seen.location) == (303, "/sign-in?next=/me%3Fdone%3Drevoked")
    page = await visitor.get(seen.location)
    assert 'name="next" value="/me?done=revoked"' in page.text
    seen = await visitor.sign_in("olga", next="/me?done=revoked")
    assert seen.location == "/me?done=revoked"
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example"):
        assert (await visitor.sign_in("olga", next=evil)).location == "/console/"


async def test_a_form_from_elsewhere_does_nothing(house, visitor):
    """Neither another site's form nor one without this sign-in's token ends any sign-in."""
    await visitor.sign_in("tom")
    other = Visitor(visitor.served)
    await other.sign_in("tom")
    away = {"Sec-Fetch-Site": "cross-site"}
    foreign = {"Origin": "https://evil.example"}
    for headers in (away, {"Sec-Fetch-Site": "same-site"}, foreign, {"Origin": "null"}, {}):
        seen = await visitor.post("/me/sign-ins/revoke", headers=headers)
        assert seen.status == 403, headers
        assert "was not sent by our own page" in seen.text
    for token in ("", "0" * 64, other.token):
        seen = await visitor.post("/me/sign-ins/revoke", token=token)
        assert seen.status == 403
        assert "reload" in seen.text
    assert all(row["ended_at"] is None for row in await rows(house, sign_in))
    ours = {"Origin": visitor.served.url}
    assert (await visitor.post("/me/sign-ins/revoke", headers=ours)).status == 303
    assert (await other.get("/me")).status == 303


async def test_the_door_takes_no_form_from_elsewhere(visitor):
    """Another site cannot sign a browser in, either."""
    away = {"Sec-Fetch-Site": "cross-site"}
    seen = await visitor.post("/sign-in", headers=away, name="tom", password=PASSWORD)
    assert seen.status == 403
    assert visitor.cookies == {}


async def test_looking_changes_nothing(house, visitor):
    """No GET of these pages writes anything, nor does a GET of what a form does."""
    await visitor.sign_in("olga")
    tom = await named(house, "tom")
    before = [await rows(house, table) for table in (person, sign_in)]
    for path in ("/me", "/people", f"/people/{tom.id}", "/field/", "/field", "/sign-in"):
        assert (await visitor.get(path)).status in {200, 303}, path
    for path in ("/sign-out", "/me/password", f"/people/{tom.id}/disable"):
        assert (await visitor.get(path)).status in {404, 405}, path
    assert [await rows(house, table) for table in (person, sign_in)] == before


@ON_BOTH
async def test_the_owner_adds_somebody_whose_password_is_shown_once(house, visitor):
    """A made password opens the door; the page with it is kept by nobody."""
    await visitor.sign_in("olga")
    shown = await visitor.post("/people", name="Anna.K", display="Anna <K>", role="technician")
    assert shown.status == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert "Anna &lt;K&gt;" in shown.text
    made = shown.text.partition("data-password>")[2].partition("<")[0]
    assert (await Visitor(visitor.served).sign_in("anna.k", made)).location == "/field/"
    assert made not in (await visitor.get("/people")).text
    for wrong, told in (
        ({"name": "anna.k"}, "is called &#39;anna.k&#39; already"),
        ({"name": "a b"}, "name: 2 to 40 of a-z"),
        ({"name": "otto", "role": "king"}, "role: it is none of"),
        ({"name": "otto", "password": "short"}, "password: take at least 10 characters"),
        ({"name": "otto", "password": "otto-password1"}, "first that are guessed"),
    ):
        seen = await visitor.post("/people", **wrong)
        assert seen.status in {400, 409}, wrong
        assert told in seen.text
    anna = await named(house, "anna.k")
    async with house.store.read() as tx:
        deed = (await history(tx, f"person:{anna.id}"))[-1]
    assert (deed.action, deed.actor) == ("person.add", (await named(house, "olga")).actor)


async def test_who_is_disabled_is_out_at_once(house, visitor):
    """The owner's word ends every sign-in of somebody; let in again, the password still fits."""
    tom = await named(house, "tom")
    toms = Visitor(visitor.served)
    await toms.sign_in("tom")
    await visitor.sign_in("olga")
    assert (await visitor.post(f"/people/{tom.id}/disable")).status == 303
    assert (await toms.get("/field/")).status == 303
    assert (await toms.sign_in("tom")).status == 400
    assert "not let in" in (await visitor.get("/people")).text
    assert (await visitor.post(f"/people/{tom.id}/enable")).status == 303
    assert (await toms.sign_in("tom")).status == 303


@ON_BOTH
async def test_somebody_can_always_add_people(house, visitor):
    """The last owner cannot be shut out; with another one it goes."""
    await visitor.sign_in("olga")
    olga = await named(house, "olga")
    seen = await visitor.post(f"/people/{olga.id}/disable")
    assert seen.status == 403
    assert "make another owner first" in seen.text
    await added(house, "otto", "owner")
    assert (await visitor.post(f"/people/{olga.id}/disable")).status == 303
    assert (await visitor.get("/people")).status == 303


async def test_a_new_password_ends_what_the_old_one_opened(house, visitor):
    """Made by the owner, it is the only one that fits, and every sign-in is over."""
    tom = await named(house, "tom")
    toms = Visitor(visitor.served)
    await toms.sign_in("tom")
    await visitor.sign_in("olga")
    shown = await visitor.post(f"/people/{tom.id}/password")
    made = shown.text.partition("data-password>")[2].partition("<")[0]
    assert (await toms.get("/field/")).status == 303
    assert (await toms.sign_in("tom")).status == 400
    assert (await toms.sign_in("tom", made)).status == 303


@ON_BOTH
async def test_the_owner_ends_sign_ins_of_others(house, visitor):
    """One of them or all; another person's page cannot end somebody else's."""
    tom, olga = await named(house, "tom"), await named(house, "olga")
    toms = [Visitor(visitor.served), Visitor(visitor.served)]
    for one in toms:
        await one.sign_in("tom")
    await visitor.sign_in("olga")
    first = next(row["id"] for row in await rows(house, sign_in) if row["person_id"] == tom.id)
    wrong = await visitor.post(f"/people/{olga.id}/sign-ins/{first}/revoke")
    assert (wrong.status, "no such sign-in" in wrong.text) == (404, True)
    assert (await visitor.post(f"/people/{tom.id}/sign-ins/{first}/revoke")).status == 303
    assert [(await one.get("/me")).status for one in toms].count(200) == 1
    assert (await visitor.post(f"/people/{tom.id}/revoke")).status == 303
    assert [(await one.get("/me")).status for one in toms] == [303, 303]


async def test_somebody_looks_after_their_own_sign_ins(house, visitor):
    """Each is listed with its browser and can be ended; nobody ends another person's."""
    phone, olga = Visitor(visitor.served, agent=AGENT), Visitor(visitor.served)
    await phone.sign_in("tom")
    (theirs,) = [row["id"] for row in await rows(house, sign_in)]
    await visitor.sign_in("tom")
    page = (await visitor.get("/me")).text
    assert "Chrome on Android" in page
    assert f"/me/sign-ins/{theirs}/revoke" in page
    await olga.sign_in("olga")
    assert (await olga.post(f"/me/sign-ins/{theirs}/revoke")).status == 404
    assert (await phone.get("/me")).status == 200
    assert (await visitor.post(f"/me/sign-ins/{theirs}/revoke")).location == "/me?done=revoked"
    assert (await phone.get("/me")).status == 303
    assert (await visitor.get("/me")).status == 200


@ON_BOTH
async def test_changing_ones_password(visitor):
    """It needs the present one, ends all other sign-ins and goes on under another token."""
    other = Visitor(visitor.served)
    await other.sign_in("tom")
    await visitor.sign_in("tom")
    new = "nine-blue-lanterns"
    for form, told in (
        ({"current": "wrong", "new": new, "again": new}, "this is not your password"),
        ({"current": PASSWORD, "new": new, "again": "x"}, "differ"),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "at least 10 characters"),
    ):
        seen = await visitor.post("/me/password", **form)
        assert (seen.status, told in seen.text) == (400, True), form
    before = visitor.cookies[SIGN_IN]
    form = {"current": PASSWORD, "new": new, "again": new}
    assert (await visitor.post("/me/password", **form)).location == "/me?done=password"
    assert visitor.cookies[SIGN_IN] != before
    assert (await visitor.get("/me")).status == 200
    assert (await other.get("/me")).status == 303
    assert (await Visitor(visitor.served).sign_in("tom")).status == 400
    assert (await Visitor(visitor.served).sign_in("tom", new)).status == 303


async def test_a_role_opens_its_own_pages_and_no_more(visitor):
    """A technician sees the field and is told of the owner's pages only that they are closed."""
    await visitor.sign_in("tom")
    assert (await visitor.get("/field/")).status == 200
    seen = await visitor.get("/people")
    assert (seen.status, "role does not open this page" in seen.text) == (403, True)
    assert 'href="/people"' not in (await visitor.get("/me")).text


@ON_BOTH
async def test_another_role_counts_at_once(house, visitor):
    """Whoever is signed in sees other pages with the next click; the last owner stays owner."""
    olga, tom = Visitor(visitor.served), await named(house, "tom")
    await visitor.sign_in("tom")
    assert (await visitor.get("/console/")).status == 403
    await olga.sign_in("olga")
    path = f"/people/{tom.id}/role"
    assert (await olga.post(path, role="cashier")).location == f"/people/{tom.id}?done=role"
    assert (await visitor.get("/console/")).status == 200
    assert (await visitor.get("/field/")).status == 403
    assert (await olga.post(path, role="king")).status == 400
    mine = f"/people/{(await named(house, 'olga')).id}/role"
    refused = await olga.post(mine, role="support")
    assert (refused.status, "make another owner first" in refused.text) == (403, True)
    assert (await olga.post(path, role="owner")).status == 303
    assert (await olga.post(mine, role="support")).status == 303
    assert (await olga.get("/people")).status == 403
    async with house.store.read() as tx:
        deeds = await history(tx, f"person:{tom.id}")
    told = [(one.before, one.after) for one in deeds if one.action == "person.role"]
    assert told == [("cashier", "owner"), ("technician", "cashier")]


async def test_a_role_that_nobody_knows_opens_nothing(house, visitor):
    """What another version wrote into the database is no key."""
    await house.store.once("UPDATE person SET role = 'king' WHERE name = 'tom'", ())
    assert (await visitor.sign_in("tom")).location == "/me"
    assert (await visitor.get("/field/")).status == 403


async def test_a_network_that_can_be_listened_to_is_told_so(house, visitor):
    """Over plain HTTP from elsewhere nobody signs in, unless the operator has a closed network."""
    plain = {"Host": "boxoffice.lan"}
    visitor.address = ""
    seen = await visitor.get("/sign-in", **plain)
    assert (seen.status, "is not encrypted" in seen.text) == (403, True)
    form = {"name": "tom", "password": PASSWORD}
    ours = {**plain, "Origin": "http://boxoffice.lan"}
    assert (await visitor.post("/sign-in", headers=ours, **form)).status == 403
    behind = {**ours, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"}
    assert (await visitor.post("/sign-in", headers=behind, **form)).status == 403
    house.settings = house.settings.model_copy(update={"insecure_cookies": True})
    seen = await visitor.post("/sign-in", headers=ours, **form)
    assert seen.status == 303
    assert not seen.cookies["boxoffice"]["secure"]
    assert (await visitor.get("/field/", **plain)).status == 200


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("no address", "unknown"),
    ],
)
async def test_a_proxy_says_from_where_somebody_asks(house, visitor, told, known):
    """The last address it added counts, and of IPv6 what one household has."""
    visitor.address = told
    await visitor.sign_in("tom", "wrong")
    keys = {row["key"] for row in await rows(house, guess)}
    assert f"person address:{known}" in keys
    assert not any("tom" in key for key in keys)


async def test_a_proxy_is_believed_only_where_it_is_said_to_be(house, visitor):
    """From anywhere else its word about TLS counts nothing."""
    house.settings = house.settings.model_copy(update={"proxy_networks": ("10.0.0.0/8",)})
    assert (await visitor.sign_in("tom")).status == 403


class Meanwhile(Passwords):
    """Passwords that are looked at so slowly that something else happens before the answer."""

    house: House
    sql: str

    async def fits(self, password: str, kept: str | None) -> bool:
        """Look, and let the owner be quicker than the answer."""
        fits = await super().fits(password, kept)
        await self.house.store.once(self.sql, ())
        return fits


@pytest.mark.parametrize("change", ["password_hash = 'another'", "disabled_at = 1"])
async def test_what_changed_while_a_password_was_looked_at_counts(house, visitor, change):
    """Whoever was shut out, or got another password, in that very moment is not let in."""
    slow = Meanwhile(house.chance, CHEAPEST)
    slow.house, slow.sql = house, f"UPDATE person SET {change} WHERE name = 'tom'"
    house.keeper.passwords = slow
    assert (await visitor.sign_in("tom")).status == 400
    assert await rows(house, sign_in) == []


async def test_on_a_fresh_database_the_door_says_how_the_first_owner_is_made(house):
    """It shows the command, and neither token nor key; once somebody can sign in it is gone."""
    command = "boxoffice user add NAME --role owner"
    async with serving(house) as fresh:
        page = (await Visitor(fresh).get("/sign-in")).text
        assert command in page
        assert fresh.token not in page
        await added(house, "olga", "owner")
        assert command not in (await Visitor(fresh).get("/sign-in")).text
