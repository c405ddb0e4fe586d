"""The HTTP door on a real wire: what it sends, what it takes, what it says when things go wrong."""

import asyncio
import gzip
import socket
import ssl
import subprocess
import sys
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.adapters.sdk import Http
from runtime.http import HttpDoor
from runtime.networks import LOOPBACK, PUBLIC_ONLY
from terms.errors import Permanent, Retryable, Unreachable
from tests.unit.runtime_doors.wire import OK, Wire, hanging_up_after, repeating, saying, serving

ROOT = Path(__file__).resolve().parents[3]
ANYWHERE = "0.0.0.0"  # noqa: S104 - nobody binds it, connecting to it is what must not work
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FOREVER = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture
async def door():
    """A door to this machine."""
    door = HttpDoor(networks=LOOPBACK, deadline_s=5)
    yield door
    await door.aclose()


def sized(body: bytes, *headers: bytes) -> bytes:
    """A whole answer with these headers and this body."""
    head = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


# --- what goes out, what comes back -----------------------------------------------------------


async def test_a_request_goes_out_as_it_was_given(door: HttpDoor):
    """Method, path, headers and body reach the server unchanged; a quoted comma stays quoted."""
    async with serving() as wire:
        await door.call(
            "PUT", f"{wire.url}/a%2Cb/../c?x=%7e+", headers={"X-Key": "v"}, body=b"s=\xff"
        )
    head, _, body = wire.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /a%2Cb/../c?x=%7e+ HTTP/1.1\r\n")
    assert b"\r\nX-Key: v\r\n" in head
    assert b"\r\nUser-Agent: boxoffice\r\n" in head
    assert body == b"s=\xff"


async def test_an_answer_is_status_headers_and_body(door: HttpDoor):
    """Whatever the status, the whole answer comes back; headers are found by lower-case name."""
    answer = b"HTTP/1.1 503 Busy\r\nRetry-AFTER: 7\r\nContent-Length: 4\r\n\r\nlate"
    async with serving(saying(answer)) as wire:
        got = await door.call("GET", wire.url)
    assert (got.status, got.headers["retry-after"], got.body) == (503, "7", b"late")
    assert "location" not in got.headers


async def test_the_door_is_what_adapters_ask_for(door: HttpDoor):
    """An adapter's Http port takes the door as it is."""
    http: Http = door
    async with serving() as wire:
        assert (await http.call("GET", wire.url)).body == b"OK"


async def test_a_redirect_is_an_answer(door: HttpDoor):
    """A redirect is handed to the caller; nobody goes where it points."""
    async with serving() as other:
        target = f"HTTP/1.1 307 Go\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n"
        async with serving(saying(target.encode())) as wire:
            got = await door.call("POST", wire.url, body=b"x")
    assert got.status == 307
    assert other.connections == 0


async def test_no_cookie_is_kept(door: HttpDoor):
    """What a server sets is not sent back to it."""
    async with serving(saying(sized(b"", b"Set-Cookie: a=b; Path=/"))) as wire:
        for _ in range(2):  # by name: cookie jars leave bare addresses alone anyway
            await door.call("GET", f"http://localhost:{wire.port}/")
    assert len(wire.requests) == 2
    assert not any(b"cookie" in request.lower() for request in wire.requests)


async def test_a_connection_serves_many_requests(door: HttpDoor):
    """One connection carries one request after the other."""
    async with serving() as wire:
        for _ in range(5):
            await door.call("GET", wire.url)
    assert (len(wire.requests), wire.connections) == (5, 1)


async def test_at_most_so_many_are_in_flight():
    """A hundred callers share the connections that the door may have."""
    door = HttpDoor(networks=LOOPBACK, in_flight_max=3)
    async with serving() as wire:
        await asyncio.gather(*(door.call("GET", wire.url) for _ in range(100)))
        await door.aclose()
    assert len(wire.requests) == 100
    assert wire.connections <= 3


async def test_a_closed_door_stays_closed(door: HttpDoor):
    """After closing nothing is sent any more, and the caller is told that nothing was."""
    async with serving() as wire:
        await door.call("GET", wire.url)
        for _ in range(2):
            await door.aclose()
            with pytest.raises(Retryable, match=f"the door to 127.0.0.1:{wire.port} is closed"):
                await door.call("GET", wire.url)
    assert (len(wire.requests), wire.connections) == (1, 1)


