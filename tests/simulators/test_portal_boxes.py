"""The box side of the portal: what a set-top box sees after what the billing wrote."""

import re

import pytest

from tests.simulators.http import PortalClient
from tests.simulators.process import RunningSimulator

MAC1, MAC2 = "00:1A:79:00:00:01", "00:1A:79:00:00:02"
USER1 = f"login=user1&password=pw1&account_number=1001&tariff_plan=basic&status=1&stb_mac={MAC1}"
IDLE = {"msgs": 0, "additional_services_on": "1"}
HOUR = 3600


@pytest.fixture(autouse=True)
def _user1(client: PortalClient) -> None:
    client.ok("POST", "accounts/", USER1)


def skew(portal: RunningSimulator, seconds: int) -> None:
    """Move the portal's clock."""
    portal.admin("/faults", {"set": [{"name": "skew", "argument": f"{seconds}s"}]})


def test_handshake(client: PortalClient) -> None:
    """A box gets a token of 32 hexadecimal digits, a new one each time."""
    tokens = [client.box(MAC1, "stb", "handshake")["token"] for _ in range(2)]
    assert all(re.fullmatch("[0-9A-F]{32}", token) for token in tokens)
    assert tokens[0] != tokens[1]


def test_idle_poll(client: PortalClient) -> None:
    """A poll without events tells their number and nothing else."""
    answer = client.box_answer(MAC1, "watchdog", "get_events")
    assert set(answer.json) == {"js", "text"}
    assert answer.json["js"] == {"data": IDLE}


def test_a_poll_makes_a_box_online(portal: RunningSimulator, client: PortalClient) -> None:
    """A box is online for one watchdog period after its poll."""
    client.poll(MAC1)
    row = client.ok("GET", "users/user1")
    assert (row["online"], row["ip"]) == ("1", "127.0.0.1")
    assert row["last_active"] > "2026"
    skew(portal, 121)
    assert client.ok("GET", "users/user1")["online"] == "0"


def test_package_change_asks_for_a_reboot(client: PortalClient) -> None:
    """A package change queues one message that wants to be confirmed and then restarts the box."""
    client.ok("PUT", "account_subscription/1001", "subscribed[]=sport")
    client.ok("PUT", "account_subscription/1001", "subscribed[]=kids")
    event = client.poll(MAC1)
    assert (event["msgs"], event["event"]) == (1, "send_msg")
    assert (event["need_confirm"], event["reboot_after_ok"]) == ("1", "1")
    assert "services" in event["msg"]
    assert client.poll(MAC1)["msgs"] == 1
    assert client.box(MAC1, "watchdog", "confirm_event", event_active_id=event["id"])
    assert client.poll(MAC1) == IDLE


def test_an_active_event_is_not_repeated(client: PortalClient) -> None:
    """A box that names the event it shows is told its number alone."""
    client.ok("POST", f"stb_msg/{MAC1}", "msg=hello")
    event = client.poll(MAC1)
    again = client.poll(MAC1, event_active_id=event["id"])
    assert again == {"msgs": 1, "additional_services_on": "1"}


def test_block_cuts_off_at_once(client: PortalClient) -> None:
    """After status=0 channels and links are denied, and cut_off is delivered once."""
    client.ok("PUT", "accounts/1001", "status=0")
    for action in ("get_all_channels", "create_link"):
        answer = client.box_answer(MAC1, "itv", action, cmd="ffrt http://localhost/ch/1")
        assert (answer.status, answer.text) == (200, "Access denied.")
    event = client.poll(MAC1)
    assert (event["msgs"], event["event"], event["need_confirm"]) == (1, "cut_off", "0")
    assert client.poll(MAC1) == IDLE
    profile = client.box(MAC1, "stb", "get_profile")
    assert (profile["status"], profile["block_msg"]) == (1, "")


