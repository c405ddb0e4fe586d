"""The viewer's side: OAuth2 at /stalker_portal/auth/token and API v2, up to version 5.0.

auth/token answers HTTP 200 always; API v2 uses real status codes. From 5.1 there is no v2.
"""

import asyncio
from typing import Any

from simulators.call import Call, Reply, json_reply
from simulators.middleware.ministra.form import read_form, text_of
from simulators.middleware.ministra.portal import Portal
from simulators.middleware.ministra.users import User

TOKEN = "/stalker_portal/auth/token"  # noqa: S105 - a path
V2 = "/stalker_portal/api/v2/"
EXPIRES_S = 86400


async def grant(portal: Portal, call: Call, url: str) -> Reply:
    """Answer a token request."""
    form = read_form(call.body)
    kind = text_of(form, "grant_type")
    if call.method != "POST" or kind not in {"password", "refresh_token"}:
        return _refused("invalid_request", "grant_type must be password or refresh_token")
    if kind == "refresh_token":
        user = portal.refreshed(text_of(form, "refresh_token"))
        if user is None:
            return _refused("invalid_client", "the refresh token is not known")
    else:
        await asyncio.sleep(portal.config["auth_delay_ms"] / 1000)  # against guessing
        user = _signed_in(portal, text_of(form, "username"), text_of(form, "password"))
        if user is None:
            return _refused("invalid_client", "username or password is wrong")
    if user.is_blocked:
        return _refused("access_denied", "the account is disabled")
    access, refresh = portal.grant_tokens(user)
    return json_reply(
        {
            "token_type": "bearer",
            "access_token": access,
            "refresh_token": refresh,
            "user_id": user.id,
            "expires_in": EXPIRES_S,
            "portal_url": f"{url}/stalker_portal/",
        }
    )


async def answer(portal: Portal, call: Call) -> Reply:
    """Answer one call of API v2."""
    parts = call.path.removeprefix(V2).strip("/").split("/")
    if parts[0] != "users" or len(parts) not in {2, 3} or not has_v2(portal):
        return _error(404, "Resource not found")
    scheme, _, token = call.headers.get("Authorization", "").partition(" ")
    user = portal.token_owner(token) if scheme.lower() == "bearer" else None
    if user is None:
        return _error(401, "Unauthorized request")
    if parts[1] != str(user.id):
        return _error(403, "Access denied")
    if call.method != "GET":
        return _error(405, "Method not allowed")
    results = _account(portal, user) if len(parts) == 2 else _part(portal, user, parts[2])  # noqa: PLR2004
    if results is None:
        return _error(404, "Resource not found")
    return json_reply({"status": "OK", "results": results})


def has_v2(portal: Portal) -> bool:
    """Tell whether this version still has API v2."""
    return portal.version < "5.1"


def _signed_in(portal: Portal, login: str, password: str) -> User | None:
    found = portal.users.find("login", [login]) if login else []
    return found[0] if found and password and found[0].password == password else None


def _account(portal: Portal, user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "account": user.ls,
        "login": user.login,
        "fname": user.fname,
        "phone": user.phone,
        "mac": user.mac,
        "tariff_plan": portal.tariff_code(user),
        "end_date": user.end_date,
        "account_balance": user.account_balance,
    }


def _part(portal: Portal, user: User, name: str) -> Any:
    if name == "tv-channels":
        channels = portal.catalogue.channels
        return [_channel(channels[number].row()) for number in portal.entitled_channels(user)]
    if name in {"message", "message-history"}:
        waiting = portal.events.waiting(user.id, portal.clock.seconds())
        messages = [{"id": e.id, "msg": e.msg} for e in waiting if e.need_confirm]
        return messages if name == "message-history" else messages[:1]
    if name == "payment-info":
        return {"end_date": user.end_date, "account_balance": user.account_balance}
    plain: dict[str, Any] = {
        "modules": [m for m in ("tv", "video", "radio") if m not in user.restricted],
        "ping": True,
        "settings": {"locale": user.locale},
        "pvr": [],
    }
    return plain.get(name)


def _channel(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": int(row["id"]), "name": row["name"], "number": int(row["number"])}


def _refused(error: str, words: str) -> Reply:
    return json_reply({"error": error, "error_description": words})


def _error(status: int, words: str) -> Reply:
    return json_reply({"status": "ERROR", "results": None, "error": words}, status)