async def test_closing_ends_the_calls_on_their_way():
    """Whoever waits for an answer, or for a connection, is told; nobody is cancelled by that."""
    door = HttpDoor(networks=LOOPBACK, in_flight_max=1, deadline_s=30)
    async with serving(silent) as wire:
        calls = [asyncio.create_task(door.call("GET", wire.url)) for _ in range(3)]
        await wire.asked.wait()
        await door.aclose()
        ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in ended] == [Unreachable] * 3
    assert len(wire.requests) == 1


async def test_closing_hides_no_cancellation():
    """A caller that is cancelled while the door closes ends cancelled."""
    door = HttpDoor(networks=LOOPBACK, deadline_s=30)
    async with serving(silent) as wire:
        call = asyncio.create_task(door.call("GET", wire.url))
        await wire.asked.wait()
        call.cancel()
        await door.aclose()
        with pytest.raises(asyncio.CancelledError):
            await call


# --- never twice ------------------------------------------------------------------------------


async def once_then_gone(wire: Wire, writer: asyncio.StreamWriter) -> None:
    """Answer the first request; take every other one and close without a word."""
    if len(wire.requests) == 1:
        writer.write(OK)
    else:
        writer.close()


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST"])
async def test_a_request_is_sent_once(door: HttpDoor, method):
    """A request lost on a kept connection is reported, not sent again."""
    async with serving(once_then_gone) as wire:
        await door.call("GET", wire.url)
        with pytest.raises(Unreachable, match="broke the connection"):
            await door.call(method, wire.url)
        assert len(wire.requests) == 2


async def test_the_library_alone_would_send_it_twice():
    """The same loss makes aiohttp's own client repeat the request: the trap is real."""
    async with serving(once_then_gone) as wire, aiohttp.ClientSession() as session:
        await (await session.get(wire.url)).read()
        with pytest.raises(aiohttp.ClientError):
            await session.delete(wire.url)
        assert len(wire.requests) == 3


# --- deadlines --------------------------------------------------------------------------------


async def silent(_wire: Wire, _writer: asyncio.StreamWriter) -> None:
    """Say nothing, ever."""
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "reply",
    [
        silent,
        repeating(b"x", pause_s=0.01, head=FOREVER),
        repeating(b"1\r\nx\r\n", pause_s=0.01, head=CHUNKED),
        repeating(b"X-More: 1\r\n", pause_s=0.05, head=b"HTTP/1.1 200 OK\r\n"),
    ],
    ids=["silent", "dripping body", "dripping chunks", "dripping head"],
)
async def test_the_deadline_is_for_everything(door: HttpDoor, reply):
    """A server that says nothing, or a little for ever, is left at the deadline."""
    async with serving(reply) as wire:
        with pytest.raises(Unreachable, match=r"gave no answer in 0\.2 s"):
            await door.call("GET", wire.url, deadline_s=0.2)


async def test_waiting_for_a_connection_counts():
    """The deadline runs while all connections are busy."""
    door = HttpDoor(networks=LOOPBACK, in_flight_max=1, deadline_s=30)
    async with serving(silent) as wire:
        busy = asyncio.create_task(door.call("GET", wire.url))
        await wire.asked.wait()
        with pytest.raises(Unreachable, match="gave no answer"):
            await door.call("GET", wire.url, deadline_s=0.1)
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)
        await door.aclose()
    assert len(wire.requests) == 1


# --- sizes ------------------------------------------------------------------------------------


async def test_the_largest_body_is_taken_whole(door: HttpDoor):
    """A body of exactly the limit is taken, one byte more is refused; a call may set its own."""
    async with serving(saying(sized(b"x" * 300_000))) as wire:
        assert len((await door.call("GET", wire.url, body_bytes_max=300_000)).body) == 300_000
        with pytest.raises(Permanent, match="a body larger than 299999 bytes"):
            await door.call("GET", wire.url, body_bytes_max=299_999)


