"""The portal's whole state and the rules that REST, boxes and viewers share.

It knows nothing of HTTP, of the journal or of faults.
"""

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from simulators.clock import SkewedClock
from simulators.middleware.ministra.catalogue import Catalogue, Package, Tariff
from simulators.middleware.ministra.events import MESSAGE_TTL_S, MESSAGES, Draft, Event, Events
from simulators.middleware.ministra.users import User, Users

# The shipped defaults. enable_internal_billing is on, since recorded answers show its field.
CONFIG = {
    "enable_api": False,
    "enable_tariff_plans": False,
    "enable_subscription": False,
    "enable_internal_billing": True,
    "allow_subscription_from_stb": False,
    "allow_multiple_stb_update": False,
    "auto_add_stb": True,
    "default_stb_status": 1,
    "oss_url": "",
    "strict_oss_url_check": True,
    "auth_url": "",
    "on_subscribe_hook_url": "",
    "on_unsubscribe_hook_url": "",
    "watchdog_timeout": 120,
    "events_messages_ttl": MESSAGE_TTL_S,
    "auth_delay_ms": 1000,
    "create_gap_ms": 0,
    "disabled_modules": [],
    "database_running": True,
}
UPDATED = "Your services were updated. The box restarts when you press OK."


class Portal:
    """Configuration, catalogue, users, subscriptions and events."""

    def __init__(self, state: Mapping[str, Any], clock: SkewedClock) -> None:
        self.clock = clock
        api = state.get("api", {})
        login, password = api.get("basic_auth", ("", ""))
        self.api_login: str = login
        self.api_password: str = password
        self.version = str(state.get("version", "4.9.35"))
        self.config: dict[str, Any] = {**CONFIG, **state.get("config", {})}
        self.catalogue = Catalogue(state)
        self.users = Users()
        self.events = Events()
        # user id -> package ids. A row outlives a tariff change and the user himself.
        self.subscriptions: dict[int, dict[int, None]] = {}
        self._tokens: dict[int, tuple[str, str]] = {}  # user id -> access and refresh token
        self._refreshes: dict[str, int] = {}
        self._secrets = itertools.count(1)

    # -- tariffs and packages

    def tariff_of(self, user: User) -> Tariff | None:
        """Find the tariff that counts for a user; the default one where his is unknown."""
        return self.catalogue.tariff(user.tariff_plan_id)

    def tariff_id(self, external_id: str) -> int:
        """Look a tariff up by external id; 0 where there is none."""
        tariff = self.catalogue.tariff_by_code(external_id)
        return 0 if tariff is None else tariff.id

    def tariff_code(self, user: User) -> str:
        """Tell the external id of the tariff a user is shown with."""
        tariff = self.catalogue.tariffs.get(user.tariff_plan_id) or self.catalogue.default_tariff()
        return "" if tariff is None else tariff.external_id

    def subscribed(self, user: User) -> list[Package]:
        """List the optional packages a user has, as far as his tariff offers them."""
        rows = self.subscriptions.get(user.id)
        tariff = self.tariff_of(user)
        if not rows or tariff is None:
            return []
        packages = [
            self.catalogue.packages[number]
            for number in rows
            if tariff.optional.get(number) and number in self.catalogue.packages
        ]
        return sorted(packages, key=lambda package: package.external_id)

    def change_subscription(self, user: User, *, add: Iterable[int], remove: Iterable[int]) -> bool:
        """Add and remove optional packages of the user's tariff; tell whether anything changed."""
        tariff = self.tariff_of(user)
        if tariff is None:
            return False
        rows = self.subscriptions.setdefault(user.id, {})
        added = [n for n in dict.fromkeys(add) if tariff.optional.get(n) and n not in rows]
        rows.update(dict.fromkeys(added))
        removed = [n for n in dict.fromkeys(remove) if tariff.optional.get(n) and n in rows]
        for number in removed:
            del rows[number]
        if not rows:
            del self.subscriptions[user.id]
        if added or removed:
            self.send(user, Draft(event="send_msg", msg=UPDATED, reboot_after_ok=True))
        return bool(added or removed)

    def entitled_channels(self, user: User) -> list[int]:
        """List the channels a user may watch, in the order of their numbers."""
        channels = self.catalogue.channels.values()
        allowed = self._allowed(user)
        chosen = [c for c in channels if allowed is None or c.id in allowed]
        return [channel.id for channel in sorted(chosen, key=lambda channel: channel.number)]

    def _allowed(self, user: User) -> set[int] | None:
        """Collect the channel ids a user may watch; None stands for all."""
        if not self.config["enable_tariff_plans"]:
            if not self.config["enable_subscription"]:
                return None
            base = {c.id for c in self.catalogue.channels.values() if c.is_base}
            return base | {int(number) for number in user.sub_ch or () if number.isdigit()}
        tariff = self.tariff_of(user)
        if tariff is None:
            return set()
        mandatory = [
            self.catalogue.packages[number]
            for number, optional in tariff.optional.items()
            if not optional and number in self.catalogue.packages
        ]
        packages = [p for p in [*mandatory, *self.subscribed(user)] if p.type == "tv"]
        if any(package.has_all_services for package in packages):
            return None
        return {number for package in packages for number in package.channels}

    # -- status and events

    def set_status(self, user: User, status: int) -> None:
        """Open (1) or block (0) a user; only a real change sends cut_on or cut_off."""
        blocked = status == 0
        if user.is_blocked == blocked:
            return
        user.is_blocked = blocked
        self.send(user, Draft(event="cut_off" if blocked else "cut_on"))

    def send(self, user: User, draft: Draft) -> Event:
        """Queue an event for a user's box; cut_off also voids his viewer tokens."""
        if draft.event == "cut_off":
            self.void_tokens(user.id)
        command_ttl_s = 2 * int(self.config["watchdog_timeout"])
        message_ttl_s = int(self.config["events_messages_ttl"])
        ttl_s = message_ttl_s if draft.event in MESSAGES else command_ttl_s
        return self.events.queue(user.id, draft, now=self.clock.seconds(), ttl_s=ttl_s)

    def is_online(self, user: User) -> bool:
        """Tell whether the box polled within one watchdog period."""
        return user.keep_alive_at > self.clock.seconds() - int(self.config["watchdog_timeout"])

    # -- tokens

    def new_secret(self) -> str:
        """Make 32 hexadecimal digits that were not used before."""
        seed = f"{next(self._secrets)}/{id(self)}/{self.clock.seconds()}"
        return hashlib.sha256(seed.encode()).hexdigest()[:32]

    def grant_tokens(self, user: User) -> tuple[str, str]:
        """Give a viewer an access token and a refresh token; those he had become worthless."""
        self.void_tokens(user.id)
        access, refresh = f"{user.id}.{self.new_secret()}", self.new_secret()
        self._tokens[user.id] = (access, refresh)
        self._refreshes[refresh] = user.id
        return access, refresh

    def token_owner(self, token: str) -> User | None:
        """Find the viewer of an access token."""
        number = token.partition(".")[0]
        user_id = int(number) if number.isdigit() else 0
        known = self._tokens.get(user_id)
        return self.users.get(user_id) if known is not None and known[0] == token else None

    def refreshed(self, token: str) -> User | None:
        """Find the viewer of a refresh token."""
        return self.users.get(self._refreshes.get(token, 0))

    def void_tokens(self, user_id: int) -> None:
        """Make a viewer's tokens worthless."""
        tokens = self._tokens.pop(user_id, None)
        if tokens is not None:
            del self._refreshes[tokens[1]]
