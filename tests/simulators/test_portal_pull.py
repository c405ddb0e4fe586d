"""Pull mode and hooks: the portal asks the billing, and what a box sees of the answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.simulators.http import PortalClient
from tests.simulators.process import RunningSimulator

MAC1 = "00:1A:79:00:00:01"
USER1 = f"login=user1&password=pw1&account_number=1001&tariff_plan=basic&status=1&stb_mac={MAC1}"


class Billing:
    """A billing that gives the answer it was told to give, and remembers the questions."""

    def __init__(self) -> None:
        self.answer: bytes = b""
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                place = urlsplit(self.path)
                fields = parse_qs(place.query, keep_blank_values=True)
                outer.asked.append((place.path, {key: value[0] for key, value in fields.items()}))
                self.send_response(200)
                self.send_header("Content-Length", str(len(outer.answer)))
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def says(self, results: Any, status: str = "OK") -> None:
        """Decide the next answers."""
        self.answer = json.dumps({"status": status, "results": results}).encode()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def billing() -> Iterator[Billing]:
    """Run a billing."""
    with Billing() as running:
        yield running


@pytest.fixture
def box(portal: RunningSimulator, client: PortalClient, billing: Billing) -> PortalClient:
    """Return a client of a portal that asks the billing at every start of a box."""
    client.ok("POST", "accounts/", USER1)
    portal.admin("/tamper", {"op": "config", "set": {"oss_url": f"{billing.url}/oss"}})
    return client


def profile(box: PortalClient) -> Any:
    """Start the box."""
    return box.box(MAC1, "stb", "get_profile", sn="S1", stb_type="MAG250", locale="uk_UA")


def test_question(box: PortalClient, billing: Billing) -> None:
    """The billing is asked by GET with what is known of the box."""
    billing.says({"status": 1})
    profile(box)
    path, fields = billing.asked[-1]
    assert path == "/oss"
    assert fields.pop("portal") == box.url.removeprefix("http://")
    assert fields == {
        "mac": MAC1,
        "serial_number": "S1",
        "type": "MAG250",
        "locale": "uk_UA",
        "login": "user1",
        "verified": "0",
        "ip": "127.0.0.1",
    }


def test_block_with_a_reason(box: PortalClient, billing: Billing) -> None:
    """Status 0 blocks the box, shows the text and stores the tariff."""
    billing.says({"status": 0, "error_msg": "Please pay", "tariff": "premium", "fname": "Ann"})
    seen = profile(box)
    assert (seen["status"], seen["block_msg"]) == (1, "Please pay")
    row = box.ok("GET", "users/user1")
    assert (row["status"], row["tariff_plan"], row["full_name"]) == (0, "premium", "Ann")


def test_unknown_tariff_is_none(box: PortalClient, billing: Billing) -> None:
    """An unknown tariff leaves the box open on tariff 0."""
    billing.says({"status": 1, "tariff": "nope"})
    seen = profile(box)
    assert (seen["status"], seen["tariff_plan_id"]) == (0, "0")


def test_a_list_of_one_is_an_object(box: PortalClient, billing: Billing) -> None:
    """A list of one object is taken like the object."""
    billing.says([{"status": 1, "ls": "7007"}])
    profile(box)
    assert box.ok("GET", "users/user1")["account_number"] == "7007"


@pytest.mark.parametrize("said", [b"", b"<html>oops", b'{"status":"ERROR","results":null}'])
def test_no_readable_answer_blocks(box: PortalClient, billing: Billing, said: bytes) -> None:
    """Empty, garbage and ERROR block the box without a text and keep the tariff."""
    billing.says({"status": 1, "tariff": "premium"})
    profile(box)
    billing.answer = said
    seen = profile(box)
    assert (seen["status"], seen["block_msg"]) == (1, "")
    assert box.ok("GET", "users/user1")["tariff_plan"] == "premium"


def test_lenient_check_keeps_the_box_open(
    portal: RunningSimulator, box: PortalClient, billing: Billing
) -> None:
    """With the strict check off an unreadable answer changes nothing."""
    portal.admin("/tamper", {"op": "config", "set": {"strict_oss_url_check": False}})
    billing.answer = b""
    assert profile(box)["status"] == 0


def test_billing_that_is_down_blocks(portal: RunningSimulator, client: PortalClient) -> None:
    """A billing that refuses connections blocks every box that starts."""
    client.ok("POST", "accounts/", USER1)
    with Billing() as gone:
        url = gone.url
    portal.admin("/tamper", {"op": "config", "set": {"oss_url": url}})
    assert profile(client)["status"] == 1


def test_sign_in_on_the_box(
    portal: RunningSimulator, client: PortalClient, billing: Billing
) -> None:
    """With auth_url a stranger is asked to sign in, and the billing decides."""
    portal.admin("/tamper", {"op": "config", "set": {"auth_url": f"{billing.url}/auth"}})
    assert client.box(MAC1, "stb", "get_profile")["status"] == 2
    billing.says(results=False, status="ERROR")
    assert client.box(MAC1, "stb", "do_auth", login="ann", password="x") is False
    billing.says(results=True)
    assert client.box(MAC1, "stb", "do_auth", login="ann", password="x") is True
    expected = {"login": "ann", "password": "x", "mac": MAC1, "ip": "127.0.0.1"}
    assert billing.asked[-1] == ("/auth", expected)
    assert client.box(MAC1, "stb", "get_profile")["login"] == "ann"


def test_purchase_on_the_box(
    portal: RunningSimulator, client: PortalClient, billing: Billing
) -> None:
    """A viewer buys and drops a package on the box when the hook agrees."""
    client.ok("POST", "accounts/", USER1)
    settings = {
        "allow_subscription_from_stb": True,
        "on_subscribe_hook_url": f"{billing.url}/sub",
        "on_unsubscribe_hook_url": f"{billing.url}/unsub",
    }
    portal.admin("/tamper", {"op": "config", "set": settings})
    billing.says(results=None, status="ERROR")
    buy = ("account_info", "subscribe_to_package")
    assert client.box(MAC1, *buy, package_id="2") is False
    billing.says(results=True)
    assert client.box(MAC1, *buy, package_id="2") is True
    asked = {"mac": MAC1, "tariff_id": "basic", "package_id": "sport"}
    assert billing.asked[-1] == ("/sub", asked)
    assert client.ok("GET", "users/user1")["subscribed"] == ["sport"]
    assert client.box(MAC1, "account_info", "unsubscribe_from_package", package_id="2") is True
    assert billing.asked[-1] == ("/unsub", asked)
    assert [e["call"] for e in portal.journal(face="device")] == [
        "BOX bought package",
        "BOX dropped package",
    ]
