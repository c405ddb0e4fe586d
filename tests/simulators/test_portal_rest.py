"""The accidents and answers of the portal's REST API v1 (Stalker 4.9.35)."""

import concurrent.futures
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.simulators.conftest import PORTAL_STATE
from tests.simulators.http import PortalClient, call
from tests.simulators.process import RunningSimulator, start_simulator

MAC1, MAC2, MAC3 = "00:1A:79:00:00:01", "00:1A:79:00:00:02", "00:1A:79:00:00:03"
USER1 = f"login=user1&password=pw1&account_number=1001&tariff_plan=basic&status=1&stb_mac={MAC1}"
USER2 = f"login=user1b&password=pw&account_number=1001&status=1&stb_mac={MAC2}"
USER3 = "login=user3&password=pw&account_number=1003&status=1"


@pytest.fixture
def user1(client: PortalClient) -> str:
    """Create user1 with a box on the tariff basic and return his login."""
    assert client.ok("POST", "accounts/", USER1) is True
    return "user1"


@contextmanager
def portal_with(folder: Path, **changes: object) -> Iterator[RunningSimulator]:
    """Run a portal whose state file differs from the recorded one."""
    state = json.loads(PORTAL_STATE.read_text()) | changes
    path = folder / "state.json"
    path.write_text(json.dumps(state))
    with start_simulator("ministra", "--state", path) as running:
        yield running


def account(client: PortalClient, login: str = "user1") -> dict[str, object]:
    """Read one account."""
    row: dict[str, object] = client.ok("GET", f"users/{login}")
    return row


# -- transport, envelope, configuration


def test_both_paths_are_one_api(client: PortalClient, user1: str) -> None:
    """The older path and /api/v1/ answer a read alike."""
    newer = PortalClient(url=client.url)
    assert newer.ok("GET", "users/user1") == client.ok("GET", "users/user1")


def test_query_string_is_not_used(client: PortalClient, user1: str) -> None:
    """A query string changes nothing."""
    assert len(client.ok("GET", "accounts/1001?limit=0&page=7")) == 1


def test_body_is_urlencoded_whatever_it_claims(portal: RunningSimulator, user1: str) -> None:
    """A PUT body is parsed as urlencoded text though it is announced as JSON."""
    client = PortalClient(url=portal.url, version="")
    headers = {"Authorization": "Basic c3RhbGtlcjpzZWNyZXRfcGFzcw==", "Content-Type": "text/json"}
    answer = call(portal.url, "PUT", "/stalker_portal/api/users/user1", "phone=%2B49+1", headers)
    assert answer.json == {"status": "OK", "results": True}
    assert account(client)["phone"] == "+49 1"


def test_multipart_is_not_understood(client: PortalClient) -> None:
    """A multipart body holds no field the portal knows."""
    body = '--x\r\nContent-Disposition: form-data; name="login"\r\n\r\nuser1\r\n--x--\r\n'
    assert client.refused("POST", "accounts/", body) == "Insert data is empty"


def test_api_not_enabled(portal: RunningSimulator, client: PortalClient) -> None:
    """With enable_api off the answer is 404 in plain text, save for the storage side."""
    portal.admin("/tamper", {"op": "config", "set": {"enable_api": False}})
    answer = client.answer("GET", "accounts/")
    assert (answer.status, answer.headers["Content-Type"]) == (404, "text/plain")
    assert answer.text == "API not enabled"
    assert client.ok("GET", "stream_recorder/") == []


def test_empty_api_login_means_open(tmp_path: Path) -> None:
    """Without a configured login nobody is asked for credentials."""
    with portal_with(tmp_path, api={"basic_auth": ["", ""]}) as running:
        answer = call(running.url, "GET", "/stalker_portal/api/v1/accounts/")
        assert answer.json == {"status": "OK", "results": []}


def test_stopped_database_prints_a_php_trace(
    portal: RunningSimulator, client: PortalClient
) -> None:
    """With the database stopped every call gets HTTP 200, HTML and file paths."""
    portal.admin("/tamper", {"op": "config", "set": {"database_running": False}})
    for method, body in (("GET", None), ("PUT", "status=0")):
        answer = client.answer(method, "users/user1", body)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
        assert "Fatal error" in answer.text
        assert "/var/www/stalker_portal/" in answer.text


