"""The faults of a simulated CPE: each is seen by the ACS and told by the journal."""

import asyncio

import aiohttp
import pytest

from tests.simulators.acs import Acs, Session, get_values, plain, reboot, set_values
from tests.simulators.cpe import CpeClient

SERVICE = "Device.Services.STBService.1."
ENABLE = SERVICE + "Enable"
PACKAGES = SERVICE + "X_BOXOFFICE_Packages"
SERVER = "Device.ManagementServer."
KEY = SERVER + "ParameterKey"
PERIOD_AT = SERVER + "PeriodicInformTime"
WISH = set_values({ENABLE: "1", PACKAGES: "basic"}, "r-1")


def asked(acs: Acs, cpe: CpeClient, *calls: tuple[str, str]) -> Session:
    """Hold a session with these calls."""
    acs.ask(*calls)
    cpe.inform()
    return acs.session()


def test_a_wrong_password_is_refused(acs: Acs, cpe: CpeClient) -> None:
    """A box with a wrong password is challenged twice, gives up, and comes again."""
    cpe.hurt("wrong_password:count=1")
    acs.statuses.clear()
    cpe.inform()
    assert acs.session().retries == 1
    assert acs.statuses == [401, 401, 401, 200, 204]
    assert cpe.broken()["broken"] == "401"
    assert cpe.running.admin("/counters")["faults"]["wrong_password"] == 1


def test_a_repeated_proof_is_challenged(acs: Acs, cpe: CpeClient) -> None:
    """A message that repeats the proof of the one before is 401; a fresh proof is taken."""
    cpe.hurt("nonce_replay:count=1")
    acs.statuses.clear()
    cpe.inform()
    session = acs.session()
    assert acs.statuses == [401, 200, 401, 204]
    assert session.retries == 0


def test_status_1_waits_for_a_boot(acs: Acs, cpe: CpeClient) -> None:
    """A set with Status 1 is in effect after the next boot, not before."""
    cpe.hurt("status_1:count=1")
    session = asked(acs, cpe, WISH, get_values(ENABLE), reboot("k"))
    assert session.status() == "1"
    assert session.read(1) == {ENABLE: "false"}
    assert acs.session().codes == ["1 BOOT", "M Reboot"]
    state = cpe.state
    assert (state["active"], state["packages"], state["revision"]) == (True, ["basic"], "r-1")


def test_a_key_may_stay_behind(acs: Acs, cpe: CpeClient) -> None:
    """A box that never updates ParameterKey has the values and shows the old key."""
    cpe.hurt("key_stuck")
    session = asked(acs, cpe, WISH, get_values(ENABLE, KEY))
    assert session.read(1) == {ENABLE: "true", KEY: ""}


def test_a_box_may_lie(acs: Acs, cpe: CpeClient) -> None:
    """A lying box says that all was set and even shows it; the picture stays dark."""
    cpe.hurt("lies:count=1")
    session = asked(acs, cpe, WISH, get_values(ENABLE, PACKAGES))
    assert (session.status(), session.read(1)) == ("0", {ENABLE: "true", PACKAGES: "basic"})
    state = cpe.state
    assert (state["active"], state["packages"], state["revision"]) == (False, [], "r-1")


def test_a_box_may_tell_old_values(acs: Acs, cpe: CpeClient) -> None:
    """A box with a cache has what was set and tells what was there before, until it boots."""
    cpe.hurt("stale:count=1")
    session = asked(acs, cpe, WISH, get_values(ENABLE, PACKAGES), reboot())
    assert session.read(1) == {ENABLE: "false", PACKAGES: ""}
    assert cpe.state["active"] is True
    acs.ask(get_values(ENABLE))
    assert acs.session().read() == {ENABLE: "true"}


def test_values_may_be_written_otherwise(acs: Acs, cpe: CpeClient) -> None:
    """Booleans come as 0 and 1, and dates without a zone."""
    set_at = set_values({PERIOD_AT: "2026-01-02T03:04:05+02:00"})
    session = asked(acs, cpe, WISH, set_at, get_values(ENABLE, PERIOD_AT))
    assert session.read(2) == {ENABLE: "true", PERIOD_AT: "2026-01-02T01:04:05Z"}
    cpe.hurt("odd_values")
    session = asked(acs, cpe, get_values(ENABLE, PERIOD_AT))
    assert session.read() == {ENABLE: "1", PERIOD_AT: "2026-01-02T01:04:05"}
    assert not session.current_time.endswith("Z")


