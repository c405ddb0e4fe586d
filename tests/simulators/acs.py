"""A scripted ACS, written from TR-069 and strict about what a CPE sends.

Runs in a thread. A test says what the next session is asked (`ask`) and gets each session once it
is over (`session`); whatever a CPE does against the standard stands in `complaints`.
"""

import asyncio
import hashlib
import queue
import re
import secrets
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
CWMP = "urn:dslforum-org:cwmp-1-2"
REALM = "acs"
INFORM = ["DeviceId", "Event", "MaxEnvelopes", "CurrentTime", "RetryCount", "ParameterList"]
PARSER = etree.XMLParser(resolve_entities=False)
WAIT_S = 15.0
READ_S = 10.0


@dataclass(kw_only=True)
class Session:
    """One session as the ACS saw it."""

    device: Mapping[str, str] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    values: Mapping[str, str] = field(default_factory=dict)
    current_time: str = ""
    retries: int = 0
    posts: list[Mapping[str, str]] = field(default_factory=list)  # headers, one per request
    peers: list[int] = field(default_factory=list)
    answers: list[tuple[str, Any]] = field(default_factory=list)
    asked: deque[tuple[str, str]] = field(default_factory=deque)
    waits_for: str = ""
    cookie: str = ""
    nonces: set[str] = field(default_factory=set)

    @property
    def codes(self) -> list[str]:
        """The event codes."""
        return [code for code, _ in self.events]

    def fault(self, place: int = 0) -> tuple[str, dict[str, str]]:
        """Tell the code of an answer that is a fault, and the code of each parameter."""
        method, body = self.answers[place]
        assert method == "Fault", method
        told = body.find(f".//{{{CWMP}}}Fault")
        each = {
            one.findtext("ParameterName"): one.findtext("FaultCode")
            for one in told.findall("SetParameterValuesFault")
        }
        return told.findtext("FaultCode"), each

    def read(self, place: int = 0) -> dict[str, str]:
        """Tell the values of an answer to GetParameterValues."""
        method, body = self.answers[place]
        assert method == "GetParameterValuesResponse", (method, etree.tostring(body))
        return {
            one.findtext("Name"): one.findtext("Value") or "" for one in body.find("ParameterList")
        }

    def status(self, place: int = 0) -> str:
        """Tell the Status of an answer to SetParameterValues."""
        method, body = self.answers[place]
        assert method == "SetParameterValuesResponse", (method, etree.tostring(body))
        return body.findtext("Status")