async def test_an_endless_body_ends_at_the_limit(door: HttpDoor):
    """A body without an end is left at the limit and its connection is not used again."""
    async with serving(repeating(b"1000\r\n" + b"x" * 4096 + b"\r\n", head=CHUNKED)) as wire:
        for _ in range(2):
            with pytest.raises(Permanent, match="a body larger than 1048576 bytes"):
                await door.call("GET", wire.url)
    assert wire.connections == 2


async def test_a_bomb_does_not_unfold(door: HttpDoor):
    """200 MB packed in 200 kB are refused having taken a few megabytes."""
    packed = gzip.compress(bytes(200_000_000), compresslevel=9)
    async with serving(saying(sized(packed, b"Content-Encoding: gzip"))) as wire:
        tracemalloc.start()
        try:
            with pytest.raises(Permanent, match="larger than"):
                await door.call("GET", wire.url)
            assert tracemalloc.get_traced_memory()[1] < 8_000_000
        finally:
            tracemalloc.stop()


async def test_a_packed_body_comes_unpacked(door: HttpDoor):
    """An honest compressed body is unpacked."""
    packed = gzip.compress(b"hello " * 1000)
    async with serving(saying(sized(packed, b"Content-Encoding: gzip"))) as wire:
        assert (await door.call("GET", wire.url)).body == b"hello " * 1000


# --- broken servers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it",
        CHUNKED + b"5\r\nab",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        sized(b"this is no gzip", b"Content-Encoding: gzip"),
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk", "ssh", "long header", "no gzip"],
)
async def test_half_an_answer_is_none(door: HttpDoor, answer):
    """An answer that breaks off or is no HTTP counts as none."""
    async with serving(hanging_up_after(answer)) as wire:
        with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{wire.port} broke the connection"):
            await door.call("GET", wire.url)


async def test_nobody_there(door: HttpDoor):
    """A closed port is unreachable, and the message names the server."""
    async with serving() as wire:
        pass
    with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{wire.port} cannot be connected to"):
        await door.call("GET", wire.url)


async def test_an_unknown_name_is_unreachable(door: HttpDoor, monkeypatch):
    """A host whose name leads nowhere is unreachable."""

    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"nobody\.invalid:80 cannot be connected to"):
        await door.call("GET", "http://nobody.invalid/")


async def test_a_server_without_tls_is_unreachable(door: HttpDoor):
    """A plain server behind an https address is unreachable."""

    def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable, match="cannot be connected to"):
            await door.call("GET", f"https://127.0.0.1:{port}/")


async def test_a_certificate_must_be_trusted(door: HttpDoor, tmp_path):
    """A server that signed its certificate itself gets no request."""
    async with serving(tls=self_signed(tmp_path)) as wire:
        with pytest.raises(Unreachable, match="a certificate that is not trusted: self"):
            await door.call("GET", wire.url.replace("http:", "https:"))
    assert wire.requests == []


def self_signed(folder: Path) -> ssl.SSLContext:
    """Make a server's TLS settings with a fresh certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    return tls


# --- the guard --------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", ANYWHERE])
async def test_a_public_door_does_not_reach_this_machine(host):
    """However this machine is written, a door to the internet does not connect to it."""
    door = HttpDoor(networks=PUBLIC_ONLY)
    async with serving() as wire:
        with pytest.raises(Permanent, match="outside the allowed networks"):
            await door.call("GET", f"http://{host}:{wire.port}/")
        await door.aclose()
    assert wire.connections == 0


ODD_HOSTS = """
import asyncio, sys
from runtime.http import HttpDoor
from runtime.networks import LOOPBACK, PUBLIC_ONLY

async def ask(networks, *hosts):
    door = HttpDoor(networks=networks)
    for host in hosts:
        try:
            print((await door.call("GET", f"http://{host}:{sys.argv[1]}/{host}")).status)
        except Exception as error:
            print(type(error).__name__)
        try:
            print(await door.resolve(host))
        except Exception as error:
            print(type(error).__name__)
    await door.aclose()

