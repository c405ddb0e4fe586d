"""REST resources `accounts` and `users`: one behaviour under two keys.

Uniqueness is checked on create alone, and not under a lock.
"""

import asyncio
from typing import Any

from simulators.middleware.ministra.ask import Ask, RestError
from simulators.middleware.ministra.form import text_of, truth_of
from simulators.middleware.ministra.rows import account_row, snapshot
from simulators.middleware.ministra.users import User, normal_mac, stored_date

# field of the request -> column that takes its text as it is
_PLAIN = {
    "login": "login",
    "password": "password",
    "full_name": "fname",
    "phone": "phone",
    "account_number": "ls",
    "stb_mac": "mac",
    "comment": "comment",
    "account_balance": "account_balance",
}
_FIELDS = {*_PLAIN, "tariff_plan", "status", "end_date"}


async def get(ask: Ask) -> Any:
    """List users: all, or those of the ids."""
    if not ask.ids:
        return [account_row(ask.portal, user) for user in ask.portal.users]
    found = ask.accounts()
    if len(ask.ids) == 1 and not found:
        raise RestError("Account not found")
    if len(ask.ids) > len(found):
        raise RestError("One or more identifiers are incorrect")
    return [account_row(ask.portal, user) for user in found]


async def get_first(ask: Ask) -> Any:
    """List as `users` does: the first of the rows, as an object."""
    rows = await get(ask)
    return rows[0] if rows else rows


async def create(ask: Ask) -> bool:
    """Create a user after checking that login and MAC are free."""
    ask.need_body("POST")
    _need_known_field(ask)
    mac = text_of(ask.form, "stb_mac")
    if mac:
        mac = normal_mac(mac) or ""
        if not mac:
            raise RestError("Not valid mac address")
    _need_free(ask, mac)
    await _gap(ask)
    columns = {
        column: text_of(ask.form, name) for name, column in _PLAIN.items() if name in ask.form
    }
    columns["mac"] = mac
    user = ask.portal.users.add(
        **columns,
        tariff_plan_id=ask.portal.tariff_id(text_of(ask.form, "tariff_plan")),
        is_blocked="status" in ask.form and not truth_of(ask.form, "status"),
        end_date=stored_date(text_of(ask.form, "end_date")),
    )
    ask.created(user)
    return True


async def update(ask: Ask) -> bool:
    """Change every user of the identifier; texts are stored as they come, MACs too."""
    ask.need_body("POST")
    _need_known_field(ask)
    users = _the_users(ask)
    for user in users:
        before = snapshot(ask.portal, user)
        subject = user.login
        _write(ask, user)
        ask.changed(user, before, subject)
    return True


async def delete(ask: Ask) -> bool:
    """Delete every user of the identifier; his subscription rows stay behind."""
    for user in _the_users(ask):
        before = snapshot(ask.portal, user)
        ask.portal.users.remove(user)
        if not ask.portal.version.startswith("4."):
            ask.portal.void_tokens(user.id)
        ask.removed(user, before)
    return True


def _the_users(ask: Ask) -> list[User]:
    if not ask.ids:
        raise RestError("Identifier required")
    return ask.the_account(ask.accounts())


def _need_known_field(ask: Ask) -> None:
    if not ask.form.keys() & _FIELDS:
        raise RestError("Insert data is empty")


def _need_free(ask: Ask, mac: str) -> None:
    login = text_of(ask.form, "login")
    if not login:
        raise RestError("Login required")
    if ask.portal.users.find("login", [login]):
        raise RestError("Login already in use")
    if mac and ask.portal.users.find("mac", [mac]):
        raise RestError("MAC address already in use")


async def _gap(ask: Ask) -> None:
    """Let time pass between check and insert, as between two SQL statements."""
    await ask.call.dwell()
    gap_ms = ask.portal.config["create_gap_ms"]
    if gap_ms:
        await asyncio.sleep(gap_ms / 1000)


def _write(ask: Ask, user: User) -> None:
    portal, form = ask.portal, ask.form
    if "status" in form:
        portal.set_status(user, 1 if truth_of(form, "status") else 0)
    for name in ask.form.keys() & _PLAIN.keys():
        value = text_of(form, name)
        if name != "password" or value:
            portal.users.put(user, _PLAIN[name], value)
    if "end_date" in form:
        user.end_date = stored_date(text_of(form, "end_date"))
    if text_of(form, "tariff_plan"):
        user.tariff_plan_id = portal.tariff_id(text_of(form, "tariff_plan"))
    if "stb_mac" in form:
        user.access_token = user.device_id = user.device_id2 = ""