# -- identifiers


def test_twelve_digits_are_taken_for_a_mac(client: PortalClient) -> None:
    """An account number of 12 digits is found by accounts alone."""
    number = "123456789012"
    client.ok("POST", "accounts/", f"login=long&account_number={number}&stb_mac={MAC1}")
    assert client.ok("GET", f"accounts/{number}")[0]["login"] == "long"
    assert client.ok("GET", f"stb/{number}") == []
    assert client.refused("GET", f"account_subscription/{number}") == "Account not found"
    body = "event=reboot"
    assert client.refused("POST", f"send_event/{number}", body) == "STB not found"


def test_eleven_digits_are_an_account_number(client: PortalClient) -> None:
    """An account number of 11 digits is found by every resource."""
    number = "12345678901"
    client.ok("POST", "accounts/", f"login=fits&account_number={number}&stb_mac={MAC1}")
    assert client.ok("GET", f"stb/{number}")[0]["login"] == "fits"
    assert client.ok("GET", f"account_subscription/{number}")[0]["mac"] == MAC1


def test_box_resources_take_a_mac(client: PortalClient, user1: str) -> None:
    """A MAC addresses the user on every resource."""
    assert client.ok("GET", f"accounts/{MAC1}")[0]["login"] == "user1"
    assert client.ok("GET", f"stb/{MAC1}")[0]["login"] == "user1"
    assert client.ok("GET", f"account_subscription/{MAC1}")[0]["mac"] == MAC1


def test_lists_are_refused_on_writes(client: PortalClient, user1: str) -> None:
    """Accounts and users refuse a comma list on PUT and DELETE, and subscriptions on all."""
    client.ok("POST", "accounts/", USER3)
    only_one = "Only one identifier allowed"
    assert client.refused("PUT", "users/user1,user3", "status=0") == only_one
    assert client.refused("DELETE", "users/user1,user3") == only_one
    assert client.refused("PUT", "accounts/1001,1003", "status=0") == only_one
    assert client.refused("GET", "account_subscription/1001,1003") == only_one
    assert client.refused("PUT", "account_subscription/1001,1003", "subscribed[]=x") == only_one
    assert client.refused("GET", "stb_modules/1001,1003") == only_one


def test_an_encoded_comma_is_a_list_too(client: PortalClient, user1: str) -> None:
    """Percent-encoding does not protect an id that holds a comma."""
    error = client.refused("PUT", "users/user1%2Cuser3", "status=0")
    assert error == "Only one identifier allowed"


def test_missing_one_of_many(client: PortalClient, user1: str) -> None:
    """A miss in a list is told only while fewer rows than ids come back."""
    error = "One or more identifiers are incorrect"
    assert client.refused("GET", "users/user1,ghost") == error
    client.ok("POST", "accounts/", USER2)
    assert len(client.ok("GET", "accounts/1001,7777")) == 2


def test_put_without_an_id(client: PortalClient) -> None:
    """A write without an identifier is refused."""
    assert client.refused("PUT", "users/", "status=0") == "Identifier required"
    assert client.refused("DELETE", "accounts/") == "Identifier required"
    assert client.refused("PUT", "stb/", "status=0") == "Identifier required"


# -- accounts and users


def test_unknown_tariff_becomes_the_default(client: PortalClient, user1: str) -> None:
    """An unknown tariff is accepted, on create and on change, and the default one is shown."""
    client.ok("POST", "accounts/", USER3 + "&tariff_plan=nope")
    assert account(client, "user3")["tariff_plan"] == "basic"
    client.ok("PUT", "users/user1", "tariff_plan=premium")
    assert account(client)["tariff_plan"] == "premium"
    assert client.ok("PUT", "users/user1", "tariff_plan=nope") is True
    assert account(client)["tariff_plan"] == "basic"


