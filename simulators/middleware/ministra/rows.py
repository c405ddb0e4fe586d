"""Rows of users as REST v1 shows them, and what of a row the journal compares."""

import hashlib
from collections.abc import Mapping
from typing import Any

from simulators.middleware.ministra.portal import Portal
from simulators.middleware.ministra.users import User


def account_row(portal: Portal, user: User) -> dict[str, Any]:
    """Show a user as `accounts` and `users` do."""
    packages = portal.subscribed(user)
    row = {
        "login": user.login,
        "full_name": user.fname,
        "phone": user.phone,
        "account_number": user.ls,
        "tariff_plan": portal.tariff_code(user),
        "stb_sn": user.serial_number,
        "stb_mac": user.mac,
        "stb_type": user.stb_type,
        "status": 0 if user.is_blocked else 1,
        "online": "1" if portal.is_online(user) else "0",
        "ip": user.ip,
        "version": user.version,
        "comment": user.comment,
        "end_date": user.end_date,
        "account_balance": user.account_balance,
        "last_active": user.last_active,
        "subscribed": [package.external_id for package in packages],
        "subscribed_id": [str(package.id) for package in packages],
    }
    if not portal.config["enable_internal_billing"]:
        del row["end_date"]
    return row


def box_row(portal: Portal, user: User) -> dict[str, Any]:
    """Show a user as `stb` does."""
    row = {
        "mac": user.mac,
        "ip": user.ip,
        "ls": user.ls,
        "version": user.version,
        "status": 0 if user.is_blocked else 1,
        "additional_services_on": user.additional_services_on,
        "last_active": user.last_active,
        "login": user.login,
        "account_balance": user.account_balance,
        "online": "1" if portal.is_online(user) else "0",
        "end_date": user.end_date,
    }
    if not portal.config["enable_internal_billing"]:
        del row["end_date"]
    return row


def subject_of(user: User) -> str:
    """Name a user in the journal: his login, else his MAC, else his id."""
    return user.login or user.mac or f"#{user.id}"


def snapshot(portal: Portal, user: User) -> dict[str, Any]:
    """Take what a write may change, in the words of REST v1; no password in clear."""
    mark = hashlib.sha256(user.password.encode()).hexdigest()[:8] if user.password else ""
    return {
        "login": user.login,
        "password_mark": mark,
        "full_name": user.fname,
        "phone": user.phone,
        "account_number": user.ls,
        "tariff_plan": portal.tariff_code(user),
        "stb_mac": user.mac,
        "status": 0 if user.is_blocked else 1,
        "comment": user.comment,
        "end_date": user.end_date,
        "account_balance": user.account_balance,
        "additional_services_on": user.additional_services_on,
        "sub_ch": user.sub_ch,
        "restricted": user.restricted,
        "device_id": user.device_id,
        "subscribed": [package.external_id for package in portal.subscribed(user)],
    }


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keep what differs between two snapshots."""
    keys = [key for key in after if before.get(key) != after[key]]
    return {key: before.get(key) for key in keys}, {key: after[key] for key in keys}
