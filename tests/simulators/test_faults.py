"""Injected faults, felt at a real socket; the journal tells what was applied nevertheless."""

import http.client
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.simulators.http import PortalClient, call
from tests.simulators.process import RunningSimulator, start_simulator

USER1 = "login=user1&account_number=1001"


def hurt(portal: RunningSimulator, **fault: object) -> None:
    """Set one fault."""
    portal.admin("/faults", {"set": [fault]})


def writes(portal: RunningSimulator) -> list[tuple[str, bool, str | None]]:
    """List what the journal says of API calls."""
    return [(e["call"], e["changed"], e["fault"]) for e in portal.journal(face="api")]


CREATE = "POST /stalker_portal/api/accounts/"


def test_down_refuses_and_comes_back(portal: RunningSimulator, client: PortalClient) -> None:
    """While down the port refuses; afterwards the same port answers with the same state."""
    client.ok("POST", "accounts/", USER1)
    port = urlsplit(portal.url).port
    hurt(portal, name="down", argument="1500ms")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), timeout=30)
    until_open("127.0.0.1", port or 0)
    assert client.ok("GET", "users/user1")["login"] == "user1"


def until_open(host: str, port: int) -> None:
    """Wait until a port takes connections again."""
    while True:
        try:
            socket.create_connection((host, port), timeout=30).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return


def test_down_breaks_open_connections(portal: RunningSimulator) -> None:
    """A connection that was open before does not survive."""
    place = urlsplit(portal.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    connection.request("GET", "/stalker_portal/api/v1/accounts/")
    connection.getresponse().read()
    hurt(portal, name="down")
    connection.auto_open = False
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        connection.request("GET", "/stalker_portal/api/v1/accounts/")
        connection.getresponse()
    connection.close()
    portal.admin("/faults", {"clear": "down"})
    assert call(portal.url, "GET", "/stalker_portal/api/v1/").status == 401


def test_down_from_the_start() -> None:
    """A simulator may start down; its admin face works and opens it."""
    with start_simulator("ministra", "--faults", "down") as running:
        with pytest.raises(ConnectionRefusedError):
            call(running.url, "GET", "/")
        running.admin("/faults", {"clear": True})
        assert call(running.url, "GET", "/").status == 404


def test_lost_applies_then_resets(portal: RunningSimulator, client: PortalClient) -> None:
    """A lost answer is a reset connection and an account that exists."""
    hurt(portal, name="lost", match="POST accounts", count=1)
    with pytest.raises(ConnectionResetError):
        client.answer("POST", "accounts/", USER1)
    assert writes(portal) == [(CREATE, True, "lost")]
    assert client.refused("POST", "accounts/", USER1) == "Login already in use"


def test_reset_applies_nothing(portal: RunningSimulator, client: PortalClient) -> None:
    """A reset before the effect looks the same from outside, but nothing exists."""
    hurt(portal, name="reset", count=1)
    with pytest.raises(ConnectionResetError):
        client.answer("POST", "accounts/", USER1)
    assert writes(portal) == [(CREATE, False, "reset")]
    assert client.ok("POST", "accounts/", USER1) is True


def test_half_an_answer(portal: RunningSimulator, client: PortalClient) -> None:
    """Half an answer ends early though the account was made."""
    hurt(portal, name="half", count=1)
    with pytest.raises(http.client.IncompleteRead):
        client.answer("POST", "accounts/", USER1)
    assert writes(portal) == [(CREATE, True, "half")]


def test_cut_json(portal: RunningSimulator, client: PortalClient) -> None:
    """A cut JSON text is a complete HTTP answer that no parser takes."""
    hurt(portal, name="half", argument="json", count=1)
    answer = client.answer("POST", "accounts/", USER1)
    assert answer.status == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        _ = answer.json


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"name": "error", "argument": "503"}, 503, "503"),
        ({"name": "throttled", "argument": "7"}, 429, "Too Many"),
        ({"name": "unauthorized"}, 401, "401 Unauthorized request"),
        ({"name": "conflict"}, 200, "Login already in use"),
        ({"name": "refused", "argument": "No more licences"}, 200, "No more licences"),
        ({"name": "garbage"}, 200, "<form"),
        ({"name": "garbage", "argument": "fatal"}, 200, "Fatal error"),
    ],
)
def test_answers_that_are_no_success(
    portal: RunningSimulator,
    client: PortalClient,
    fault: dict[str, object],
    status: int,
    words: str,
) -> None:
    """These faults answer in the portal's way and apply nothing."""
    hurt(portal, **fault, count=1)
    answer = client.answer("POST", "accounts/", USER1)
    assert answer.status == status
    assert words in answer.text
    assert writes(portal) == [(CREATE, False, fault["name"])]
    assert client.ok("GET", "accounts/") == []


