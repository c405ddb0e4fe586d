"""How a simulated CPE opens, holds and ends sessions, as a strict ACS sees it."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest

from tests.simulators.acs import Acs, get_values, plain, reboot, schedule_inform, set_values
from tests.simulators.cpe import CpeClient

SERVER = "Device.ManagementServer."
PASSWORD = SERVER + "Password"


def test_an_inform_says_who_calls(acs: Acs, cpe: CpeClient) -> None:
    """An Inform names the box, its events, its time, and what must always be told."""
    cpe.inform()
    session = acs.session()
    assert session.device == {
        "Manufacturer": "Reference Boxes",
        "OUI": "00163E",
        "ProductClass": "RB-1",
        "SerialNumber": cpe.serial,
    }
    assert session.events == [("2 PERIODIC", "")]
    assert session.retries == 0
    assert session.values[SERVER + "ConnectionRequestURL"] == cpe.papers["request_url"]
    assert session.values[SERVER + "ParameterKey"] == ""
    assert session.values["Device.DeviceInfo.SoftwareVersion"] == "1.4.2"
    assert int(session.values["Device.DeviceInfo.UpTime"]) >= 3600
    told = datetime.fromisoformat(session.current_time)
    assert abs(told - datetime.now(UTC)) < timedelta(minutes=1)


def test_digest_goes_as_a_c_client_does_it(acs: Acs, cpe: CpeClient) -> None:
    """Nothing, then 401, then count 1, and count 2 of the same nonce for the empty post."""
    acs.statuses.clear()
    cpe.inform()
    session = acs.session()
    assert acs.statuses == [401, 200, 204]
    proofs = [post["Authorization"] for post in session.posts]
    assert [re.search(r"nc=(\w+)", one)[1] for one in proofs] == ["00000001", "00000002"]  # type: ignore[index]
    assert len({re.search('nonce="(.*?)"', one)[1] for one in proofs}) == 1  # type: ignore[index]
    acs.statuses.clear()
    cpe.inform()
    acs.session()
    assert acs.statuses == [401, 200, 204], "a new session starts without credentials"


def test_one_connection_and_the_cookie_carry_a_session(acs: Acs, cpe: CpeClient) -> None:
    """Every message of a session comes on one connection; another session has another one."""
    acs.ask(get_values("Device.DeviceInfo."))
    cpe.inform()
    first = acs.session()
    cpe.inform()
    second = acs.session()
    assert len(first.peers) == 3
    assert len(set(first.peers)) == 1
    assert set(first.peers) != set(second.peers)
    assert [post.get("Cookie") for post in first.posts] == [None, *[f"session={first.cookie}"] * 2]


def test_sha_256_is_spoken(acs: Acs, cpe: CpeClient) -> None:
    """A challenge with SHA-256 is answered with SHA-256."""
    acs.realm_algorithm = "SHA-256"
    cpe.inform()
    assert "algorithm=SHA-256" in acs.session().posts[0]["Authorization"]


def test_basic_where_nothing_better_is_offered(acs: Acs, cpe: CpeClient) -> None:
    """Digest goes before Basic; Basic is used where it is all there is."""
    acs.offers = frozenset({"basic", "digest"})
    cpe.inform()
    assert acs.session().posts[0]["Authorization"].startswith("Digest ")
    acs.offers = frozenset({"basic"})
    cpe.inform()
    assert acs.session().posts[0]["Authorization"].startswith("Basic ")


def test_an_empty_200_ends_a_session(acs: Acs, cpe: CpeClient) -> None:
    """A session ends well with an empty 200 as it does with 204."""
    acs.ask(end=200)
    cpe.inform()
    acs.session()
    cpe.inform()
    assert acs.session().retries == 0


def test_a_redirect_is_followed(acs: Acs, cpe: CpeClient) -> None:
    """A box goes where the ACS sends it, and proves itself there for that address."""
    acs.refusals.append((307, {"Location": "/acs?site=2"}, b""))
    cpe.inform()
    assert 'uri="/acs?site=2"' in acs.session().posts[0]["Authorization"]


def test_a_boot_tells_of_a_reboot_with_its_key(acs: Acs, cpe: CpeClient) -> None:
    """A Reboot is answered, done after the session, and proven by M Reboot with the key."""
    before = cpe.state
    acs.ask(reboot("job-7"), get_values("Device.DeviceInfo.UpTime"))
    cpe.inform()
    first = acs.session()
    assert [method for method, _ in first.answers] == [
        "RebootResponse",
        "GetParameterValuesResponse",
    ]
    again = acs.session()
    assert again.events == [("1 BOOT", ""), ("M Reboot", "job-7")]
    assert int(again.values["Device.DeviceInfo.UpTime"]) < 60
    after = cpe.state
    assert after["boot_id"] != before["boot_id"]
    assert after["last_key"] == "job-7"
    acs.ask(reboot("job-7"))
    cpe.inform()
    acs.session()
    assert ("M Reboot", "job-7") in acs.session().events, "the same key restarts a CPE again"


def test_a_factory_reset_forgets(acs: Acs, cpe: CpeClient) -> None:
    """After a FactoryReset a box has its first credentials and nothing else, and bootstraps."""
    username, old = cpe.papers["acs_username"], cpe.papers["acs_password"]
    wishes = {"Device.Services.STBService.1.Enable": "1", PASSWORD: "other-secret"}
    acs.ask(set_values(wishes, "r-1"))
    cpe.inform()
    acs.session()
    acs.passwords[username] = "other-secret"
    acs.ask(reboot("k"), plain("FactoryReset"))
    cpe.inform()
    acs.session()
    acs.passwords[username] = old
    session = acs.session()
    assert session.codes == ["0 BOOTSTRAP", "1 BOOT"], "a reboot asked beside a reset is not done"
    assert session.values[SERVER + "ParameterKey"] == ""
    assert cpe.state["active"] is False


def test_new_credentials_count_from_the_next_session(acs: Acs, cpe: CpeClient) -> None:
    """A session ends with the password it began with; the next one takes what was set."""
    acs.ask(set_values({PASSWORD: "secret-2"}), get_values(PASSWORD))
    cpe.inform()
    assert acs.session().read(1) == {PASSWORD: ""}, "a password is never told"
    acs.passwords[cpe.papers["acs_username"]] = "secret-2"
    cpe.inform()
    assert acs.session().retries == 0
    assert "secret-2" not in str(cpe.journal())


def test_another_acs_is_bootstrapped(acs: Acs, cpe: CpeClient) -> None:
    """A box that is sent to another URL tells that ACS that it is new."""
    acs.ask(set_values({SERVER + "URL": acs.url.replace("site=1", "site=3")}))
    cpe.inform()
    acs.session()
    cpe.tamper("crash")
    assert acs.session().codes == ["0 BOOTSTRAP", "1 BOOT"]


def test_a_planned_inform_comes(acs: Acs, cpe: CpeClient) -> None:
    """ScheduleInform is answered at once and followed, later, by an Inform with its key."""
    acs.ask(schedule_inform(1, "look-1"), schedule_inform(0, "never"))
    cpe.inform()
    session = acs.session()
    assert session.answers[0][0] == "ScheduleInformResponse"
    assert session.fault(1)[0] == "9003"
    assert acs.session().events == [("3 SCHEDULED", ""), ("M ScheduleInform", "look-1")]


def test_a_period_is_kept(acs: Acs, cpe: CpeClient) -> None:
    """A box informs in the interval it was set to, at the times it was set to."""
    moment = (datetime.now(UTC) + timedelta(seconds=0.3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    wishes = {
        SERVER + "PeriodicInformInterval": "1",
        SERVER + "PeriodicInformTime": moment,
        SERVER + "PeriodicInformEnable": "true",
    }
    acs.ask(set_values(wishes))
    acs.ask()
    acs.ask(set_values({SERVER + "PeriodicInformEnable": "0"}))
    cpe.tamper("inform", event="M Download", key="d-1")
    assert acs.session().codes == ["M Download"]
    assert acs.session().codes == ["2 PERIODIC"]
    assert acs.session().status() == "0"
    assert cpe.state["cwmp"]["events"] == []


def test_a_value_that_changed_is_told(acs: Acs, cpe: CpeClient) -> None:
    """What a hand changed at the box comes with 4 VALUE CHANGE where the box notices."""
    cpe.tamper("set", fields={"packages": ["kids"]}, notify=True)
    session = acs.session()
    assert session.codes == ["4 VALUE CHANGE"]
    assert session.values["Device.Services.STBService.1.X_BOXOFFICE_Packages"] == "kids"
    cpe.inform()
    assert "Device.Services.STBService.1.X_BOXOFFICE_Packages" not in acs.session().values


def test_a_failed_session_is_tried_again_with_its_events(acs: Acs, cpe: CpeClient) -> None:
    """Events are told until a session ends well; RetryCount says how often they were not."""
    acs.refusals += [(500, {}, b""), (200, {}, b"<html>"), (200, {}, b"")]
    cpe.tamper("inform", event="M Download", key="d-1")
    session = acs.session()
    assert (session.retries, session.events) == (3, [("M Download", "d-1")])
    told = [entry["after"]["broken"] for entry in cpe.journal("CWMP SESSION")]
    assert told[:3] == ["status 500", told[1], "the Inform was answered with nothing"]
    assert told[1].startswith("no XML")
    cpe.inform()
    assert acs.session().retries == 0


def test_a_busy_acs_is_given_time(acs: Acs, cpe: CpeClient) -> None:
    """A box that is told 503 with Retry-After, as seconds or as a date, waits that long."""
    acs.refusals.append((503, {"Retry-After": "1"}, b""))
    started_at = time.monotonic()
    cpe.inform()
    assert acs.session().retries == 1
    assert time.monotonic() - started_at >= 1.0
    later = (datetime.now(UTC) + timedelta(seconds=1.5)).replace(microsecond=0)
    acs.refusals.append((503, {"Retry-After": format_datetime(later, usegmt=True)}, b""))
    cpe.inform()
    session = acs.session()
    assert session.retries == 1
    assert datetime.fromisoformat(session.current_time) >= later
    assert cpe.running.admin("/counters")["sessions"]["shed"] == 2


def test_a_lost_connection_is_resumed_by_its_cookie(acs: Acs, cpe: CpeClient) -> None:
    """A session goes on over another connection, with another challenge, by its cookie."""
    cpe.hurt("lost_link:count=1:skip=1")
    acs.ask(get_values("Device.DeviceInfo.SerialNumber"), plain("GetRPCMethods"))
    cpe.inform()
    session = acs.session()
    assert [method for method, _ in session.answers] == [
        "GetParameterValuesResponse",
        "GetRPCMethodsResponse",
    ]
    assert len(set(session.peers)) == 2
    assert {post.get("Cookie") for post in session.posts[1:]} == {f"session={session.cookie}"}


def test_a_lost_answer_is_asked_for_again(acs: Acs, cpe: CpeClient) -> None:
    """Where the ACS's answer is lost, the box sends its own message once more."""
    acs.ask(get_values("Device.DeviceInfo.SerialNumber"), plain("GetRPCMethods"))
    acs.tolerates = frozenset({"an empty post where an answer was due"})
    cpe.hurt("lost_link:answer:count=1")
    cpe.inform()
    session = acs.session()
    assert acs.complaints == ["an empty post where an answer was due"]
    assert len(session.posts) == 4