asyncio.run(ask(PUBLIC_ONLY, "0x7f000001", "2130706433", "017700000001", "127.1"))
asyncio.run(ask(LOOPBACK, "0x7f000001"))
"""


async def test_odd_hosts_are_judged_by_where_they_lead():
    """A hexadecimal, decimal, octal or short host gets past no public door, and is not told."""
    async with serving() as wire:
        # A process of its own: the tests' bar on name look-ups would stop these hosts first.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ODD_HOSTS, str(wire.port), cwd=ROOT, stdout=subprocess.PIPE
        )
        told, _ = await process.communicate()
    assert told.decode().split() == ["Permanent"] * 8 + ["200", "127.0.0.1"]
    assert [request.split()[1] for request in wire.requests] == [b"/0x7f000001"]


async def test_one_open_address_of_a_name_is_enough(monkeypatch):
    """A name with a closed and an open address is reached at the open one."""
    both = [("192.0.2.1", 0), ("127.0.0.1", 0)]

    def resolve(_host, port, *_args, **_kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip, _ in both]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    door = HttpDoor(networks=LOOPBACK)
    async with serving() as wire:
        assert (await door.call("GET", f"http://two.example:{wire.port}/")).status == 200
        await door.aclose()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("::1", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
async def test_a_host_is_told_as_the_socket_layer_writes_it(door: HttpDoor, host, address):
    """So that who sends there and who hears from there speak of one address."""
    assert await door.resolve(host) in {address, "::1"}


async def test_who_is_refused_is_told_the_setting():
    """Over HTTP and for other protocols alike, before anything is sent."""
    door = HttpDoor(networks=PUBLIC_ONLY, setting="some_networks")
    for refused in (door.resolve("127.0.0.1"), door.call("GET", "http://127.0.0.1:1/")):
        with pytest.raises(Permanent, match=r"networks \(setting some_networks\)"):
            await refused
    await door.aclose()


async def test_a_name_that_is_not_told_in_time_is_unreachable(door: HttpDoor, monkeypatch):
    """A name server that says nothing holds nobody up."""
    told = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told.wait(5))
    try:
        with pytest.raises(Unreachable, match="name") as caught:
            await door.resolve("box.example", deadline_s=0.05)
    finally:
        told.set()
    assert caught.value.is_untouched


@pytest.mark.parametrize(
    "url",
    [
        "http://user:geheim@127.0.0.1/",
        "http://geheim@127.0.0.1/",
        "http://:geheim@127.0.0.1/",
        "ftp://127.0.0.1/geheim",
        "file:///etc/geheim",
        "//127.0.0.1/geheim",
        "127.0.0.1/geheim",
        "http:///geheim",
        "http://127.0.0.1:99999/geheim",
        "http://127.0.0.1:x/geheim",
        "http://[::1/geheim",
        "http://127.0.0.1/geheim x",
        "http://127.0.0.1/geheim\r\nHost: x",
        "http://127.0.0.1/gehe\u00efm",
        "http://127.0.0.1\x00/geheim",
        "",
    ],
)
async def test_a_doubtful_url_never_leaves(door: HttpDoor, url):
    """A URL with a user, of another scheme, or not exactly readable is refused and not repeated."""
    with pytest.raises(Permanent) as caught:
        await door.call("GET", url)
    assert "geheim" not in str(caught.value)


async def test_messages_keep_secrets(door: HttpDoor):
    """Whatever goes wrong, neither path, query, header nor body of either side is repeated."""
    faults = [
        hanging_up_after(b""),
        hanging_up_after(b"HTTP/1.1 geheim geheim\r\n\r\n"),
        hanging_up_after(b"HTTP/1.1 200 OK\r\nSet-Cookie: " + b"geheim" * 10_000 + b"\r\n\r\n"),
        hanging_up_after(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\ngeheim"),
        saying(sized(b"geheim" * 100)),
        silent,
    ]
    for fault in faults:
        async with serving(fault) as wire:
            with pytest.raises((Permanent, Unreachable)) as caught:
                await door.call(
                    "POST",
                    f"{wire.url}/geheim?key=geheim",
                    headers={"Authorization": "Basic geheim"},
                    body=b"geheim",
                    deadline_s=0.3,
                    body_bytes_max=200,
                )
            assert "geheim" not in str(caught.value)
            context = caught.value.__context__
            assert context is None or caught.value.__suppress_context__