def test_throttled_says_when(portal: RunningSimulator, client: PortalClient) -> None:
    """429 carries Retry-After."""
    hurt(portal, name="throttled", argument="7")
    assert client.answer("GET", "accounts/").headers["Retry-After"] == "7"


def test_an_error_may_come_after_the_effect(portal: RunningSimulator, client: PortalClient) -> None:
    """With applied=yes the write is done and 500 is told."""
    portal.admin("/faults", {"spec": "error:500:applied=yes:count=1"})
    assert client.answer("POST", "accounts/", USER1).status == 500
    assert writes(portal) == [(CREATE, True, "error")]


def test_slow_is_late(portal: RunningSimulator, client: PortalClient) -> None:
    """A slow answer comes not before its delay."""
    hurt(portal, name="slow", argument="150ms", count=1)
    started = time.monotonic()
    client.ok("GET", "accounts/")
    assert time.monotonic() - started >= 0.15


def test_silence(portal: RunningSimulator, client: PortalClient) -> None:
    """A silent portal never answers."""
    hurt(portal, name="silent", count=1)
    headers = {"Authorization": "Basic c3RhbGtlcjpzZWNyZXRfcGFzcw=="}
    with pytest.raises(TimeoutError):
        call(portal.url, "PUT", "/stalker_portal/api/users/x", "a=1", headers, timeout_s=0.3)
    assert client.ok("GET", "accounts/") == []


def test_drip(portal: RunningSimulator, client: PortalClient) -> None:
    """A dripping answer arrives whole, byte by byte."""
    hurt(portal, name="drip", argument="1ms", count=1)
    started = time.monotonic()
    answer = client.answer("GET", "accounts/")
    assert answer.json == {"status": "OK", "results": []}
    assert time.monotonic() - started >= 0.001 * len(answer.body)


def test_huge(portal: RunningSimulator, client: PortalClient) -> None:
    """A huge answer has the size that was asked for."""
    hurt(portal, name="huge", argument="3MB", count=1)
    assert len(client.answer("GET", "accounts/").body) == 3_000_000


def test_duration_ends_a_fault(portal: RunningSimulator, client: PortalClient) -> None:
    """A fault set for a time is gone after it."""
    portal.admin("/faults", {"spec": "error:500:for=1s"})
    assert client.answer("GET", "accounts/").status == 500
    while portal.admin("/faults"):
        time.sleep(0.02)
    assert client.answer("GET", "accounts/").status == 200


def test_clearing(portal: RunningSimulator, client: PortalClient) -> None:
    """Faults are cleared by name or all at once, and counted when they strike."""
    portal.admin("/faults", {"spec": "error:500;slow:1ms"})
    assert client.answer("GET", "accounts/").status == 500
    assert [f["name"] for f in portal.admin("/faults", {"clear": "error"})] == ["slow"]
    assert portal.admin("/faults", {"clear": True}) == []
    assert portal.admin("/counters")["faults"] == {"error": 1}


def test_fault_that_makes_no_sense(portal: RunningSimulator) -> None:
    """A wrong fault is refused with its reason, and nothing is set."""
    body = b'{"spec": "error:500;nosuch"}'
    answer = call(portal.admin_url, "POST", "/faults", body)
    assert answer.status == 400
    assert "unknown fault 'nosuch'" in answer.json["error"]
    assert portal.admin("/faults") == []


def test_clearing_lets_a_delayed_call_go_on(portal: RunningSimulator, client: PortalClient) -> None:
    """A call that a cleared delay holds is carried out at once; until then it is in flight."""
    hurt(portal, name="slow", argument="1h", count=1)
    with ThreadPoolExecutor() as caller:
        answer = caller.submit(client.answer, "POST", "accounts/", USER1)
        while portal.admin("/counters")["in_flight"] == 0:
            time.sleep(0.01)
        assert writes(portal) == []
        portal.admin("/faults", {"clear": "slow"})
        assert answer.result().status == 200
    assert writes(portal) == [(CREATE, True, None)]
    assert portal.admin("/counters")["in_flight"] == 0