@pytest.mark.parametrize("code", [9001, 9002, 9004, 9005, 9007, 9008])
def test_a_parameter_may_be_refused(acs: Acs, cpe: CpeClient, code: int) -> None:
    """One parameter is refused with the code that was wished, and nothing is set."""
    match = f"{cpe.serial} .*Packages"
    cpe.running.admin("/faults", {"spec": f"cwmp_fault:{code}:match={match}"})
    session = asked(acs, cpe, WISH, get_values(PACKAGES), get_values(ENABLE))
    assert session.fault(0) == ("9003", {PACKAGES: str(code)})
    assert session.fault(1) == (str(code), {})
    assert session.read(2) == {ENABLE: "false"}


def test_a_method_may_be_refused(acs: Acs, cpe: CpeClient) -> None:
    """A box that cannot reboot answers 9000, and goes on."""
    cpe.running.admin("/faults", {"spec": f"cwmp_fault:9000:match={cpe.serial} Reboot"})
    boots = cpe.state["boots"]
    session = asked(acs, cpe, reboot("k"), get_values(ENABLE))
    assert session.fault(0) == ("9000", {})
    assert session.read(1) == {ENABLE: "false"}
    assert cpe.state["boots"] == boots


@pytest.mark.parametrize(
    "call", [get_values("Device.Nothing"), set_values({"Device.Nothing": "x"})]
)
def test_an_unknown_name_may_be_the_end(acs: Acs, cpe: CpeClient, call: tuple[str, str]) -> None:
    """The process dies of an unknown name: the connection drops and the box boots again."""
    cpe.hurt("unknown_name_crash")
    boots = cpe.state["boots"]
    acs.ask(call)
    cpe.inform()
    session = acs.session()
    assert "1 BOOT" in session.codes
    assert session.answers == []
    assert cpe.state["boots"] == boots + 1
    assert cpe.broken()["broken"] == "the box restarted"


@pytest.mark.parametrize(("when", "active"), [("before", False), ("after", True)])
def test_a_box_may_reboot_in_a_set(acs: Acs, cpe: CpeClient, when: str, active: bool) -> None:
    """The session drops; whether the set was done, only the box knows, and its key says."""
    cpe.hurt(f"reboot_in_set:{when}:count=1")
    acs.ask(WISH)
    cpe.inform()
    session = acs.session()
    assert "1 BOOT" in session.codes
    assert cpe.state["active"] is active
    assert session.values[KEY] == ("r-1" if active else "")


def test_a_box_may_crash_before_it_answers(acs: Acs, cpe: CpeClient) -> None:
    """The set is done, its answer never comes, and the next boot shows the new key."""
    cpe.hurt("crash:count=1")
    acs.ask(WISH)
    cpe.inform()
    session = acs.session()
    assert (session.codes[0], session.values[KEY]) == ("1 BOOT", "r-1")
    assert cpe.broken()["calls"] == ["SetParameterValues"]


def test_a_half_open_session_holds_the_line(acs: Acs, cpe: CpeClient) -> None:
    """After the Inform nothing more comes; later the box tells the same events again."""
    cpe.hurt("half_open:50ms:count=1")
    acs.statuses.clear()
    cpe.inform()
    session = acs.session()
    assert (session.codes, session.retries) == (["2 PERIODIC"], 1)
    assert acs.statuses == [401, 200, 401, 200, 204]
    assert cpe.broken()["broken"] == "it said nothing more"


def test_a_slow_loris_is_cut_off(acs: Acs, cpe: CpeClient) -> None:
    """An Inform that comes byte by byte ends when the ACS has had enough of it."""
    cpe.hurt("slow_loris:20ms:count=1")
    acs.read_s = 0.3
    acs.statuses.clear()
    cpe.inform()
    assert acs.session().retries >= 1
    assert acs.statuses[0] == 408


def test_torn_gzip_is_refused(acs: Acs, cpe: CpeClient) -> None:
    """An Inform that claims to be gzip and is broken is a bad request."""
    cpe.hurt("torn_gzip:count=1")
    acs.statuses.clear()
    cpe.inform()
    assert acs.session().retries == 1
    assert acs.statuses[0] == 400
    assert cpe.broken()["broken"] == "torn gzip, status 400"


@pytest.mark.parametrize("way", ["prefix", "pretty", "space", "count"])
def test_an_envelope_may_look_odd(acs: Acs, cpe: CpeClient, way: str) -> None:
    """Other prefixes, line ends, leading space: the message is the same; a count may lie."""
    cpe.hurt(f"odd_xml:{way}")
    wish = set_values({ENABLE: "1"}, "r-2")
    session = asked(acs, cpe, wish, get_values(ENABLE), plain("Nonsense"))
    assert session.events == [("2 PERIODIC", "")]
    assert session.read(1) == {ENABLE: "true"}
    assert session.fault(2) == ("9000", {})
    acs.tolerates = frozenset(acs.complaints)
    lies = {f"an array of {n} says cwmp:ParameterValueStruct[16]" for n in (7, 1)}
    assert set(acs.complaints) == (lies if way == "count" else set())


