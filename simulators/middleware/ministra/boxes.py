"""REST resources that address boxes: `stb`, `stb_modules`, `stb_auth`, `itv_subscription`."""

from typing import Any

from simulators.middleware.ministra.ask import Ask, RestError
from simulators.middleware.ministra.events import Draft
from simulators.middleware.ministra.form import list_of, text_of, truth_of, whole_number_of
from simulators.middleware.ministra.rows import box_row, snapshot
from simulators.middleware.ministra.users import User, normal_mac, stored_date

_UPDATE = {"status", "additional_services_on", "ls", "reboot", "end_date"}
_CREATE = {
    "mac",
    "login",
    "password",
    "status",
    "additional_services_on",
    "ls",
    "end_date",
    "account_balance",
}


async def get(ask: Ask) -> Any:
    """List boxes; unknown ids are simply not there."""
    users = ask.boxes() if ask.ids else ask.portal.users
    return [box_row(ask.portal, user) for user in users]


async def create(ask: Ask) -> Any:
    """Create a box. Its status is stored inverted: 1 creates it blocked."""
    ask.need_body("POST")
    if not ask.form.keys() & _CREATE:
        raise RestError("Insert data is empty")
    mac = text_of(ask.form, "mac")
    if mac:
        mac = normal_mac(mac) or ""
        if not mac:
            raise RestError("Not valid mac address")
    login = text_of(ask.form, "login")
    if not mac and not (login and text_of(ask.form, "password")):
        raise RestError("Login and password required")
    users = ask.portal.users
    if (mac and users.find("mac", [mac])) or (login and users.find("login", [login])):
        raise RestError("Stb already exists")
    user = users.add(
        login=login,
        password=text_of(ask.form, "password"),
        mac=mac,
        ls=text_of(ask.form, "ls"),
        is_blocked=truth_of(ask.form, "status"),
        additional_services_on=str(whole_number_of(ask.form, "additional_services_on")),
        end_date=stored_date(text_of(ask.form, "end_date")),
        account_balance=text_of(ask.form, "account_balance"),
    )
    ask.created(user)
    return box_row(ask.portal, user)


async def update(ask: Ask) -> Any:
    """Change boxes. Their status is not inverted here, and its event is always queued."""
    ask.need_body("PUT")
    if not ask.form.keys() & _UPDATE:
        raise RestError("Update data is empty")
    if not ask.ids and not ask.portal.config["allow_multiple_stb_update"]:
        raise RestError("Identifier required")
    users = ask.boxes() if ask.ids else list(ask.portal.users)
    for user in users:
        before = snapshot(ask.portal, user)
        _write(ask, user)
        ask.changed(user, before)
    return [box_row(ask.portal, user) for user in users] or False


async def delete(ask: Ask) -> bool:
    """Delete boxes."""
    if not ask.ids:
        raise RestError("Identifier required")
    users = ask.boxes()
    if not users:
        raise RestError("STB not found")
    for user in users:
        before = snapshot(ask.portal, user)
        ask.portal.users.remove(user)
        ask.removed(user, before)
    return True


async def get_modules(ask: Ask) -> Any:
    """Show the modules switched off for the whole portal and for one box."""
    user = _one_box(ask)
    return {"disabled": ask.portal.config["disabled_modules"], "restricted": user.restricted}


async def update_modules(ask: Ask) -> Any:
    """Restrict modules of one box; the portal's own list stays as it is."""
    user = _one_box(ask)
    ask.need_body("PUT")
    if not ask.form.keys() & {"disabled", "restricted"}:
        raise RestError("Update data is empty")
    before = snapshot(ask.portal, user)
    if "restricted" in ask.form:
        user.restricted = [name for name in list_of(ask.form, "restricted") if name]
    ask.changed(user, before)
    return await get_modules(ask)


async def update_auth(ask: Ask) -> bool:
    """Void the access of boxes, and forget their hardware ids if asked to."""
    users = _boxes(ask)
    for user in users:
        before = snapshot(ask.portal, user)
        user.access_token = ask.portal.new_secret()
        if truth_of(ask.form, "reset_device_id"):
            user.device_id = user.device_id2 = ""
        ask.portal.void_tokens(user.id)
        ask.changed(user, before)
    return True


async def get_channels(ask: Ask) -> Any:
    """Show the single channels of boxes that have a row of them."""
    users = ask.boxes() if ask.ids else ask.portal.users
    return [_channel_row(user) for user in users if user.sub_ch is not None]


async def update_channels(ask: Ask) -> Any:
    """Replace the single channels of boxes."""
    ask.need_body("PUT")
    if not ask.form.keys() & {"sub_ch", "additional_services_on"}:
        raise RestError("Update data is empty")
    users = ask.boxes()
    for user in users:
        before = snapshot(ask.portal, user)
        if "additional_services_on" in ask.form:
            user.additional_services_on = str(whole_number_of(ask.form, "additional_services_on"))
        if "sub_ch" in ask.form:
            user.sub_ch = [number for number in list_of(ask.form, "sub_ch") if number]
        ask.changed(user, before)
    if not users and "sub_ch" in ask.form:
        return False
    return [_channel_row(user) for user in users if user.sub_ch is not None]


def _write(ask: Ask, user: User) -> None:
    form, portal = ask.form, ask.portal
    if "status" in form:
        user.is_blocked = not truth_of(form, "status")
        portal.send(user, Draft(event="cut_off" if user.is_blocked else "cut_on"))
    if "additional_services_on" in form:
        user.additional_services_on = str(whole_number_of(form, "additional_services_on"))
    if "ls" in form:
        portal.users.put(user, "ls", text_of(form, "ls"))
    if "end_date" in form:
        user.end_date = stored_date(text_of(form, "end_date"))
    if truth_of(form, "reboot"):
        portal.send(user, Draft(event="reboot"))


def _boxes(ask: Ask) -> list[User]:
    users = ask.boxes()
    if not users:
        raise RestError("Empty stb list")
    return users


def _one_box(ask: Ask) -> User:
    if len(ask.ids) > 1:
        raise RestError("Only one identifier allowed")
    users = _boxes(ask)
    if len(users) != 1:
        raise RestError("Only one identifier allowed")
    return users[0]


def _channel_row(user: User) -> dict[str, Any]:
    return {
        "ls": user.ls,
        "mac": user.mac,
        "sub_ch": user.sub_ch,
        "additional_services_on": user.additional_services_on,
    }
