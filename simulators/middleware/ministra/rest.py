"""REST API v1 of the portal: authentication, dispatch by resource and verb, envelope.

`/stalker_portal/api/v1/...` and the older alias `/stalker_portal/api/...`. Application errors are
HTTP 200 with status ERROR.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simulators.call import Call, Reply, json_reply
from simulators.journal import Journal
from simulators.middleware.ministra import accounts, boxes, messages, shelves, subscriptions
from simulators.middleware.ministra.ask import Ask, RestError
from simulators.middleware.ministra.form import read_form
from simulators.middleware.ministra.portal import Portal

ROOT = "/stalker_portal/api/"
V1 = ROOT + "v1/"
ACTIONS = {"GET": "get", "POST": "create", "PUT": "update", "DELETE": "delete"}
STORAGE = frozenset({"tv_archive", "stream_recorder", "tv_tmp_link"})

_Handler = Callable[[Ask], Awaitable[Any]]
_ACCOUNTS: dict[str, _Handler] = {
    "get": accounts.get,
    "create": accounts.create,
    "update": accounts.update,
    "delete": accounts.delete,
}
RESOURCES: dict[str, dict[str, _Handler]] = {
    "accounts": _ACCOUNTS,
    "users": {**_ACCOUNTS, "get": accounts.get_first},
    "account_subscription": {
        "get": subscriptions.get,
        "create": subscriptions.create,
        "update": subscriptions.update,
        "delete": subscriptions.delete,
    },
    "stb": {
        "get": boxes.get,
        "create": boxes.create,
        "update": boxes.update,
        "delete": boxes.delete,
    },
    "stb_modules": {"get": boxes.get_modules, "update": boxes.update_modules},
    "stb_auth": {"update": boxes.update_auth},
    "itv_subscription": {"get": boxes.get_channels, "update": boxes.update_channels},
    "send_event": {"create": messages.send_event},
    "stb_msg": {"create": messages.message},
    "tariffs": {"get": shelves.get_tariffs},
    "services_package": {"get": shelves.get_packages},
    "itv": {"get": shelves.get_channels},
    "monitoring_links": {"get": shelves.get_monitoring},
    **{name: {"get": shelves.nothing} for name in sorted(STORAGE)},
}
FROM_5: dict[str, dict[str, _Handler]] = {
    "itv": {
        "get": shelves.get_channels,
        "create": shelves.create_channel,
        "delete": shelves.delete_channel,
    },
    "epg": {"get": shelves.nothing},
}

UNAUTHORIZED = json_reply(
    {"status": "ERROR", "results": "", "error": "401 Unauthorized request"},
    401,
    {"WWW-Authenticate": 'Basic realm="Stalker API"'},
)
NOT_ENABLED = Reply(status=404, body=b"API not enabled", content_type="text/plain")
# Before 5.0.0-r2 a subscription write through /api/v1/ is applied and then answered so.
APPLIED_BUT_DENIED = Reply(body=b"Unauthorized request.", content_type="text/html")


def split(path: str) -> tuple[str, list[str]]:
    """Split a path into resource and ids."""
    rest = path.removeprefix(V1) if path.startswith(V1) else path.removeprefix(ROOT)
    resource, _, tail = rest.partition("/")
    ids = tail.partition("/")[0]
    return resource, ids.split(",") if ids else []


async def answer(portal: Portal, journal: Journal, call: Call) -> Reply:
    """Answer one REST call."""
    resource, ids = split(call.path)
    if not portal.config["enable_api"] and resource not in STORAGE:
        return NOT_ENABLED
    if not _is_authorised(portal, call.headers):
        return UNAUTHORIZED
    try:
        handler = _handler(portal, resource, call.method)
        ask = Ask(
            portal=portal,
            journal=journal,
            call=call,
            resource=resource,
            ids=ids,
            form=read_form(call.body),
        )
        results = await handler(ask)
    except RestError as error:
        return refusal(str(error))
    if _is_denied_after(portal, resource, call):
        return APPLIED_BUT_DENIED
    if isinstance(results, Reply):
        return results
    return json_reply({"status": "OK", "results": results})


def refusal(text: str) -> Reply:
    """Word an application error."""
    return json_reply({"status": "ERROR", "results": None, "error": text})


def _handler(portal: Portal, resource: str, method: str) -> _Handler:
    if not resource:
        raise RestError("Empty resource")
    action = ACTIONS.get(method)
    if action is None:
        raise RestError("Not supported method")
    table = RESOURCES if portal.version.startswith("4.") else {**RESOURCES, **FROM_5}
    actions = table.get(resource)
    if actions is None:
        name = "".join(word[:1].upper() + word[1:] for word in resource.split("_"))
        raise RestError(f'Class file for "RESTCommand{name}" not found')
    if action not in actions:
        raise RestError(f'Resource "{resource}" does not support action "{action}"')
    return actions[action]


def _is_authorised(portal: Portal, headers: Mapping[str, str]) -> bool:
    if not portal.api_login:
        return True  # an empty configured login means no authentication at all
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return given == f"{portal.api_login}:{portal.api_password}"


def _is_denied_after(portal: Portal, resource: str, call: Call) -> bool:
    return (
        resource == "account_subscription"
        and call.is_write
        and call.path.startswith(V1)
        and (portal.version.startswith("4.") or portal.version in {"5.0.0", "5.0.0-r1"})
    )
