"""The admin face: journal, counters, state, tampering, reset."""

import threading
import time
from datetime import datetime

import pytest

from tests.simulators.http import PortalClient, call
from tests.simulators.process import RunningSimulator, start_simulator

MAC1 = "00:1A:79:00:00:01"
USER1 = f"login=user1&password=pw1&account_number=1001&status=1&stb_mac={MAC1}"


def test_entries_tell_what_changed(portal: RunningSimulator, client: PortalClient) -> None:
    """A write is journalled with subject, what was and what is, and nothing else of the row."""
    client.ok("POST", "accounts/", USER1)
    client.ok("PUT", "accounts/1001", "status=0&full_name=Ann")
    client.ok("PUT", "accounts/1001", "status=0")
    created, blocked, repeated = portal.journal()
    assert (created["subject"], created["before"], created["changed"]) == ("user1", None, True)
    assert created["after"]["stb_mac"] == MAC1
    assert "pw1" not in str(created)
    assert blocked["call"] == "PUT /stalker_portal/api/accounts/1001"
    assert blocked["before"] == {"full_name": "", "status": 1}
    assert blocked["after"] == {"full_name": "Ann", "status": 0}
    assert (repeated["changed"], repeated["before"], repeated["after"]) == (False, {}, {})
    assert [e["n"] for e in (created, blocked, repeated)] == sorted(
        e["n"] for e in (created, blocked, repeated)
    )


def test_entries_have_two_clocks(portal: RunningSimulator, client: PortalClient) -> None:
    """The ISO time and the nanoseconds of an entry are the same moment."""
    client.ok("POST", "accounts/", USER1)
    (entry,) = portal.journal()
    moment = datetime.fromisoformat(entry["at"])
    assert abs(moment.timestamp() - entry["at_ns"] / 1e9) < 0.001
    assert len(entry["at"].partition(".")[2]) == len("000000+00:00")


def test_failed_attempts_are_there_too(portal: RunningSimulator, client: PortalClient) -> None:
    """A write that the portal refuses is an entry without a change."""
    client.refused("PUT", "users/ghost", "status=0")
    client.refused("POST", "accounts/", "password=x")
    assert [(e["subject"], e["changed"]) for e in portal.journal()] == [
        ("ghost", False),
        ("", False),
    ]


def test_one_call_on_two_rows(portal: RunningSimulator, client: PortalClient) -> None:
    """A call that hits two rows makes two entries of one call."""
    client.ok("POST", "accounts/", USER1)
    client.ok("POST", "accounts/", "login=user1b&account_number=1001")
    client.ok("PUT", "accounts/1001", "status=0")
    first, second = portal.journal()[-2:]
    assert (first["subject"], second["subject"]) == ("user1", "user1b")
    assert first["call_id"] == second["call_id"]


def test_boxes_leave_traces(portal: RunningSimulator, client: PortalClient) -> None:
    """Delivered events and self-registered boxes are entries of the device's face."""
    client.ok("POST", "accounts/", USER1)
    client.ok("PUT", "users/user1", "status=0")
    client.poll(MAC1)
    client.box("00:1A:79:00:00:09", "stb", "get_profile")
    told, registered = portal.journal(face="device")
    assert (told["call"], told["subject"]) == ("BOX got event", "user1")
    assert told["after"]["event"] == "cut_off"
    assert (registered["call"], registered["subject"]) == (
        "BOX registered itself",
        "00:1A:79:00:00:09",
    )


def test_broadcast_is_one_entry(portal: RunningSimulator, client: PortalClient) -> None:
    """A broadcast is one entry that tells how many boxes it reached."""
    portal.admin("/tamper", {"op": "fill", "count": 30})
    client.ok("POST", "send_event/", "event=reboot")
    (entry,) = portal.journal(face="api")
    assert (entry["subject"], entry["after"]["boxes"]) == ("*", 30)


