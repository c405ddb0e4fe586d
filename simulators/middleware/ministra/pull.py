"""Pull mode: the portal asks the operator's billing when a box comes.

`oss_url` is asked at every get_profile, `auth_url` when a viewer signs in on the box, the hook
URLs when a viewer buys or drops a package there. Only GET, parameters in the query.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from simulators.middleware.ministra.portal import Portal
from simulators.middleware.ministra.users import User

DEADLINE_S = 10.0
BLOCKED: Mapping[str, Any] = {"status": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question to the billing: the URL and its parameters."""

    url: str
    parameters: Mapping[str, str]

    async def ask(self) -> Any:
        """Fetch the answer: JSON, or None where there is no readable one."""
        timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self.url, params=self.parameters) as answer,
            ):
                return orjson.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError, orjson.JSONDecodeError):
            return None


async def profile(portal: Portal, user: User, host: str) -> None:
    """Ask oss_url about a user and store what it says."""
    question = Question(
        url=str(portal.config["oss_url"]),
        parameters={
            "mac": user.mac,
            "serial_number": user.serial_number,
            "type": user.stb_type,
            "locale": user.locale,
            "login": user.login,
            "portal": host,
            "verified": "0",
            "ip": user.ip,
        },
    )
    said = _results(await question.ask())
    if said is None:
        if not portal.config["strict_oss_url_check"]:
            return
        said = BLOCKED
    _store(portal, user, said)


async def is_right_login(portal: Portal, login: str, password: str, mac: str, ip: str) -> bool:
    """Ask auth_url whether a viewer is who he says."""
    question = Question(
        url=str(portal.config["auth_url"]),
        parameters={"login": login, "password": password, "mac": mac, "ip": ip},
    )
    said = await question.ask()
    return isinstance(said, dict) and said.get("status") == "OK" and said.get("results") is True


async def is_agreed(portal: Portal, setting: str, user: User, package: str) -> bool:
    """Ask the hook of a purchase (or its opposite), where one is configured."""
    url = str(portal.config[setting])
    if not url:
        return True
    parameters = {"mac": user.mac, "tariff_id": portal.tariff_code(user), "package_id": package}
    said = await Question(url=url, parameters=parameters).ask()
    return isinstance(said, dict) and said.get("status") == "OK" and bool(said.get("results"))


def _results(said: Any) -> Mapping[str, Any] | None:
    """Read {"status": "OK", "results": {...}} or a list of one such object."""
    if not isinstance(said, dict) or said.get("status") != "OK":
        return None
    results = said.get("results")
    if isinstance(results, list) and results:
        results = results[0]
    return results if isinstance(results, dict) and results else None


def _store(portal: Portal, user: User, said: Mapping[str, Any]) -> None:
    """Write the fields of an answer to the row; no event follows from it."""
    for name, column in {"ls": "ls", "login": "login", "fname": "fname", "phone": "phone"}.items():
        if name in said:
            portal.users.put(user, column, str(said[name]))
    if "additional_services_on" in said:
        user.additional_services_on = str(int(said["additional_services_on"]))
    if "end_date" in said:
        user.end_date = str(said["end_date"])
    if "account_balance" in said:
        user.account_balance = str(said["account_balance"])
    if "tariff" in said:
        user.tariff_plan_id = portal.tariff_id(str(said["tariff"]))
    if "status" in said:
        user.is_blocked = not int(said["status"])
    user.oss_error = str(said.get("error_msg", ""))