def test_put_of_a_ghost(client: PortalClient) -> None:
    """A change of an unknown login or number finds no account."""
    assert client.refused("PUT", "users/ghost", "status=0") == "Account not found"
    assert client.refused("PUT", "accounts/4242", "status=0") == "Account not found"


def test_put_with_an_empty_body(client: PortalClient, user1: str) -> None:
    """PUT speaks of POST when its body is empty."""
    assert client.refused("PUT", "users/user1", "") == "HTTP POST data is empty"
    assert client.refused("POST", "accounts/", "") == "HTTP POST data is empty"


def test_mac_is_not_checked_on_change(client: PortalClient, user1: str) -> None:
    """PUT stores a MAC as it comes: taken, garbage or in a form that no box has."""
    client.ok("POST", "accounts/", USER3)
    for text in (MAC1, "garbage", "001a79007702"):
        assert client.ok("PUT", "users/user3", f"stb_mac={text}") is True
        assert account(client, "user3")["stb_mac"] == text
    assert client.ok("GET", "stb/00:1A:79:00:77:02") == []
    assert client.poll("00:1A:79:00:77:02")["msgs"] == 0
    assert client.ok("PUT", "users/user3", "stb_mac=") is True
    assert account(client, "user3")["stb_mac"] == ""


def test_mac_is_normalised_on_create(client: PortalClient) -> None:
    """Create accepts 12 hexadecimal digits and stores them with colons."""
    client.ok("POST", "accounts/", "login=a&stb_mac=001a79abcdef")
    assert account(client, "a")["stb_mac"] == "00:1A:79:AB:CD:EF"


def test_unreadable_end_date_becomes_zero(client: PortalClient, user1: str) -> None:
    """An end date that is none is stored as the zero date."""
    client.ok("PUT", "users/user1", "end_date=2027-02-28")
    assert account(client)["end_date"] == "2027-02-28 00:00:00"
    assert client.ok("PUT", "users/user1", "end_date=notadate") is True
    assert account(client)["end_date"] == "0000-00-00 00:00:00"


def test_rename(client: PortalClient, user1: str) -> None:
    """A change of the login moves the account to it."""
    client.ok("PUT", "users/user1", "login=renamed")
    assert account(client, "renamed")["account_number"] == "1001"
    assert client.refused("GET", "users/user1") == "Account not found"


def test_shared_account_number_hits_all_rows(client: PortalClient, user1: str) -> None:
    """PUT and DELETE by account number reach every row that shares it."""
    client.ok("POST", "accounts/", USER2)
    client.ok("PUT", "accounts/1001", "status=0")
    assert [row["status"] for row in client.ok("GET", "accounts/1001")] == [0, 0]
    assert client.ok("DELETE", "accounts/1001") is True
    assert client.refused("DELETE", "accounts/1001") == "Account not found"
    assert client.ok("GET", "accounts/") == []


def test_list_is_not_paged(portal: RunningSimulator, client: PortalClient) -> None:
    """A list holds every account, however many."""
    portal.admin("/tamper", {"op": "fill", "count": 1200})
    assert len(client.ok("GET", "accounts/")) == 1200
    assert len(client.ok("GET", "stb/")) == 1200


def test_concurrent_creates_can_double() -> None:
    """Uniqueness is checked before the insert, so two creates at once make two rows."""
    with start_simulator("ministra", "--state", PORTAL_STATE, "--latency-ms", "100") as slow:
        client = PortalClient(url=slow.url)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            wishes = [pool.submit(client.ok, "POST", "accounts/", USER1) for _ in range(2)]
            assert [wish.result() for wish in wishes] == [True, True]
        assert [row["login"] for row in client.ok("GET", "accounts/1001")] == ["user1", "user1"]


# -- subscriptions


def test_subscription_delta(client: PortalClient, user1: str) -> None:
    """PUT adds and removes; it tells whether anything changed."""
    path = f"account_subscription/{MAC1}"
    assert client.ok("PUT", path, "subscribed[]=sport") is True
    for same in ("sport", "nosuch", "base-tv", "all-tv"):
        assert client.ok("PUT", path, f"subscribed[]={same}") is False
    assert client.ok("PUT", path, "subscribed[]=kids&unsubscribed[]=sport") is True
    row = {"mac": MAC1, "subscribed": ["kids"], "subscribed_id": ["4"]}
    assert client.ok("GET", path) == [row]
    assert account(client)["subscribed"] == ["kids"]