class Acs:
    """The server; `url` is where it listens."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stopped = asyncio.Event()
        self._over: queue.Queue[Session] = queue.Queue()
        self.start_anew()
        self.url = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(WAIT_S)

    def start_anew(self) -> None:
        """Forget every session and every wish."""
        self.complaints: list[str] = []
        self.passwords: dict[str, str] = {}
        self.refusals: deque[tuple[int, Mapping[str, str], bytes]] = deque()
        self.realm_algorithm = "MD5"
        self.offers = frozenset({"digest"})
        self.read_s = READ_S
        self.tolerates: frozenset[str] = frozenset()
        self.statuses: list[int] = []
        self._asks: deque[list[tuple[str, str]]] = deque()
        self._sessions: dict[str, Session] = {}
        self._counts: dict[str, int] = {}
        self._ends = deque[int]()
        while not self._over.empty():
            self._over.get()

    def ask(self, *calls: tuple[str, str], end: int = 204) -> None:
        """Ask these things in the next session, and end it with that status."""
        self._asks.append(list(calls))
        self._ends.append(end)

    def session(self) -> Session:
        """Wait for the next session that is over."""
        return self._over.get(timeout=WAIT_S)

    def is_quiet(self) -> bool:
        """Tell whether no other session has ended meanwhile."""
        return self._over.empty()

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(WAIT_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = web.Server(self._handle, access_log=None)
        listening = await self._loop.create_server(server, "127.0.0.1", 0, backlog=1024)
        port = listening.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/acs?site=1"
        self._ready.set()
        await self._stopped.wait()
        listening.close()
        await server.shutdown(0.01)

    def _complain(self, what: str) -> None:
        self.complaints.append(what)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await self._answer(request)
        self.statuses.append(answer.status)
        return answer

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        try:
            body = await asyncio.wait_for(request.read(), self.read_s)
        except TimeoutError:
            return web.Response(status=408, headers={"Connection": "close"})
        except (web.RequestPayloadError, ConnectionError):
            return web.Response(status=400, headers={"Connection": "close"})
        self._look_at_request(request, body)
        session = self._sessions.get(request.headers.get("Cookie", "").partition("=")[2])
        if self.refusals:
            status, headers, page = self.refusals.popleft()
            return web.Response(status=status, headers=headers, body=page)
        nonce = self._proven(request)
        if nonce is None:
            return self._challenge()
        if session is None:
            session = self._opened(request, body)
            if session is None:
                return web.Response(status=400)
            number = self._number(body)
            return self._say(session, number, INFORM_RESPONSE)
        self._note(session, request)
        return self._go_on(session, body)

    def _go_on(self, session: Session, body: bytes) -> web.Response:
        if body:
            self._take(session, body)
        elif session.waits_for:
            self._complain("an empty post where an answer was due")
        if not session.asked:
            # Told when the status of this answer is noted, too.
            self._loop.call_soon(self._over.put, session)
            del self._sessions[session.cookie]
            return web.Response(status=self._ends.popleft() if self._ends else 204)
        _, call = session.asked.popleft()
        session.waits_for = secrets.token_hex(4)
        return self._say(session, session.waits_for, call)

    def _take(self, session: Session, body: bytes) -> None:
        number, message = self._parsed(body)
        if number != session.waits_for:
            self._complain(f"the answer's id is {number!r} and not {session.waits_for!r}")
        session.waits_for = ""
        session.answers.append((message.tag.rpartition("}")[2], message))

    def _say(self, session: Session, number: str, call: str) -> web.Response:
        text = envelope(number, call)
        # Attributes of a cookie are none of its value.
        headers = {"Set-Cookie": f"session={session.cookie}; Path=/; HttpOnly"}
        return web.Response(text=text, content_type="text/xml", headers=headers)

    def _look_at_request(self, request: web.BaseRequest, body: bytes) -> None:
        if request.method != "POST":
            self._complain(f"method {request.method}")
        if body and not request.headers.get("Content-Type", "").startswith("text/xml"):
            self._complain("a message that is not text/xml")
        if body and "SOAPAction" not in request.headers:
            self._complain("a message without SOAPAction")
        if not body and "SOAPAction" in request.headers:
            self._complain("an empty post with SOAPAction")
        if "Cookie" in request.headers and request.headers["Cookie"].count("=") != 1:
            self._complain(f"cookie {request.headers['Cookie']!r}")

    def _challenge(self) -> web.Response:
        answer = web.Response(status=401)
        if "basic" in self.offers:
            answer.headers.add("WWW-Authenticate", f'Basic realm="{REALM}"')
        if "digest" in self.offers:
            nonce = secrets.token_hex(12)
            self._counts[nonce] = 0
            answer.headers.add(
                "WWW-Authenticate",
                f'Digest realm="{REALM}", qop="auth,auth-int", nonce="{nonce}", '
                f'opaque="42ab", algorithm={self.realm_algorithm}',
            )
        return answer

    def _proven(self, request: web.BaseRequest) -> str | None:
        """Check the proof as RFC 7616 says, with a count that only rises."""
        header = request.headers.get("Authorization", "")
        if "basic" in self.offers and header.startswith("Basic "):
            return header
        found = re.findall(r'(\w+)=(?:"([^"]*)"|([^", ]+))', header)
        told = {name.lower(): quoted or bare for name, quoted, bare in found}
        nonce = told.get("nonce", "")
        if not header.startswith("Digest ") or nonce not in self._counts:
            return None
        hashed = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[self.realm_algorithm]
        who = f"{told['username']}:{REALM}:{self.passwords.get(told['username'])}"
        what = f"POST:{request.path_qs}"
        a1, a2 = (hashed(one.encode()).hexdigest() for one in (who, what))
        middle = f"{nonce}:{told['nc']}:{told['cnonce']}:auth"
        if told["response"] != hashed(f"{a1}:{middle}:{a2}".encode()).hexdigest():
            return None
        if told["opaque"] != "42ab" or told["uri"] != request.path_qs:
            self._complain("the proof does not repeat what the challenge said")
        count = int(told["nc"], 16)
        if count <= self._counts[nonce]:
            return None
        if count != self._counts[nonce] + 1:
            self._complain(f"the count goes from {self._counts[nonce]} to {count}")
        self._counts[nonce] = count
        return nonce

    def _opened(self, request: web.BaseRequest, body: bytes) -> Session | None:
        if "Cookie" in request.headers:
            self._complain("a cookie in a session's first message")
        if not body:
            self._complain("an empty post outside a session")
            return None
        _, message = self._parsed(body)
        if message.tag != f"{{{CWMP}}}Inform":
            self._complain(f"a session begins with {message.tag}")
            return None
        session = self._read_inform(message)
        session.cookie = secrets.token_hex(8)
        session.asked = deque(self._asks.popleft() if self._asks else [])
        self._sessions[session.cookie] = session
        self._note(session, request)
        return session

    def _note(self, session: Session, request: web.BaseRequest) -> None:
        session.posts.append(dict(request.headers))
        assert request.transport is not None
        session.peers.append(request.transport.get_extra_info("peername")[1])

    def _number(self, body: bytes) -> str:
        return self._parsed(body)[0]

    def _parsed(self, body: bytes) -> tuple[str, Any]:
        root = etree.fromstring(body, PARSER)
        header, content = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
        assert header is not None
        assert content is not None
        number = header.find(f"{{{CWMP}}}ID")
        if number is None or number.get(f"{{{SOAP}}}mustUnderstand") != "1":
            self._complain("no ID that must be understood")
        if len(content) != 1:
            self._complain(f"{len(content)} messages in one envelope")
        for array in root.iter():
            told = array.get(f"{{{ENCODING}}}arrayType")
            if told is not None and not told.endswith(f"[{len(array)}]"):
                self._complain(f"an array of {len(array)} says {told}")
        for value in root.iter("Value"):
            if not (value.get(f"{{{SCHEMA}}}type") or "").startswith("xsd:"):
                self._complain("a value without a type")
        return ("" if number is None else number.text or ""), content[0]

    def _read_inform(self, message: Any) -> Session:
        if [one.tag for one in message] != INFORM:
            self._complain(f"an Inform of {[one.tag for one in message]}")
        if message.findtext("MaxEnvelopes") != "1":
            self._complain("MaxEnvelopes is not 1")
        moment = message.findtext("CurrentTime")
        datetime.fromisoformat(moment)
        return Session(
            device={one.tag: one.text or "" for one in message.find("DeviceId")},
            events=[
                (one.findtext("EventCode"), one.findtext("CommandKey") or "")
                for one in message.find("Event")
            ],
            values={
                one.findtext("Name"): one.findtext("Value") or ""
                for one in message.find("ParameterList")
            },
            current_time=moment,
            retries=int(message.findtext("RetryCount")),
        )


INFORM_RESPONSE = "<c:InformResponse><MaxEnvelopes>1</MaxEnvelopes></c:InformResponse>"


def envelope(number: str, call: str) -> str:
    """Write a message to a CPE, with prefixes of our own."""
    return (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:e="{ENCODING}" xmlns:c="{CWMP}"'
        f' xmlns:i="{SCHEMA}" xmlns:x="http://www.w3.org/2001/XMLSchema">'
        f'<s:Header><c:ID s:mustUnderstand="1">{number}</c:ID></s:Header>'
        f"<s:Body>{call}</s:Body></s:Envelope>"
    )


def get_values(*names: str) -> tuple[str, str]:
    """Ask for values."""
    told = "".join(f"<string>{name}</string>" for name in names)
    return "GetParameterValues", (
        f'<c:GetParameterValues><ParameterNames e:arrayType="x:string[{len(names)}]">{told}'
        "</ParameterNames></c:GetParameterValues>"
    )


def get_names(path: str, level: str) -> tuple[str, str]:
    """Ask for names."""
    return "GetParameterNames", (
        f"<c:GetParameterNames><ParameterPath>{path}</ParameterPath><NextLevel>{level}</NextLevel>"
        "</c:GetParameterNames>"
    )


def set_values(
    values: Mapping[str, str] | Iterable[tuple[str, str, str]], key: str = ""
) -> tuple[str, str]:
    """Set values; a mapping leaves the types to be guessed from the names."""
    rows = (
        [(name, _kind(name), text) for name, text in values.items()]
        if isinstance(values, Mapping)
        else list(values)
    )
    told = "".join(
        f"<ParameterValueStruct><Name>{name}</Name>"
        f'<Value i:type="x:{kind}">{escape(text)}</Value></ParameterValueStruct>'
        for name, kind, text in rows
    )
    return "SetParameterValues", (
        f'<c:SetParameterValues><ParameterList e:arrayType="c:ParameterValueStruct[{len(rows)}]">'
        f"{told}</ParameterList><ParameterKey>{key}</ParameterKey></c:SetParameterValues>"
    )


def reboot(key: str = "") -> tuple[str, str]:
    """Ask for a restart."""
    return "Reboot", f"<c:Reboot><CommandKey>{key}</CommandKey></c:Reboot>"


def schedule_inform(delay_s: int, key: str) -> tuple[str, str]:
    """Ask for an Inform later on."""
    return "ScheduleInform", (
        f"<c:ScheduleInform><DelaySeconds>{delay_s}</DelaySeconds><CommandKey>{key}</CommandKey>"
        "</c:ScheduleInform>"
    )


def plain(method: str) -> tuple[str, str]:
    """Ask for something that takes no arguments."""
    return method, f"<c:{method}/>"


def _kind(name: str) -> str:
    last = name.rpartition(".")[2]
    if last in {"Enable", "PeriodicInformEnable", "ResetPINCode"}:
        return "boolean"
    if last in {"PeriodicInformInterval", "RequestedNumberOfRepetitions"}:
        return "unsignedInt"
    return "dateTime" if last.endswith("Time") else "string"