def test_reading_on(portal: RunningSimulator, client: PortalClient) -> None:
    """A reader goes on after the last number he saw, in steps of his own."""
    for number in range(5):
        client.ok("POST", "accounts/", f"login=u{number}")
    page = portal.admin("/journal?limit=2")
    assert [e["subject"] for e in page["entries"]] == ["u0", "u1"]
    rest = portal.admin(f"/journal?after={page['entries'][-1]['n']}")
    assert [e["subject"] for e in rest["entries"]] == ["u2", "u3", "u4"]
    assert rest["entries"][-1]["n"] == rest["last"]
    assert portal.journal(subject="u3")[0]["subject"] == "u3"
    assert portal.admin(f"/journal?after={rest['last']}")["entries"] == []


def test_waiting_for_an_entry(portal: RunningSimulator, client: PortalClient) -> None:
    """A reader may wait for the next entry."""
    last = portal.admin("/journal")["last"]
    timer = threading.Timer(0.2, client.ok, ("POST", "accounts/", USER1))
    timer.start()
    page = portal.admin(f"/journal?after={last}&wait_s=30")
    timer.join()
    assert [e["subject"] for e in page["entries"]] == ["user1"]


def test_journal_is_bounded() -> None:
    """The oldest entries leave first and are counted."""
    with start_simulator("ministra", "--journal-max", "3") as running:
        for number in range(5):
            fields = {"login": f"u{number}"}
            running.admin("/tamper", {"op": "add_account", "fields": fields})
        page = running.admin("/journal")
        assert [e["subject"] for e in page["entries"]] == ["u2", "u3", "u4"]
        assert (page["last"], page["dropped"]) == (5, 2)


def test_counters_count_reads_too(portal: RunningSimulator, client: PortalClient) -> None:
    """All calls are counted by verb and resource."""
    client.ok("POST", "accounts/", USER1)
    client.ok("GET", "users/user1")
    client.ok("GET", "users/user1")
    client.poll(MAC1)
    counters = portal.admin("/counters")
    assert counters["calls"] == {
        "POST accounts": 1,
        "GET users": 2,
        "BOX watchdog.get_events": 1,
    }
    assert (counters["in_flight_max"], counters["overlapping_writes"]) == (1, 0)