def test_subscription_set(client: PortalClient, user1: str) -> None:
    """POST makes the set exactly what is named; an empty name empties it."""
    path = "account_subscription/1001"
    assert client.ok("POST", path, "subscribed[]=sport&subscribed[]=kids") is True
    assert client.ok("POST", path, "subscribed[]=sport") is True
    assert account(client)["subscribed"] == ["sport"]
    assert client.ok("POST", path, "subscribed[]=sport") is False
    assert client.ok("POST", path, "subscribed[]=") is True
    assert account(client)["subscribed"] == []


def test_subscription_by_id_and_delete(client: PortalClient, user1: str) -> None:
    """Packages may be named by id, and DELETE removes all of them."""
    path = "account_subscription/1001"
    assert client.ok("PUT", path, "subscribed_id[]=2&subscribed_id[]=4") is True
    assert account(client)["subscribed_id"] == ["4", "2"]
    assert client.ok("DELETE", path) is True
    assert client.ok("DELETE", path) is False
    assert client.refused("GET", "account_subscription/4242") == "Account not found"


def test_subscriptions_hide_and_return(client: PortalClient, user1: str) -> None:
    """A package hides with a change of tariff and comes back with the old tariff."""
    client.ok("PUT", "account_subscription/1001", "subscribed[]=sport")
    client.ok("PUT", "users/user1", "tariff_plan=premium")
    assert account(client)["subscribed"] == []
    client.ok("PUT", "users/user1", "tariff_plan=basic")
    assert account(client)["subscribed"] == ["sport"]


def test_subscription_rows_outlive_the_account(
    portal: RunningSimulator, client: PortalClient, user1: str
) -> None:
    """Rows of a deleted account stay behind as orphans."""
    client.ok("PUT", "account_subscription/1001", "subscribed[]=sport")
    client.ok("DELETE", "users/user1")
    assert portal.admin("/state")["orphan_subscriptions"] == {"1": [2]}


@pytest.mark.parametrize(
    ("version", "is_denied"), [("4.9.35", True), ("5.0.3", False), ("5.1.1", False)]
)
def test_writes_that_are_applied_and_denied(tmp_path: Path, version: str, is_denied: bool) -> None:
    """Before 5.0.0-r2 a subscription write through v1 is applied, then answered in HTML."""
    with portal_with(tmp_path, version=version) as running:
        newer, older = PortalClient(url=running.url), PortalClient(url=running.url, version="")
        newer.ok("POST", "accounts/", USER1)
        answer = newer.answer("PUT", "account_subscription/1001", "subscribed[]=sport")
        assert answer.status == 200
        if is_denied:
            assert (answer.headers["Content-Type"], answer.text) == (
                "text/html",
                "Unauthorized request.",
            )
        else:
            assert answer.json == {"status": "OK", "results": True}
        assert older.ok("GET", "users/user1")["subscribed"] == ["sport"]
        assert older.ok("PUT", "account_subscription/1001", "subscribed[]=kids") is True


@pytest.mark.parametrize(("version", "services"), [("5.0.3", 4), ("5.1.1", 1)])
def test_packages_that_list_all_channels(tmp_path: Path, version: str, services: int) -> None:
    """In 5.0.3 a package lists all channels; in 5.1.1 its own."""
    with portal_with(tmp_path, version=version) as running:
        row = PortalClient(url=running.url).ok("GET", "services_package/2")
        assert len(row["services"]) == services


def test_newer_resources(tmp_path: Path) -> None:
    """From version 5 on channels can be made and removed, and there is a programme guide."""
    with portal_with(tmp_path, version="5.1.1") as running:
        client = PortalClient(url=running.url)
        made = client.ok("POST", "itv/", "name=Jazz&number=9&base_ch=1")
        assert (made["id"], made["number"], made["base_ch"]) == ("5", "9", "1")
        assert client.ok("DELETE", "itv/5") is True
        assert len(client.ok("GET", "itv/")) == 4
        assert client.ok("GET", "epg/") == []


