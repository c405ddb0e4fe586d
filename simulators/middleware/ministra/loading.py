"""Reads a state file of the portal, and holds the small portal used where none is given."""

from collections.abc import Mapping
from typing import Any

from simulators.clock import SkewedClock
from simulators.middleware.ministra.portal import Portal
from simulators.middleware.ministra.users import User, normal_mac, stored_date
from simulators.simulator import BadOperation

SMALL_PORTAL: Mapping[str, Any] = {
    "api": {"basic_auth": ["portal", "portal-secret"]},
    "config": {"enable_api": True, "enable_tariff_plans": True, "enable_subscription": True},
    "channels": [
        {"id": 1, "name": "News", "number": 1, "base": True},
        {"id": 2, "name": "Films", "number": 2},
        {"id": 3, "name": "Football", "number": 3},
    ],
    "packages": [
        {"id": 1, "external_id": "base", "name": "Base", "channels": [1, 2]},
        {"id": 2, "external_id": "sport", "name": "Sport", "price": "4.00", "channels": [3]},
        {"id": 3, "external_id": "all", "name": "Everything", "all_services": True},
    ],
    "tariffs": [
        {
            "id": 1,
            "external_id": "basic",
            "name": "Basic",
            "user_default": True,
            "packages": [{"id": 1}, {"id": 2, "optional": True}],
        },
        {"id": 2, "external_id": "full", "name": "Full", "packages": [{"id": 3}]},
    ],
}
ACCOUNT_COLUMNS = {
    "login": "login",
    "password": "password",
    "full_name": "fname",
    "phone": "phone",
    "account_number": "ls",
    "comment": "comment",
    "account_balance": "account_balance",
    "stb_sn": "serial_number",
    "stb_type": "stb_type",
    "version": "version",
    "ip": "ip",
    "device_id": "device_id",
}
_OTHERS = {"tariff_plan", "status", "stb_mac", "end_date", "subscribed"}


def load_portal(state: Mapping[str, Any], clock: SkewedClock) -> Portal:
    """Make a portal in the state given."""
    try:
        portal = Portal(state, clock)
        for row in state.get("accounts", ()):
            add_account(portal, row)
        if "fill" in state:
            fill(portal, **state["fill"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadOperation(f"the state makes no sense: {error!r}") from error
    return portal


def add_account(portal: Portal, row: Mapping[str, Any]) -> User:
    """Add a user from a row in the words of REST v1, without any check of uniqueness."""
    unknown = row.keys() - ACCOUNT_COLUMNS.keys() - _OTHERS
    if unknown:
        raise BadOperation(f"an account has no field {min(unknown)!r}")
    columns = {ACCOUNT_COLUMNS[name]: row[name] for name in row.keys() & ACCOUNT_COLUMNS.keys()}
    mac = str(row.get("stb_mac", ""))
    user = portal.users.add(
        **columns,
        mac=normal_mac(mac) or mac,
        tariff_plan_id=portal.tariff_id(str(row.get("tariff_plan", ""))),
        is_blocked=not int(row.get("status", 1)),
        end_date=stored_date(str(row.get("end_date", ""))),
    )
    subscribe(portal, user, row.get("subscribed", ()))
    return user


def subscribe(portal: Portal, user: User, codes: Any) -> None:
    """Set the subscription rows of a user silently; codes are external ids of packages."""
    packages = portal.catalogue.packages_by_code(codes)
    if len(packages) != len(set(codes)):
        raise BadOperation(f"unknown package among {list(codes)!r}")
    portal.subscriptions.pop(user.id, None)
    if packages:
        portal.subscriptions[user.id] = {package.id: None for package in packages}


def fill(portal: Portal, *, count: int, prefix: str = "load", tariff_plan: str = "") -> int:
    """Add `count` users PREFIX1, PREFIX2, ... with account numbers and MACs of their own."""
    start = len(portal.users)
    for number in range(start + 1, start + count + 1):
        digits = f"{number:06X}"
        add_account(
            portal,
            {
                "login": f"{prefix}{number}",
                "account_number": f"{prefix[:4]}{number}",
                "tariff_plan": tariff_plan,
                "stb_mac": f"00:1A:7A:{digits[:2]}:{digits[2:4]}:{digits[4:]}",
            },
        )
    return count
