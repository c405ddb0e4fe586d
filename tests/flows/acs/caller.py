"""A caller that can do everything wrong: raw HTTP towards the ACS, digest by RFC 7616."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar

from tests.flows.acs.world import MODEL

CWMP = "urn:dslforum-org:cwmp-1-2"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(body: str, *, number: str = "1", head: str = "") -> bytes:
    """Wrap a body as the schemas have it."""
    return (
        f'{head}<s:Envelope xmlns:s="{SOAP}" xmlns:c="{CWMP}"><s:Header>'
        f"<c:ID>{number}</c:ID></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def inform(
    serial: str,
    *,
    key: str = "",
    event: str = "2 PERIODIC",
    model: str = MODEL,
    retries: int = 0,
    more: Mapping[str, str] | None = None,
) -> bytes:
    """Write an Inform."""
    values = {"Device.ManagementServer.ParameterKey": key, **(more or {})}
    told = "".join(
        f"<P><Name>{name}</Name><Value>{value}</Value></P>" for name, value in values.items()
    )
    return envelope(
        "<c:Inform><DeviceId><Manufacturer>M</Manufacturer><OUI>00163E</OUI>"
        f"<ProductClass>{model}</ProductClass><SerialNumber>{serial}</SerialNumber></DeviceId>"
        f"<Event><E><EventCode>{event}</EventCode><CommandKey/></E></Event>"
        "<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-01-01T00:00:00Z</CurrentTime>"
        f"<RetryCount>{retries}</RetryCount><ParameterList>{told}</ParameterList></c:Inform>"
    )


@dataclass
class Got:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def cookie(self) -> str:
        """The cookie it sets, without attributes."""
        return self.headers.get("Set-Cookie", "").partition(";")[0]


@dataclass
class Caller:
    """One caller with a name and a password; a count of the nonce it was given."""

    url: str
    username: str = ""
    password: str = ""
    cookie: str = ""
    nonce: str = ""
    opaque: str = ""
    realm: str = ""
    count: int = 0
    last_proof: str = ""
    http: ClientSession = field(init=False)

    async def __aenter__(self) -> Self:
        self.http = ClientSession(
            cookie_jar=DummyCookieJar(), timeout=ClientTimeout(20), auto_decompress=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def send(self, body: Any, *, method: str = "POST", path: str = "", **headers: str) -> Got:
        """Send exactly this."""
        sent = {"Content-Type": "text/xml", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if self.cookie:
            sent.setdefault("Cookie", self.cookie)
        url = self.url.rpartition("/")[0] + path if path else self.url
        async with self.http.request(method, url, data=body, headers=sent) as answer:
            return Got(answer.status, answer.headers, await answer.read())

    async def challenged(self) -> None:
        """Fetch a nonce."""
        got = await self.send(b"")
        assert got.status == 401
        told = dict(re.findall(r'(\w+)="([^"]*)"', got.headers["WWW-Authenticate"]))
        self.nonce, self.opaque, self.realm = told["nonce"], told["opaque"], told["realm"]
        self.count = 0

    def proof(self, *, count: int | None = None, uri: str = "/boxes") -> str:
        """Write the proof of the next use of the nonce, or of another."""
        if count is None:
            self.count += 1
            count = self.count

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        who = md5(f"{self.username}:{self.realm}:{self.password}")
        response = md5(f"{who}:{self.nonce}:{count:08x}:c:auth:{md5(f'POST:{uri}')}")
        self.last_proof = (
            f'Digest username="{self.username}", realm="{self.realm}", nonce="{self.nonce}", '
            f'uri="{uri}", qop=auth, nc={count:08x}, cnonce="c", response="{response}", '
            f'opaque="{self.opaque}", algorithm=MD5'
        )
        return self.last_proof

    async def post(self, body: bytes = b"", **headers: str) -> Got:
        """Post as one who is signed in; keeps the cookie it is given."""
        if not self.nonce:
            await self.challenged()
        got = await self.send(body, Authorization=self.proof(), **headers)
        self.cookie = got.cookie or self.cookie
        return got
