"""Stalker/Ministra portal, REST API v1 (Stalker 4.9.35, unchanged for accounts up to 5.1.1).

One account number stands for one household; each of its boxes has a row (login) of its own under
it. `packages` are the tariff's optional packages: mandatory ones come with the tariff and can
neither be subscribed nor listed. The revision travels in the comment. Broadcasting is not offered.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from itertools import islice
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote_plus

from gateway.adapters.middleware.ministra.boxes import Moves, free_logins, moves_for
from gateway.adapters.middleware.ministra.catalogue import catalog_of, warnings_of
from gateway.adapters.middleware.ministra.edges import edge_of
from gateway.adapters.middleware.ministra.options import MinistraOptions
from gateway.adapters.middleware.ministra.rest import (
    CATALOG_BYTES_MAX,
    LOGIN_TAKEN,
    MAC_TAKEN,
    NOT_FOUND,
    SUBSCRIPTION,
    Rest,
    form_of,
    told,
    typed,
)
from gateway.adapters.middleware.ministra.rows import (
    LOGIN_TWICE,
    NO_LOGIN,
    Owner,
    check_code,
    check_ref,
    fields_of,
    label_of,
    mac_of,
    owner_of,
    state_of,
    states_in,
)
from gateway.adapters.sdk import Action, Adapter, Catalog, Health, Http, Options
from gateway.adapters.state import ViewerState
from terms.errors import Conflict, Permanent, Unsupported, untouched
from terms.ids import TargetName

CHUNK_ACCOUNTS = 500
OPEN_TO_EVERYBODY = "the API answers without credentials: set api_auth_login at the portal"

T = TypeVar("T")


class Ministra(Adapter[ViewerState]):
    """A Stalker or Ministra portal spoken to through REST API v1."""

    kind = "ministra"
    options_type: ClassVar[type[Options]] = MinistraOptions
    options: MinistraOptions

    def __init__(self, name: TargetName, options: MinistraOptions, http: Http) -> None:
        super().__init__(name, options, http)
        self._rest = Rest(options, http)
        # The portal checks uniqueness, its database does not: one create at a time.
        self._creating = asyncio.Lock()

    # -- the contract

    def express(self, desired: ViewerState) -> ViewerState:
        """Keep what a portal account can hold: no stream limit, an expiry only where it has one."""
        check_ref(desired.ref)
        if not desired.tariff:
            raise Unsupported("the portal gives an account without a tariff its default one")
        check_code(desired.tariff)
        for code in desired.packages:
            check_code(code)
        devices = frozenset(map(mac_of, desired.devices))
        if len(devices) > self.options.devices_max:
            raise Unsupported(f"{len(devices)} boxes; this portal takes {self.options.devices_max}")
        return ViewerState(
            ref=desired.ref,
            enabled=desired.enabled,
            tariff=desired.tariff,
            packages=desired.packages,
            devices=devices,
            expires_on=desired.expires_on if self.options.internal_billing else None,
            label=label_of(desired.label),
            revision=desired.revision,
        )

    async def probe(self) -> Health:
        """Check address, credentials and tariffs; warn where the API is open to everybody."""
        warnings = warnings_of(await self._tariffs())
        if await self._rest.is_open():
            warnings = (OPEN_TO_EVERYBODY, *warnings)
        return Health(warnings=warnings)

    async def observe(self, ref: str) -> ViewerState | None:
        """Read all rows of the account."""
        check_ref(ref)
        rows = await self._found(f"accounts/{ref}", list)
        return state_of(ref, rows, has_end_date=self.options.internal_billing) if rows else None

    async def apply(self, desired: ViewerState, observed: ViewerState | None) -> None:
        """Create the account or write the difference: a block first, an opening last."""
        check_ref(desired.ref)
        if observed is None:
            await self._create(desired)
        elif observed != desired:
            await self._change(desired, observed)

    def explain(self, desired: ViewerState, held: ViewerState | None) -> str:
        """Name the tariff or the packages that the portal accepted and then ignored."""
        if held is None:
            return ""
        if held.tariff != desired.tariff:
            return f"the portal has no tariff {desired.tariff!r}: it took {held.tariff!r} instead"
        lacking = ", ".join(sorted(map(repr, desired.packages - held.packages)))
        if lacking:
            return f"the portal's tariff {held.tariff!r} does not offer package {lacking}"
        if desired.expires_on and not held.expires_on:
            return "the portal keeps no end date: is its enable_internal_billing on?"
        stuck = [box for box in held.devices if box.endswith((LOGIN_TWICE, NO_LOGIN))]
        return f"mend by hand at the portal: {', '.join(sorted(stuck))}" if stuck else ""

    async def remove(self, ref: str) -> None:
        """Delete all rows of the account. No block: a deleted box may register itself anew."""
        await self._check_ours(ref)
        _, error = await self._rest.exchange("DELETE", f"accounts/{ref}")
        if error and error != NOT_FOUND:
            raise told(error)

    async def scan(self) -> AsyncIterator[ViewerState]:
        """Read the whole list, which is not paged, and give one state per account number."""
        body = await self._rest.whole_list()
        states = states_in(body, has_end_date=self.options.internal_billing)
        # Reading 50,000 rows takes half a second: in a thread, so that nobody waits for it.
        while chunk := await asyncio.to_thread(list, islice(states, CHUNK_ACCOUNTS)):
            for state in chunk:
                yield state

    # -- optional abilities

    async def catalog(self) -> Catalog:
        """List tariffs with their optional packages, and all packages, by external id."""
        packages = await self._rest.ask(
            "GET", "services_package/", list, bytes_max=CATALOG_BYTES_MAX
        )
        return catalog_of(await self._tariffs(), packages)

    async def perform(self, ref: str, action: Action) -> None:
        """Do message, reboot, kick, refresh or reset_device once, for one household's boxes.

        A kick reloads the portal on the box, which ends its stream. The portal's own cut_off is
        not used: only a change of status takes it back.
        """
        method, resource, form = edge_of(action, self.options)
        await self._check_ours(ref)
        results = await self._rest.ask(method, f"{resource}/{ref}", object, form_of(form))
        if results is False:
            raise untouched(Permanent(f"the portal did not take the {action.name}"))

    # -- writing

    async def _create(self, desired: ViewerState) -> None:
        logins = free_logins(desired.ref, ())
        for mac in sorted(desired.devices) or [""]:
            if not await self._add_row(desired, next(logins), mac):
                held = await self.observe(desired.ref)
                if held is None:
                    raise Conflict("the account appeared and vanished while it was created")
                await self.apply(desired, held)
                return
        if desired.packages:
            await self._subscribe(desired)

    async def _change(self, desired: ViewerState, held: ViewerState) -> None:
        """Tariff, new boxes, packages, moved boxes, status on, refresh; a block comes first."""
        moves = moves_for(desired.ref, held.vendor, desired.devices)
        is_new_tariff = desired.tariff != held.tariff
        is_new_set = is_new_tariff or desired.packages != held.packages
        opens_last = desired.enabled and not held.enabled and (is_new_set or bool(moves))
        fields = self._fields(desired)
        if opens_last:
            del fields["status"]
        account = f"accounts/{desired.ref}"
        await self._rest.ask("PUT", account, bool, form_of(fields))
        await self._add_rows(desired, held, moves.adds)
        if is_new_set or (moves.adds and desired.packages):
            await self._subscribe(desired)
        await self._move(desired.ref, moves)
        if opens_last:
            await self._rest.ask("PUT", account, bool, "status=1")
        if is_new_tariff and desired.enabled and desired.devices:
            await self._refresh(desired.ref)

    async def _add_rows(
        self, desired: ViewerState, held: ViewerState, boxes: tuple[str, ...]
    ) -> None:
        logins = free_logins(desired.ref, held.vendor)
        for mac in boxes:
            if not await self._add_row(desired, next(logins), mac):
                raise Conflict(f"account {desired.ref} got another row meanwhile")

    async def _add_row(self, desired: ViewerState, login: str, mac: str) -> bool:
        """Create one row; False when it is there already under our own account number."""
        form = self._fields(desired)
        form |= {"login": login, "password": self._password(login), "account_number": desired.ref}
        if mac:
            form["stb_mac"] = mac
        async with self._creating:
            _, error = await self._rest.exchange("POST", "accounts/", form_of(form))
            if error == MAC_TAKEN:
                await self._free_box(mac, desired.ref)
                _, error = await self._rest.exchange("POST", "accounts/", form_of(form))
        if error == LOGIN_TAKEN:
            if await self._owner(login) != desired.ref:
                raise Conflict(f"login {login!r} belongs to another account at the portal")
            return False
        if error:
            raise told(error)
        return True

    async def _subscribe(self, desired: ViewerState) -> None:
        """Send the whole set, since hidden subscriptions come back with their tariff.

        False only says that nothing changed; what the portal ignored is seen in the read-back.
        """
        codes = sorted(desired.packages) or [""]
        form = "&".join(f"subscribed[]={quote_plus(code)}" for code in codes)
        await self._rest.ask("POST", f"{SUBSCRIPTION}{desired.ref}", bool, form)

    async def _move(self, ref: str, moves: Moves) -> None:
        for login, mac in moves.binds:
            await self._check_alone(login, ref)
            if mac:
                await self._free_box(mac, ref)  # PUT would store a taken MAC without a word
            await self._rest.ask("PUT", f"users/{login}", bool, form_of({"stb_mac": mac}))
        for login in moves.drops:
            await self._check_alone(login, ref)
            _, error = await self._rest.exchange("DELETE", f"users/{login}")
            if error and error != NOT_FOUND:
                raise told(error)

    async def _free_box(self, mac: str, ref: str) -> None:
        """Make sure that no other account has the box; a row it made for itself is deleted."""
        holders = await self._holders(mac)
        others = [owner for owner in holders if owner.number != ref]
        for owner in others:
            if name := owner.number or owner.login:
                raise Conflict(f"box {mac} is bound to account {name!r} at the portal")
        if others and len(others) < len(holders):
            raise Conflict(f"box {mac} is bound twice at the portal")  # one delete hits both
        if others:
            await self._rest.ask("DELETE", f"users/{mac}", bool)

    async def _check_alone(self, login: str, ref: str) -> None:
        """Make sure, where a row goes by its box, that no other row would be hit with it."""
        if ":" in login and {owner.number for owner in await self._holders(login)} != {ref}:
            raise Conflict(f"box {login} is bound to more than account {ref!r} at the portal")

    async def _refresh(self, ref: str) -> None:
        """Tell the boxes about a new tariff, which the portal does not do by itself.

        An edge: a box that cannot be told sees the channels at its next load.
        """
        form = form_of({"event": self.options.refresh_event})
        await self._rest.exchange("POST", f"send_event/{ref}", form)

    # -- small parts

    async def _tariffs(self) -> list[Any]:
        return await self._rest.ask("GET", "tariffs/", list, bytes_max=CATALOG_BYTES_MAX)

    async def _found(self, path: str, expected: type[T]) -> T | None:
        results, error = await self._rest.exchange("GET", path)
        if error == NOT_FOUND:
            return None
        if error:
            raise told(error)
        return typed(results, expected)

    async def _owner(self, login: str) -> str:
        """Tell whose login it is: an account number, "" where it has none or is gone."""
        row = await self._found(f"users/{login}", dict)
        return "" if row is None else owner_of(row).number

    async def _holders(self, mac: str) -> list[Owner]:
        """List who has the box: `users` would show the first row only."""
        return [owner_of(row) for row in await self._found(f"accounts/{mac}", list) or ()]

    async def _check_ours(self, ref: str) -> None:
        """Refuse what is no account number; the portal finds ab1 under AB1, so letters are read."""
        check_ref(ref)
        if not ref.isdigit():
            await self.observe(ref)

    def _fields(self, desired: ViewerState) -> dict[str, str]:
        return fields_of(desired, has_end_date=self.options.internal_billing)

    def _password(self, login: str) -> str:
        """Make a viewer's password that nobody can guess and we need not keep."""
        secret = self.options.password.get_secret_value().encode()
        return hmac.new(secret, login.encode(), "sha256").hexdigest()[:16]