# -- boxes


def test_status_is_inverted_when_a_box_is_created(client: PortalClient) -> None:
    """POST stb with status=1 creates the box blocked; PUT stb status=1 opens it."""
    row = client.ok("POST", "stb/", f"mac={MAC3}&ls=2001&status=1")
    assert (row["mac"], row["ls"], row["status"]) == (MAC3, "2001", 0)
    assert [r["status"] for r in client.ok("PUT", f"stb/{MAC3}", "status=1")] == [1]
    assert client.refused("POST", "stb/", f"mac={MAC3}") == "Stb already exists"


def test_box_writes_that_find_nothing(client: PortalClient) -> None:
    """Unknown boxes: GET is empty, PUT is false, DELETE is an error."""
    assert client.ok("GET", "stb/8888") == []
    assert client.ok("PUT", "stb/8888", "status=0") is False
    assert client.refused("DELETE", "stb/8888") == "STB not found"


def test_box_writes_without_content(client: PortalClient, user1: str) -> None:
    """A box needs a MAC or a login with password, and a change needs a known field."""
    assert client.refused("POST", "stb/", "ls=5") == "Login and password required"
    assert client.refused("PUT", f"stb/{MAC1}", "foo=1") == "Update data is empty"
    assert client.refused("PUT", f"itv_subscription/{MAC1}", "x=1") == "Update data is empty"


def test_box_row(client: PortalClient, user1: str) -> None:
    """A box row holds these fields and no others."""
    row = client.ok("GET", f"stb/{MAC1}")[0]
    assert row == {
        "mac": MAC1,
        "ip": "",
        "ls": "1001",
        "version": "",
        "status": 1,
        "additional_services_on": "0",
        "last_active": "0000-00-00 00:00:00",
        "login": "user1",
        "account_balance": "",
        "online": "0",
        "end_date": "0000-00-00 00:00:00",
    }


def test_box_lists(client: PortalClient, user1: str) -> None:
    """Stb accepts comma lists on PUT and DELETE."""
    client.ok("POST", "accounts/", USER3)
    assert len(client.ok("PUT", "stb/1001,1003", "additional_services_on=1")) == 2
    assert client.ok("DELETE", "stb/1001,1003") is True
    assert client.refused("DELETE", "stb/1001,1003") == "STB not found"


def test_all_boxes_at_once(portal: RunningSimulator, client: PortalClient, user1: str) -> None:
    """With allow_multiple_stb_update a change without an id reaches every box."""
    client.ok("POST", "accounts/", USER3)
    portal.admin("/tamper", {"op": "config", "set": {"allow_multiple_stb_update": True}})
    assert [row["status"] for row in client.ok("PUT", "stb/", "status=0")] == [0, 0]


def test_users_answers_one_object(client: PortalClient, user1: str) -> None:
    """Users answers the first row as an object, even when all are asked for."""
    client.ok("POST", "accounts/", USER3)
    assert client.ok("GET", "users/")["login"] == "user1"
    assert client.ok("GET", "users/user3,user1")["login"] == "user1"


def test_single_channels(client: PortalClient, user1: str) -> None:
    """itv_subscription replaces the channels; a box without a row has none."""
    path = f"itv_subscription/{MAC1}"
    assert client.ok("GET", path) == []
    row = {"ls": "1001", "mac": MAC1, "sub_ch": ["2", "3"], "additional_services_on": "0"}
    assert client.ok("PUT", path, "sub_ch[]=2&sub_ch[]=3") == [row]
    assert client.ok("GET", path) == [row]


def test_modules(client: PortalClient, user1: str) -> None:
    """The portal's disabled modules stay; the box's restricted ones are what was put."""
    before = client.ok("GET", f"stb_modules/{MAC1}")
    assert before["disabled"][:2] == ["vclub", "karaoke"]
    after = client.ok("PUT", f"stb_modules/{MAC1}", "disabled[]=tv&restricted[]=radio")
    assert after == {"disabled": before["disabled"], "restricted": ["radio"]}


