"""The box side: server/load.php, called by set-top boxes with their MAC in a cookie.

Answers are {"js": ..., "text": ...}. A blocked box is told "Access denied." as plain text.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import orjson

from simulators.call import Call, Reply
from simulators.journal import Journal
from simulators.middleware.ministra import pull
from simulators.middleware.ministra.portal import Portal
from simulators.middleware.ministra.rows import differences, snapshot, subject_of
from simulators.middleware.ministra.users import User, normal_mac

PATH = "/stalker_portal/server/load.php"
DENIED = Reply(body=b"Access denied.", content_type="text/html")
UNKNOWN_BOX = {"id": None, "status": 1, "block_msg": ""}
SIGN_IN = {"id": None, "status": 2, "block_msg": ""}  # the box asks for login and password


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One call of a box."""

    portal: Portal
    journal: Journal
    call: Call
    mac: str

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the call."""
        return self.call.query

    def user(self) -> User | None:
        """Find the row of the box; the stored text must be its MAC exactly."""
        found = [u for u in self.portal.users.find("mac", [self.mac]) if u.mac == self.mac]
        return found[0] if found else None

    def note(self, what: str, user: User, after: Mapping[str, Any]) -> None:
        """Record an effect at the box."""
        self.journal.event(what, subject_of(user), face="device", after=after)

    def compare(self, what: str, user: User, before: Mapping[str, Any]) -> None:
        """Record what a visit changed of a row, where it changed anything."""
        old, new = differences(before, snapshot(self.portal, user))
        if old != new:
            self.journal.event(what, subject_of(user), face="device", before=old, after=new)


async def answer(portal: Portal, journal: Journal, call: Call) -> Reply:
    """Answer one call of a box."""
    mac = normal_mac(_cookie(call.headers.get("Cookie", ""), "mac")) or ""
    visit = Visit(portal=portal, journal=journal, call=call, mac=mac)
    kind, action = call.query.get("type", ""), call.query.get("action", "")
    handler = ACTIONS.get((kind, action))
    if handler is None or not mac:
        return _no()
    return await handler(visit)


async def _handshake(visit: Visit) -> Reply:
    token = visit.portal.new_secret().upper()
    user = visit.user()
    if user is not None:
        user.access_token = token
    return _js({"token": token})


async def _get_profile(visit: Visit) -> Reply:
    portal = visit.portal
    user = visit.user()
    if user is None and portal.config["auth_url"]:
        return _js(SIGN_IN)
    user = user or _registered(visit)
    if user is None:
        return _js(UNKNOWN_BOX)
    if _is_other_hardware(visit, user):
        return _js({**UNKNOWN_BOX, "msg": "device conflict - device_id mismatch"})
    _remember(visit, user)
    if portal.config["oss_url"]:
        before = snapshot(portal, user)
        await pull.profile(portal, user, visit.call.headers.get("Host", ""))
        visit.compare("BOX profile pulled", user, before)
    tariff = portal.tariff_of(user)
    return _js(
        {
            "id": str(user.id),
            "name": user.fname,
            "login": user.login,
            "fname": user.fname,
            "phone": user.phone,
            "ls": user.ls,
            "mac": user.mac,
            "ip": user.ip,
            "status": 1 if user.is_blocked else 0,
            "block_msg": user.oss_error if user.is_blocked else "",
            "tariff_plan_id": str(user.tariff_plan_id),
            "tariff_plan": "" if tariff is None else tariff.name,
            "additional_services_on": user.additional_services_on,
            "watchdog_timeout": portal.config["watchdog_timeout"],
            "locale": user.locale,
        }
    )


def _registered(visit: Visit) -> User | None:
    """Register an unknown box, where the portal does that by itself."""
    portal = visit.portal
    if not portal.config["auto_add_stb"]:
        return None
    blocked = not int(portal.config["default_stb_status"])
    user = portal.users.add(mac=visit.mac, is_blocked=blocked)
    visit.note("BOX registered itself", user, snapshot(portal, user))
    return user


def _is_other_hardware(visit: Visit, user: User) -> bool:
    given = visit.query.get("device_id", "")
    return bool(given and user.device_id and given != user.device_id)


def _remember(visit: Visit, user: User) -> None:
    query = visit.query
    user.device_id = query.get("device_id", "") or user.device_id
    user.device_id2 = query.get("device_id2", "") or user.device_id2
    user.serial_number = query.get("sn", "") or user.serial_number
    user.stb_type = query.get("stb_type", "") or user.stb_type
    user.version = query.get("ver", "") or user.version
    user.locale = query.get("locale", "") or user.locale
    user.ip = visit.call.peer
    user.last_active = visit.portal.clock.sql_now()


async def _get_events(visit: Visit) -> Reply:
    portal, user = visit.portal, visit.user()
    if user is None:
        return _js({"data": {"msgs": 0, "additional_services_on": "0"}})
    now = portal.clock.seconds()
    user.keep_alive_at = now
    user.last_active = portal.clock.sql_now()
    user.ip = visit.call.peer
    waiting = portal.events.waiting(user.id, now)
    data: dict[str, Any] = {"msgs": len(waiting)}
    if waiting:
        data.update(_delivered(visit, user))
    # With tariff plans the flag is always told as on.
    on = "1" if portal.config["enable_tariff_plans"] else user.additional_services_on
    data["additional_services_on"] = on
    return _js({"data": data})


def _delivered(visit: Visit, user: User) -> dict[str, Any]:
    """Hand over the first event; one that needs no answer ends with that."""
    portal = visit.portal
    event = portal.events.waiting(user.id, portal.clock.seconds())[0]
    if not event.is_sent:
        event.is_sent = True
        if not event.need_confirm:
            portal.events.end(user.id, event.id)
        told = {"event": event.event, "event_id": event.id, "msg": event.msg}
        visit.note("BOX got event", user, told)
    if visit.query.get("event_active_id", "") == str(event.id):
        return {}
    return {
        "id": str(event.id),
        "event": event.event,
        "need_confirm": str(int(event.need_confirm)),
        "msg": event.msg,
        "reboot_after_ok": str(int(event.reboot_after_ok)),
        "auto_hide_timeout": str(event.auto_hide_timeout),
        "param1": event.param1,
    }


async def _confirm_event(visit: Visit) -> Reply:
    user = visit.user()
    number = visit.query.get("event_active_id", "")
    if user is not None and number.isdigit() and visit.portal.events.end(user.id, int(number)):
        visit.note("BOX confirmed event", user, {"event_id": int(number)})
    return _js({"data": "ok"})


async def _get_channels(visit: Visit) -> Reply:
    user = visit.user()
    if user is None or user.is_blocked:
        return DENIED
    channels = visit.portal.catalogue.channels
    rows = [
        {**channels[number].row(), "cmd": f"ffrt http://localhost/ch/{number}"}
        for number in visit.portal.entitled_channels(user)
    ]
    count = len(rows)
    return _js(
        {
            "total_items": count,
            "max_page_items": count,
            "selected_item": 0,
            "cur_page": 0,
            "data": rows,
        }
    )


async def _create_link(visit: Visit) -> Reply:
    user = visit.user()
    if user is None or user.is_blocked:
        return DENIED
    found = re.search(r"/ch/(\d+)", visit.query.get("cmd", ""))
    number = int(found[1]) if found else 0
    if number not in visit.portal.entitled_channels(user):
        return _js({"id": str(number), "cmd": "", "error": "nothing_to_play"})
    secret = visit.portal.new_secret()
    return _js({"id": str(number), "cmd": f"ffrt http://localhost/ch/{number}?key={secret}"})


async def _sign_in(visit: Visit) -> Reply:
    """Let a viewer sign in on the box; the box is then his."""
    portal, query = visit.portal, visit.query
    login, password = query.get("login", ""), query.get("password", "")
    if not login or not portal.config["auth_url"]:
        return _no()
    if not await pull.is_right_login(portal, login, password, visit.mac, visit.call.peer):
        return _no()
    found = portal.users.find("login", [login])
    user = found[0] if found else portal.users.add(login=login, password=password)
    before = snapshot(portal, user)
    portal.users.put(user, "mac", visit.mac)
    visit.compare("BOX signed in", user, before)
    return _js(True)  # noqa: FBT003 - the portal's own answer


async def _subscribe(visit: Visit) -> Reply:
    return await _purchase(visit, "on_subscribe_hook_url")


async def _unsubscribe(visit: Visit) -> Reply:
    return await _purchase(visit, "on_unsubscribe_hook_url")


async def _purchase(visit: Visit, setting: str) -> Reply:
    """Add or drop a package on the viewer's own wish, if the billing agrees."""
    portal, user = visit.portal, visit.user()
    number = visit.query.get("package_id", "")
    package = portal.catalogue.packages.get(int(number) if number.isdigit() else 0)
    if user is None or package is None or not portal.config["allow_subscription_from_stb"]:
        return _no()
    if not await pull.is_agreed(portal, setting, user, package.external_id):
        return _no()
    before = snapshot(portal, user)
    adds = setting == "on_subscribe_hook_url"
    add, remove = ([package.id], []) if adds else ([], [package.id])
    changed = portal.change_subscription(user, add=add, remove=remove)
    visit.compare("BOX bought package" if adds else "BOX dropped package", user, before)
    return _js(changed)


ACTIONS: dict[tuple[str, str], Callable[[Visit], Awaitable[Reply]]] = {
    ("stb", "handshake"): _handshake,
    ("stb", "get_profile"): _get_profile,
    ("stb", "do_auth"): _sign_in,
    ("account_info", "subscribe_to_package"): _subscribe,
    ("account_info", "unsubscribe_from_package"): _unsubscribe,
    ("watchdog", "get_events"): _get_events,
    ("watchdog", "confirm_event"): _confirm_event,
    ("itv", "get_all_channels"): _get_channels,
    ("itv", "create_link"): _create_link,
}


def _no() -> Reply:
    """Answer what the portal does not know or grant."""
    return _js(False)  # noqa: FBT003 - the portal's own answer


def _js(value: Any) -> Reply:
    body = orjson.dumps({"js": value, "text": ""})
    return Reply(body=body, content_type="text/javascript;charset=UTF-8")


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return unquote(value)
    return ""