def test_overlapping_writes_are_seen(portal: RunningSimulator, client: PortalClient) -> None:
    """Two writes to one path at the same time are counted."""
    client.ok("POST", "accounts/", USER1)
    portal.admin("/faults", {"spec": "slow:1h:match=PUT"})
    threads = [
        threading.Thread(target=client.ok, args=("PUT", "users/user1", "status=0"))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while portal.admin("/counters")["in_flight"] < len(threads):
        time.sleep(0.01)
    portal.admin("/faults", {"clear": "slow"})
    for thread in threads:
        thread.join()
    counters = portal.admin("/counters")
    assert (counters["in_flight_max"], counters["overlapping_writes"]) == (2, 1)


def test_tampering_with_an_account(portal: RunningSimulator, client: PortalClient) -> None:
    """A hand in the portal changes an account; no box is told, the journal is."""
    client.ok("POST", "accounts/", USER1)
    fields = {"status": 0, "tariff_plan": "premium", "full_name": "Eve"}
    portal.admin("/tamper", {"op": "set", "login": "user1", "fields": fields})
    row = client.ok("GET", "users/user1")
    assert (row["status"], row["tariff_plan"], row["full_name"]) == (0, "premium", "Eve")
    assert client.poll(MAC1)["msgs"] == 0
    (entry,) = portal.journal(face="admin")
    assert entry["call"] == "TAMPER set"
    assert entry["before"] == {"full_name": "", "tariff_plan": "basic", "status": 1}


def test_tampering_with_packages(portal: RunningSimulator, client: PortalClient) -> None:
    """Packages are added and taken silently, by any selector."""
    client.ok("POST", "accounts/", USER1)
    wish = {"op": "subscribe", "account_number": "1001", "packages": ["sport", "kids"]}
    portal.admin("/tamper", wish)
    assert client.ok("GET", "users/user1")["subscribed"] == ["kids", "sport"]
    portal.admin("/tamper", {"op": "unsubscribe", "mac": MAC1, "packages": ["kids"]})
    assert client.ok("GET", "users/user1")["subscribed"] == ["sport"]


def test_accounts_come_and_go(portal: RunningSimulator, client: PortalClient) -> None:
    """Accounts are added without any check, doubles too, and deleted."""
    fields = {"login": "eve", "account_number": "9", "subscribed": ["sport"], "status": 0}
    for _ in range(2):
        portal.admin("/tamper", {"op": "add_account", "fields": fields})
    assert len(client.ok("GET", "accounts/9")) == 2
    assert portal.admin("/tamper", {"op": "delete", "login": "eve"})["result"] == 2
    assert client.ok("GET", "accounts/") == []


def test_a_new_catalogue(portal: RunningSimulator, client: PortalClient) -> None:
    """Channels, packages and tariffs are added or replaced."""
    portal.admin("/tamper", {"op": "put_channel", "fields": {"id": 9, "name": "Jazz"}})
    package = {"id": 9, "external_id": "music", "channels": [9]}
    portal.admin("/tamper", {"op": "put_package", "fields": package})
    tariff = {"external_id": "tiny", "packages": [{"id": 9}]}
    number = portal.admin("/tamper", {"op": "put_tariff", "fields": tariff})["result"]
    assert client.ok("GET", f"tariffs/{number}")["packages"][0]["external_id"] == "music"
    client.ok("POST", "accounts/", USER1 + "&tariff_plan=tiny")
    assert client.channels(MAC1) == ["Jazz"]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ('{"op": "nosuch"}', "unknown operation 'nosuch'"),
        ('{"op": "set", "login": "ghost", "fields": {}}', "no account with login 'ghost'"),
        ('{"op": "set", "fields": {}}', "name the account"),
        ('{"op": "set", "login": "user1"}', "missing 'fields'"),
        ('{"op": "set", "login": "user1", "fields": {"colour": 1}}', "no field 'colour'"),
        ('{"op": "config", "set": {"nosuch": 1}}', "no setting 'nosuch'"),
        ('{"op": "subscribe", "login": "user1", "packages": ["nosuch"]}', "unknown package"),
        ("[1]", "JSON object"),
        ("{", "unexpected"),
    ],
)
def test_wrong_operations(
    portal: RunningSimulator, client: PortalClient, operation: str, words: str
) -> None:
    """A wrong operation is refused with its reason and changes nothing."""
    client.ok("POST", "accounts/", USER1)
    before = portal.admin("/state")
    answer = call(portal.admin_url, "POST", "/tamper", operation)
    assert answer.status == 400
    assert words in answer.json["error"]
    assert portal.admin("/state") == before


def test_state_of_one_account(portal: RunningSimulator, client: PortalClient) -> None:
    """The state shows rows, hidden subscriptions, channels and waiting events."""
    client.ok("POST", "accounts/", USER1)
    client.ok("POST", "accounts/", "login=other")
    client.ok("PUT", "account_subscription/1001", "subscribed[]=sport")
    client.ok("PUT", "users/user1", "tariff_plan=premium")
    (row,) = portal.admin("/state?account_number=1001")["accounts"]
    assert (row["login"], row["subscribed"], row["subscription_rows"]) == ("user1", [], [2])
    assert row["channels"] == [1, 2, 3, 4]
    assert [event["event"] for event in row["events"]] == ["send_msg"]


def test_reset(portal: RunningSimulator, client: PortalClient) -> None:
    """A reset brings back the start: state, faults, journal, counters, clock."""
    client.ok("POST", "accounts/", USER1)
    portal.admin("/faults", {"spec": "error:500;skew:1h"})
    portal.admin("/reset", {})
    assert client.ok("GET", "accounts/") == []
    assert portal.journal() == []
    assert portal.admin("/counters")["calls"] == {"GET accounts": 1}
    client.ok("POST", "accounts/", USER1)
    assert client.ok("GET", "users/user1")["tariff_plan"] == "basic"