def test_reset_of_hardware_ids(portal: RunningSimulator, client: PortalClient, user1: str) -> None:
    """stb_auth lets a box with other hardware in, and finds nobody for an unknown number."""
    client.box(MAC1, "stb", "get_profile", device_id="A")
    conflict = client.box(MAC1, "stb", "get_profile", device_id="B")
    assert (conflict["status"], conflict["msg"]) == (1, "device conflict - device_id mismatch")
    assert client.ok("PUT", f"stb_auth/{MAC1}", "reset_device_id=1") is True
    assert client.box(MAC1, "stb", "get_profile", device_id="B")["status"] == 0
    assert client.refused("PUT", "stb_auth/4141", "reset_device_id=1") == "Empty stb list"


# -- events and small resources


def test_events_that_can_be_sent(client: PortalClient, user1: str) -> None:
    """These events are sent, others are answered with false."""
    names = "reboot reload_portal update_channels update_image show_menu cut_off"
    for name in f"send_msg send_msg_with_video play_channel play_radio_channel {names}".split():
        assert client.ok("POST", f"send_event/{MAC1}", f"event={name}&msg=m&channel=1") is True
    for name in ("cut_on", "update_subscription", "mount_all_storages", "nosuch"):
        assert client.ok("POST", f"send_event/{MAC1}", f"event={name}") is False
    assert client.refused("POST", "send_event/777", "event=reboot") == "STB not found"


def test_event_without_an_id_goes_to_everybody(client: PortalClient, user1: str) -> None:
    """An empty id is a broadcast."""
    client.ok("POST", "accounts/", USER2)
    assert client.ok("POST", "send_event/", "event=send_msg&msg=all") is True
    assert [client.poll(mac)["msg"] for mac in (MAC1, MAC2)] == ["all", "all"]


def test_messages(client: PortalClient, user1: str) -> None:
    """stb_msg keeps auto_hide_timeout, send_event loses it."""
    client.ok("POST", f"stb_msg/{MAC1}", "msg=one&auto_hide_timeout=9")
    first = client.poll(MAC1)
    assert (first["msg"], first["auto_hide_timeout"]) == ("one", "9")
    client.box(MAC1, "watchdog", "confirm_event", event_active_id=first["id"])
    client.ok("POST", f"send_event/{MAC1}", "event=send_msg&msg=two&auto_hide_timeout=9")
    second = client.poll(MAC1)
    assert (second["msg"], second["auto_hide_timeout"]) == ("two", "0")
    assert client.refused("POST", "stb_msg/4141", "msg=x") == "Empty stb list"
    assert client.refused("POST", f"stb_msg/{MAC1}", "ttl=5") == "Empty msg"


def test_actions_not_offered(client: PortalClient) -> None:
    """A verb that a resource does not offer is named in the error."""
    expected = 'Resource "send_event" does not support action "get"'
    assert client.refused("GET", "send_event/1") == expected
    expected = 'Resource "stb_auth" does not support action "delete"'
    assert client.refused("DELETE", "stb_auth/1") == expected
    expected = 'Resource "itv" does not support action "create"'
    assert client.refused("POST", "itv/", "name=x") == expected


def test_channel_rows_are_text(client: PortalClient) -> None:
    """An itv row holds text only."""
    row = client.ok("GET", "itv/")[0]
    assert row == {
        "id": "1",
        "name": "News One",
        "number": "1",
        "base_ch": "1",
        "hd": "0",
        "enable_monitoring": "0",
        "url": "",
    }


def test_monitoring_links_want_their_own_type(client: PortalClient) -> None:
    """monitoring_links answers a text to the right Accept header and an error to any other."""
    error = "Unsupported Accept header, use text/channel-monitoring-id-url"
    assert client.refused("GET", "monitoring_links/") == error
    headers = {
        "Authorization": "Basic c3RhbGtlcjpzZWNyZXRfcGFzcw==",
        "Accept": "text/channel-monitoring-id-url",
    }
    answer = call(client.url, "GET", "/stalker_portal/api/monitoring_links/", None, headers)
    assert (answer.status, answer.body) == (200, b"")
