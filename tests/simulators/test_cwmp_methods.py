"""What a simulated CPE does when an ACS asks: values, names, sets and their faults."""

import pytest

from tests.simulators.acs import Acs, Session, get_names, get_values, plain, set_values
from tests.simulators.cpe import CpeClient

SERVICE = "Device.Services.STBService.1."
ENABLE = SERVICE + "Enable"
PACKAGES = SERVICE + "X_BOXOFFICE_Packages"
MESSAGES = "Device.UserInterface.Messages."
SERVER = "Device.ManagementServer."
SERIAL = "Device.DeviceInfo.SerialNumber"


def asked(acs: Acs, cpe: CpeClient, *calls: tuple[str, str]) -> Session:
    """Hold a session with these calls."""
    acs.ask(*calls)
    cpe.inform()
    return acs.session()


def names(session: Session, place: int = 0) -> dict[str, str]:
    """Tell what an answer to GetParameterNames lists."""
    method, body = session.answers[place]
    assert method == "GetParameterNamesResponse"
    return {one.findtext("Name"): one.findtext("Writable") for one in body.find("ParameterList")}


def test_methods_are_told(acs: Acs, cpe: CpeClient) -> None:
    """GetRPCMethods lists what the box knows, and anything else is 9000."""
    session = asked(acs, cpe, plain("GetRPCMethods"), plain("Upload"), plain("Nonsense"))
    assert [one.text for one in session.answers[0][1].find("MethodList")] == [
        "FactoryReset",
        "GetParameterNames",
        "GetParameterValues",
        "GetRPCMethods",
        "Reboot",
        "ScheduleInform",
        "SetParameterValues",
    ]
    assert session.fault(1) == ("9000", {})
    assert session.fault(2) == ("9000", {})


def test_values_are_told_by_name_and_by_partial_path(acs: Acs, cpe: CpeClient) -> None:
    """A partial path tells all that is below it, an empty one everything."""
    calls = (get_values(SERIAL, ENABLE), get_values("Device.DeviceInfo."), get_values(""))
    session = asked(acs, cpe, *calls)
    assert session.read(0) == {SERIAL: cpe.serial, ENABLE: "false"}
    info = session.read(1)
    assert all(name.startswith("Device.DeviceInfo.") for name in info)
    assert info["Device.DeviceInfo.ProductClass"] == "RB-1"
    everything = session.read(2)
    assert everything["Device.Ethernet.Interface.1.MACAddress"] == cpe.papers["mac"]
    assert everything[SERVER + "ConnectionRequestPassword"] == ""
    assert everything[SERVER + "PeriodicInformTime"] == "0001-01-01T00:00:00Z"
    assert len(everything) > 30


@pytest.mark.parametrize("name", ["Device.Nothing", "Device.Nothing.", "Device", "Internet."])
def test_an_unknown_name_is_refused_as_a_whole(acs: Acs, cpe: CpeClient, name: str) -> None:
    """One unknown name in GetParameterValues or GetParameterNames is 9005."""
    session = asked(acs, cpe, get_values(SERIAL, name), get_names(name, "0"))
    assert session.fault(0) == ("9005", {})
    assert session.fault(1) == ("9005", {})


def test_names_are_told_by_level(acs: Acs, cpe: CpeClient) -> None:
    """GetParameterNames tells objects and parameters, one level or all, and who may be written."""
    calls = (
        get_names("", "1"),
        get_names("Device.Services.", "true"),
        get_names(SERVICE, "1"),
        get_names(MESSAGES, "0"),
        get_names(ENABLE, "0"),
        get_names(ENABLE, "1"),
        get_names(SERVICE, "x"),
    )
    session = asked(acs, cpe, *calls)
    assert names(session, 0) == {"Device.": "0"}
    assert names(session, 1) == {
        "Device.Services.STBService.": "0",
        "Device.Services.STBServiceNumberOfEntries": "0",
    }
    assert names(session, 2)[PACKAGES] == "1"
    assert "Device.Services.STBService.1.AVPlayers.ResetPINCode" not in names(session, 2)
    below = names(session, 3)
    assert below[MESSAGES] == "0"
    assert below[MESSAGES + "Text"] == "1"
    assert below[MESSAGES + "ExecutedNumberOfRepetitions"] == "0"
    assert names(session, 4) == {ENABLE: "1"}
    assert session.fault(5) == ("9003", {})
    assert session.fault(6) == ("9003", {})