async def test_a_connection_request_begins_one_session(acs: Acs, cpe: CpeClient) -> None:
    """A proven request is answered first, then followed by one session that says why."""
    assert await cpe.ring() == 200
    session = await asyncio.to_thread(acs.session)
    assert session.codes == ["6 CONNECTION REQUEST"]
    assert [entry["call"] for entry in cpe.journal("RING")] == ["RING 401", "RING 200"]


async def test_requests_are_taken_at_a_pace(acs: Acs, cpe: CpeClient) -> None:
    """Of requests that follow each other too fast the first is taken, the others are 503."""
    assert [await cpe.ring() for _ in range(3)] == [200, 503, 503]
    session = await asyncio.to_thread(acs.session)
    assert session.codes == ["6 CONNECTION REQUEST"]
    assert acs.is_quiet()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"password": "x"}, 401), ({"username": "x"}, 401), ({"path": "/"}, 404)],
)
async def test_a_request_must_be_proven(
    acs: Acs, cpe: CpeClient, wrong: dict[str, str], status: int
) -> None:
    """A wrong name, password or path begins nothing."""
    assert await cpe.ring(**wrong) == status
    assert acs.is_quiet()


async def test_a_proof_is_taken_once(acs: Acs, cpe: CpeClient) -> None:
    """Who repeats the proof of another's connection request is refused."""
    seen: list[str] = []

    async def listen(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> object:
        seen.append(request.headers.get("Authorization", ""))
        return await handler(request)

    papers = cpe.papers
    digest = aiohttp.DigestAuthMiddleware(papers["request_username"], papers["request_password"])
    async with (
        aiohttp.ClientSession(middlewares=(digest, listen)) as client,  # type: ignore[arg-type]
        client.get(papers["request_url"]) as answer,
    ):
        assert answer.status == 200
    headers = {"Authorization": seen[-1]}
    async with (
        aiohttp.ClientSession() as client,
        client.get(papers["request_url"], headers=headers) as answer,
    ):
        assert answer.status == 401
    await asyncio.to_thread(acs.session)


async def test_a_box_in_session_is_busy(acs: Acs, cpe: CpeClient) -> None:
    """While a session is under way a connection request is 503."""
    cpe.hurt("half_open:20s")
    cpe.inform()
    cpe.suffer("half_open")
    assert await cpe.ring() == 503
    cpe.heal()


async def test_requested_credentials_can_be_set(acs: Acs, cpe: CpeClient) -> None:
    """The box asks callers for what the ACS set last."""
    acs.ask(set_values({SERVER + "ConnectionRequestPassword": "ring-ring"}))
    cpe.inform()
    await asyncio.to_thread(acs.session)
    assert await cpe.ring() == 401
    assert await cpe.ring(password="ring-ring") == 200
    await asyncio.to_thread(acs.session)


async def test_nobody_rings_a_box_without_power(acs: Acs, cpe: CpeClient) -> None:
    """A box that is off refuses connections; when its power returns it tells of the boot."""
    cpe.tamper("power_off")
    with pytest.raises(aiohttp.ClientConnectorError):
        await cpe.ring()
    cpe.tamper("power_on")
    assert (await asyncio.to_thread(acs.session)).codes == ["1 BOOT"]


def test_what_is_no_inform_response_ends_a_session(acs: Acs, cpe: CpeClient) -> None:
    """An InformResponse with another id, of another version or without MaxEnvelopes is none."""
    other = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="{0}">'
        '<s:Header><c:ID s:mustUnderstand="1">x</c:ID></s:Header>'
        "<s:Body><c:InformResponse><MaxEnvelopes>1</MaxEnvelopes></c:InformResponse></s:Body>"
        "</s:Envelope>"
    )
    doctype = '<!DOCTYPE a [<!ENTITY b "c">]>' + other.format("urn:dslforum-org:cwmp-1-2")
    bodies = [other.format("urn:dslforum-org:cwmp-1-2"), other.format("urn:other"), doctype]
    acs.refusals += [(200, {}, body.encode()) for body in bodies]
    cpe.inform()
    assert acs.session().retries == 3
    told = [entry["after"]["broken"] for entry in cpe.journal("CWMP SESSION")][:3]
    assert told[0] == "the InformResponse has the id 'x'"
    assert "namespace" in told[1]
    assert told[2] == "a DOCTYPE"
