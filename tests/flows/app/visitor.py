"""Somebody with a browser: keeps cookies, follows nothing by itself, sends forms as pages do."""

import re
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from typing import Any, cast
from urllib.parse import urlencode

from argon2.profiles import CHEAPEST
from multidict import CIMultiDictProxy

from app.identity import deeds, people
from app.identity.deeds import NewPerson
from app.identity.door import form_token
from app.identity.passwords import Passwords
from app.identity.people import Person
from app.wiring import House
from tests.flows.app.served import Served

ELSEWHERE = "192.0.2.1"
PASSWORD = "seven-green-boats"
SIGN_IN = "__Host-boxoffice"
BROWSER = "__Host-boxoffice-browser"
# Forms of pages that nobody has signed in for.
DOORS = {"/sign-in", "/set-up", "/portal/sign-in", "/portal/code", "/portal/code/check"}


def hurry(house: House) -> None:
    """Have passwords cost next to nothing, so that many can be tried."""
    house.keeper.passwords = house.subscribers.passwords = Passwords(house.chance, CHEAPEST)


async def added(house: House, name: str, role: str, password: str = PASSWORD) -> Person:
    """Add somebody."""
    kept = await deeds.hashed(house.keeper, password, name)
    new = NewPerson.read(name=name, role=role, display=name.title())
    async with house.store.begin() as tx:
        return await deeds.add(house.keeper, tx, new, kept, "test")


async def named(house: House, name: str) -> Person:
    """Read somebody anew."""
    async with house.store.read() as tx:
        return await people.find(tx, name)


@dataclass(slots=True, kw_only=True)
class Seen:
    """What came back."""

    status: int
    text: str
    location: str
    headers: dict[str, str]
    cookies: dict[str, Morsel[str]]

    @property
    def token(self) -> str:
        """The hidden field of the forms on this page."""
        found = re.search(r'name="token" value="(\w+)"', self.text)
        return found[1] if found else ""


@dataclass(slots=True)
class Visitor:
    """One browser, behind a proxy that speaks for its address."""

    served: Served
    address: str = ELSEWHERE
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    agent: str = "curl/8"

    async def get(self, path: str, **headers: str) -> Seen:
        """Look at a page; the token of its forms is remembered."""
        seen = await self._ask("GET", path, headers, None)
        self.token = seen.token or self.token
        return seen

    async def post(self, path: str, headers: Any = None, **form: str) -> Seen:
        """Send a form with the token of the last page, unless another one is given."""
        fields = {"token": self.token, **form}
        if path in DOORS:
            del fields["token"]
        given = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = given | ({"Sec-Fetch-Site": "same-origin"} if headers is None else headers)
        return await self._ask("POST", path, sent, urlencode(fields).encode())

    async def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> Seen:
        """Send the form of the sign-in page; a token of forms is fetched where it was right."""
        seen = await self.post("/sign-in", name=name, password=password, **more)
        if seen.status == 303:
            await self.get("/me")
        return seen

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], data: bytes | None
    ) -> Seen:
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"User-Agent": self.agent} | ({"Cookie": kept} if kept else {})
        if self.address:
            sent["X-Forwarded-For"] = self.address
        status, body, answered = await self.served.raw(
            method, path, headers=sent | headers, data=data
        )
        told: SimpleCookie = SimpleCookie()
        for line in cast("CIMultiDictProxy[str]", answered).getall("Set-Cookie", []):
            told.load(line)
        for name, morsel in told.items():
            self.cookies[name] = morsel.value
            if morsel["max-age"] == "0":
                del self.cookies[name]
        return Seen(
            status=status,
            text=body.decode(),
            location=answered.get("Location", ""),
            headers=dict(answered),
            cookies=dict(told),
        )


async def let_in(served: Served, role: str = "owner", name: str = "") -> Visitor:
    """Give the browser of somebody who is in, under a name that is their role unless said."""
    keeper = served.house.keeper
    async with served.house.store.read() as tx:
        found = await people.with_hash(tx, name or role)
    async with served.house.store.begin() as tx:
        new = NewPerson(name=name or role, display=role.title(), role=role)
        one = found[0] if found else await deeds.add(keeper, tx, new, "no hash", "test")
        let = await keeper.begin(tx, one, label="test")
    return Visitor(served, cookies={SIGN_IN: let.token}, token=form_token(let.token))