async def test_behind_nat_nobody_is_reached(acs: Acs, cpe: CpeClient) -> None:
    """The box tells a private address, and a connection request is never answered."""
    cpe.hurt("nat")
    cpe.inform()
    session = await asyncio.to_thread(acs.session)
    assert session.values[SERVER + "ConnectionRequestURL"].startswith("http://192.168.1.")
    async with aiohttp.ClientSession() as client:
        with pytest.raises(TimeoutError):
            await client.get(cpe.papers["request_url"], timeout=aiohttp.ClientTimeout(total=0.2))
    assert acs.is_quiet()


def test_a_flapping_link_loses_nothing(acs: Acs, cpe: CpeClient) -> None:
    """While the link is down no message goes out; what there is to tell is told later."""
    cpe.hurt("flap:300ms")
    for number in range(8):
        cpe.tamper("inform", event="M Download", key=f"d-{number}")
    told: list[tuple[str, str]] = []
    while len(set(told)) < 8:
        told += acs.session().events
    cpe.heal()
    assert set(told) == {("M Download", f"d-{number}") for number in range(8)}


def test_a_box_without_a_time_server_lives_in_1970(acs: Acs, cpe: CpeClient) -> None:
    """CurrentTime is then the time since the boot."""
    cpe.tamper("crash")
    acs.session()
    cpe.hurt("clock_1970")
    cpe.inform()
    assert acs.session().current_time.startswith("1970-01-01T00:00:")


def test_a_reset_may_come_back_as_a_boot(acs: Acs, cpe: CpeClient) -> None:
    """A box may forget everything and yet tell no BOOTSTRAP; the empty key alone says so."""
    asked(acs, cpe, WISH)
    cpe.hurt("plain_boot")
    asked(acs, cpe, plain("FactoryReset"))
    session = acs.session()
    assert (session.codes, session.values[KEY]) == (["1 BOOT"], "")
    assert cpe.state["active"] is False


def test_a_clone_shows_another_boxs_name(acs: Acs, cpe: CpeClient) -> None:
    """A clone tells the serial and MAC of another box, but proves itself as what it is."""
    other = CpeClient(running=cpe.running, number=1).papers
    cpe.hurt(f"clone:{other['serial']},{other['mac'].replace(':', '')}")
    mac = "Device.Ethernet.Interface.1.MACAddress"
    session = asked(acs, cpe, get_values(mac))
    assert session.device["SerialNumber"] == other["serial"]
    assert session.read() == {mac: other["mac"]}
    assert cpe.papers["acs_username"] in session.posts[0]["Authorization"]


def test_without_a_link_nothing_goes_either_way(acs: Acs, cpe: CpeClient) -> None:
    """A box that is down in the eyes of the network calls when it is back, not before."""
    cpe.hurt("down")
    cpe.tamper("inform", event="M Download", key="d-1")
    assert cpe.state["cwmp"]["events"] == [["M Download", "d-1"]]
    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(cpe.ring())
    cpe.heal()
    assert acs.session().events == [("M Download", "d-1")]


def test_a_box_may_be_slow(acs: Acs, cpe: CpeClient) -> None:
    """A slow box says nothing until it does; a cleared delay lets it go on."""
    cpe.hurt("slow:30s:count=1")
    cpe.inform()
    assert acs.is_quiet()
    cpe.heal()
    assert acs.session().codes == ["2 PERIODIC"]


def test_power_that_fails_in_a_session_cuts_it(acs: Acs, cpe: CpeClient) -> None:
    """A plug that is pulled in a session ends it; the events come after the power does."""
    cpe.hurt("half_open:60s:count=1")
    cpe.tamper("inform", event="M Download", key="d-1")
    cpe.suffer("half_open")
    cpe.tamper("power_off")
    assert cpe.broken()["broken"] == "it was cut off"
    cpe.tamper("power_on")
    assert acs.session().events == [("1 BOOT", ""), ("M Download", "d-1")]


@pytest.mark.parametrize("spec", ["odd_xml:sideways", "lost_link:x", "half_open:long"])
def test_a_fault_must_make_sense(acs: Acs, cpe: CpeClient, spec: str) -> None:
    """A fault whose argument is none is refused, and nothing is set."""
    with pytest.raises(OSError, match="400"):
        cpe.hurt(spec)
    assert cpe.running.admin("/faults") == []