def test_a_set_is_done_and_proven(acs: Acs, cpe: CpeClient) -> None:
    """A set changes the box, is read back, and its ParameterKey comes in every Inform."""
    wishes = {ENABLE: "1", PACKAGES: "sport, basic"}
    session = asked(acs, cpe, set_values(wishes, "r-0042"), get_values(ENABLE, PACKAGES))
    assert session.status() == "0"
    assert session.read(1) == {ENABLE: "true", PACKAGES: "basic,sport"}
    state = cpe.state
    assert (state["active"], state["packages"]) == (True, ["basic", "sport"])
    assert state["revision"] == "r-0042"
    cpe.inform()
    assert acs.session().values[SERVER + "ParameterKey"] == "r-0042"
    entry = cpe.journal("SetParameterValues")[-1]
    assert entry["changed"]
    assert entry["before"][ENABLE] == "false"
    assert entry["after"][PACKAGES] == "basic,sport"


def test_a_set_is_all_or_nothing(acs: Acs, cpe: CpeClient) -> None:
    """One bad parameter and nothing is set; each bad one is told with its own code."""
    rows = [
        (ENABLE, "boolean", "true"),
        ("Device.Nothing", "string", "x"),
        (PACKAGES, "string", "basic,nosuch"),
        (SERIAL, "string", "x"),
        (SERVER + "PeriodicInformInterval", "unsignedInt", "often"),
        (SERVER + "PeriodicInformEnable", "string", "true"),
        (SERVER + "PeriodicInformTime", "dateTime", "tomorrow"),
    ]
    session = asked(acs, cpe, set_values(rows, "r-1"))
    assert session.fault() == (
        "9003",
        {
            "Device.Nothing": "9005",
            PACKAGES: "9007",
            SERIAL: "9008",
            SERVER + "PeriodicInformInterval": "9006",
            SERVER + "PeriodicInformEnable": "9006",
            SERVER + "PeriodicInformTime": "9006",
        },
    )
    state = cpe.state
    assert (state["active"], state["revision"]) == (False, "")
    entry = cpe.journal("REFUSED SetParameterValues")[-1]
    assert not entry["changed"]
    assert entry["after"]["parameters"][PACKAGES] == 9007


@pytest.mark.parametrize(
    ("rows", "key", "code"),
    [
        ([(ENABLE, "boolean", "1")], "k" * 33, "9003"),
        ([(ENABLE, "boolean", "1"), (ENABLE, "boolean", "0")], "k", "9003"),
        ([(SERVER + "PeriodicInformInterval", "unsignedInt", "0")], "k", "9003"),
        ([(SERVER + "URL", "string", "ftp://x")], "k", "9003"),
    ],
)
def test_what_a_set_may_not_hold(
    acs: Acs, cpe: CpeClient, rows: list[tuple[str, str, str]], key: str, code: str
) -> None:
    """A key of 33 characters, a name twice, an interval of 0, another scheme: nothing is set."""
    assert asked(acs, cpe, set_values(rows, key)).fault()[0] == code
    assert cpe.state["revision"] == ""


def test_a_full_box_takes_nothing(acs: Acs, cpe: CpeClient) -> None:
    """A box without room answers 9004."""
    cpe.tamper("set", fields={"free_mb": 0})
    assert asked(acs, cpe, set_values({ENABLE: "1"}, "k")).fault() == ("9004", {})
    assert cpe.state["active"] is False


def test_a_message_is_shown_and_counted(acs: Acs, cpe: CpeClient) -> None:
    """A message that is switched on is shown as often as asked, and the box says how often."""
    wishes = {
        MESSAGES + "Text": "Please pay, <friend>",
        MESSAGES + "RequestedNumberOfRepetitions": "3",
        MESSAGES + "Enable": "true",
    }
    executed = MESSAGES + "ExecutedNumberOfRepetitions"
    session = asked(acs, cpe, get_values(executed), set_values(wishes), get_values(executed))
    assert session.read(0) == {executed: "0"}
    assert session.read(2) == {executed: "3"}
    assert cpe.state["message"]["text"] == "Please pay, <friend>"
    session = asked(acs, cpe, set_values(wishes), get_values(executed))
    assert session.read(1) == {executed: "3"}, "the same wish shows nothing again"
    assert cpe.state["shown"] == 3


def test_a_pin_is_reset(acs: Acs, cpe: CpeClient) -> None:
    """ResetPINCode forgets the PIN and reads false."""
    cpe.tamper("set", fields={"pin": "4711"})
    name = SERVICE + "AVPlayers.ResetPINCode"
    session = asked(acs, cpe, set_values({name: "true"}), get_values(name))
    assert session.read(1) == {name: "false"}
    assert cpe.state["pin_print"] == ""