def test_block_twice_is_one_event(client: PortalClient) -> None:
    """The same status again changes nothing and sends no second event."""
    for _ in range(2):
        assert client.ok("PUT", "accounts/1001", "status=0") is True
    assert client.poll(MAC1)["msgs"] == 1


def test_open_again(client: PortalClient) -> None:
    """status=1 sends cut_on once, and the channels are back."""
    client.ok("PUT", "users/user1", "status=0")
    client.poll(MAC1)
    client.ok("PUT", "users/user1", "status=1")
    assert client.poll(MAC1)["event"] == "cut_on"
    assert client.poll(MAC1) == IDLE
    assert client.channels(MAC1) == ["News One"]


def test_box_status_always_sends(client: PortalClient) -> None:
    """PUT stb queues an event though the status stays the same."""
    client.ok("PUT", f"stb/{MAC1}", "status=1")
    assert client.poll(MAC1)["event"] == "cut_on"


def test_tariff_change_sends_nothing(client: PortalClient) -> None:
    """After a change of tariff the channel list differs, but no event says so."""
    client.ok("PUT", "account_subscription/1001", "subscribed[]=sport")
    assert client.channels(MAC1) == ["News One", "Sport HD"]
    event = client.poll(MAC1)
    client.box(MAC1, "watchdog", "confirm_event", event_active_id=event["id"])
    client.ok("PUT", "users/user1", "tariff_plan=premium")
    assert client.poll(MAC1) == IDLE
    assert client.channels(MAC1) == ["News One", "Sport HD", "Kids", "Movies"]


def test_links_are_for_entitled_channels(client: PortalClient) -> None:
    """A link is made for a channel in the packages and refused for another."""
    good = client.box(MAC1, "itv", "create_link", cmd="ffrt http://localhost/ch/1")
    assert "/ch/1" in good["cmd"]
    bad = client.box(MAC1, "itv", "create_link", cmd="ffrt http://localhost/ch/4")
    assert (bad["cmd"], bad["error"]) == ("", "nothing_to_play")


def test_commands_go_before_messages(client: PortalClient) -> None:
    """Commands have priority over messages that are older."""
    client.ok("POST", f"stb_msg/{MAC1}", "msg=first")
    client.ok("POST", f"send_event/{MAC1}", "event=reload_portal")
    assert [client.poll(MAC1)["event"] for _ in range(2)] == ["reload_portal", "send_msg"]


def test_channel_refresh_has_another_name_at_the_box(client: PortalClient) -> None:
    """update_channels reaches the box as update_subscription."""
    client.ok("POST", f"send_event/{MAC1}", "event=update_channels")
    assert client.poll(MAC1)["event"] == "update_subscription"


def test_commands_expire(portal: RunningSimulator, client: PortalClient) -> None:
    """A box that is away for more than 240 s never sees cut_off, but stays blocked."""
    client.ok("PUT", "users/user1", "status=0")
    client.ok("POST", f"stb_msg/{MAC1}", "msg=pay")
    skew(portal, 241)
    assert client.poll(MAC1)["event"] == "send_msg"
    assert client.box(MAC1, "stb", "get_profile")["status"] == 1


def test_messages_last_seven_days(portal: RunningSimulator, client: PortalClient) -> None:
    """A message waits seven days, or as long as its ttl says."""
    client.ok("POST", f"stb_msg/{MAC1}", "msg=short&ttl=60")
    client.ok("POST", f"stb_msg/{MAC1}", "msg=long")
    skew(portal, 61)
    assert client.poll(MAC1)["msg"] == "long"
    skew(portal, 7 * 24 * HOUR + 61)
    assert client.poll(MAC1) == IDLE


def test_life_of_messages_is_a_setting(portal: RunningSimulator, client: PortalClient) -> None:
    """events_messages_ttl shortens the life of messages."""
    portal.admin("/tamper", {"op": "config", "set": {"events_messages_ttl": 300}})
    client.ok("POST", f"stb_msg/{MAC1}", "msg=hello")
    skew(portal, 301)
    assert client.poll(MAC1) == IDLE


@pytest.mark.parametrize("way", ["delete", "unbind"])
def test_delete_or_unbind_is_no_block(client: PortalClient, way: str) -> None:
    """A box that was deleted or unbound registers itself again as a new, open user."""
    if way == "delete":
        client.ok("DELETE", "users/user1")
    else:
        client.ok("PUT", "users/user1", "stb_mac=")
    assert client.box_answer(MAC1, "itv", "get_all_channels").text == "Access denied."
    profile = client.box(MAC1, "stb", "get_profile")
    assert (profile["id"], profile["status"], profile["login"]) == ("2", 0, "")
    assert client.channels(MAC1) == ["News One"]
    assert client.ok("GET", f"accounts/{MAC1}")[0]["tariff_plan"] == "basic"


def test_strangers_need_not_be_let_in(portal: RunningSimulator, client: PortalClient) -> None:
    """With auto_add_stb off a stranger stays out; with default_stb_status=0 he comes in blocked."""
    portal.admin("/tamper", {"op": "config", "set": {"auto_add_stb": False}})
    assert client.box(MAC2, "stb", "get_profile")["status"] == 1
    assert len(client.ok("GET", "stb/")) == 1
    settings = {"auto_add_stb": True, "default_stb_status": 0}
    portal.admin("/tamper", {"op": "config", "set": settings})
    assert client.box(MAC2, "stb", "get_profile")["status"] == 1
    assert client.ok("GET", f"stb/{MAC2}")[0]["status"] == 0


def test_change_of_the_mac_forgets_the_hardware(
    portal: RunningSimulator, client: PortalClient
) -> None:
    """Writing stb_mac clears the hardware id, so that another box is let in."""
    client.box(MAC1, "stb", "get_profile", device_id="A")
    client.ok("PUT", "users/user1", f"stb_mac={MAC2}")
    assert portal.admin("/state?login=user1")["accounts"][0]["device_id"] == ""
    assert client.box(MAC2, "stb", "get_profile", device_id="B")["status"] == 0


def test_without_tariff_plans(portal: RunningSimulator, client: PortalClient) -> None:
    """With tariff plans off a box sees base channels and the single ones it has."""
    portal.admin("/tamper", {"op": "config", "set": {"enable_tariff_plans": False}})
    client.ok("PUT", f"itv_subscription/{MAC1}", "sub_ch[]=3")
    assert client.channels(MAC1) == ["News One", "Kids"]
    assert client.poll(MAC1)["additional_services_on"] == "0"
    portal.admin("/tamper", {"op": "config", "set": {"enable_subscription": False}})
    assert len(client.channels(MAC1)) == 4


def test_without_internal_billing(portal: RunningSimulator, client: PortalClient) -> None:
    """Without internal billing a row has no end date."""
    portal.admin("/tamper", {"op": "config", "set": {"enable_internal_billing": False}})
    assert "end_date" not in client.ok("GET", "users/user1")
    assert "end_date" not in client.ok("GET", f"stb/{MAC1}")[0]


def test_nightly_job_of_internal_billing(portal: RunningSimulator, client: PortalClient) -> None:
    """The nightly job blocks accounts past their end date and tells their boxes."""
    client.ok("PUT", "users/user1", "end_date=2020-01-31")
    assert client.ok("GET", "users/user1")["status"] == 1
    assert portal.admin("/tamper", {"op": "billing_job"})["result"] == 1
    assert client.ok("GET", "users/user1")["status"] == 0
    assert client.poll(MAC1)["event"] == "cut_off"


def test_a_call_without_mac_or_meaning(client: PortalClient) -> None:
    """A call without a MAC, or for an action nobody knows, is answered with false."""
    assert client.box("none", "stb", "get_profile") is False
    assert client.box(MAC1, "vod", "get_ordered_list") is False
