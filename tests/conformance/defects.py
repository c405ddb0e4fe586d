"""Planted defects: the Ministra adapter with one mistake each, as adapters elsewhere have them."""

# ruff: noqa: D102 - the class says what is wrong

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from gateway.adapters.middleware.ministra import Ministra
from gateway.adapters.middleware.ministra.rest import (
    LOGIN_TAKEN,
    MIB,
    NOT_FOUND,
    Rest,
    form_of,
    told,
)
from gateway.adapters.sdk import Action, Answer
from gateway.adapters.state import ViewerState
from terms.errors import Permanent, Retryable, TargetError, Throttled, Unauthorized, Unreachable


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A broken adapter and the check that must find it."""

    adapter: type[Ministra]
    caught_by: str
    shows: str


DEFECTS: dict[str, Defect] = {}


def defect(caught_by: str, *, shows: str) -> Callable[[type[Ministra]], type[Ministra]]:
    """Plant a defect."""

    def plant(adapter: type[Ministra]) -> type[Ministra]:
        DEFECTS[adapter.__name__] = Defect(adapter=adapter, caught_by=caught_by, shows=shows)
        return adapter

    return plant


def through(rest: type[Rest]) -> type[Ministra]:
    """Make an adapter that talks through a broken Rest."""

    class Broken(Ministra):
        def __init__(self, name, options, http):
            super().__init__(name, options, http)
            self._rest = rest(options, http)

    Broken.__name__ = rest.__name__
    return Broken


def talks(caught_by: str, *, shows: str) -> Callable[[type[Rest]], type[Rest]]:
    """Plant a defect in how the adapter talks."""

    def plant(rest: type[Rest]) -> type[Rest]:
        defect(caught_by, shows=shows)(through(rest))
        return rest

    return plant


class OtherDoor:
    """The HTTP door with one thing done wrong on its way."""

    def __init__(self, http: Any) -> None:
        self.http = http

    async def call(self, method: str, url: str, **rest: Any) -> Answer:
        """Pass the call on."""
        return await self.http.call(method, url, **rest)


def behind(door: type[OtherDoor]) -> type[Ministra]:
    """Make an adapter that uses its door wrongly."""

    class Broken(Ministra):
        def __init__(self, name, options, http):
            other: Any = door(http)
            super().__init__(name, options, other)

    Broken.__name__ = door.__name__
    return Broken


def calls(caught_by: str, *, shows: str) -> Callable[[type[OtherDoor]], type[OtherDoor]]:
    """Plant a defect in how the adapter uses the door."""

    def plant(door: type[OtherDoor]) -> type[OtherDoor]:
        defect(caught_by, shows=shows)(behind(door))
        return door

    return plant


# -- what is written


@defect("every_field_there_and_back", shows="expires_on")
class ExpiryInLocalTime(Ministra):
    """Midnight UTC is the evening before in New York."""

    def _fields(self, desired):
        fields = super()._fields(desired)
        if desired.expires_on:
            midnight = datetime.combine(desired.expires_on, time(), UTC)
            there = midnight.astimezone(ZoneInfo("America/New_York"))
            fields["end_date"] = there.date().isoformat()
        return fields


@defect("every_field_there_and_back", shows="packages")
class MergedPackages(Ministra):
    """Adds packages and never takes one away."""

    async def _subscribe(self, desired):
        form = "&".join(f"subscribed[]={code}" for code in desired.packages) or "subscribed[]="
        await self._rest.ask("PUT", f"account_subscription/{desired.ref}", bool, form)


@defect("every_field_there_and_back", shows="packages")
class HiddenPackagesReturn(Ministra):
    """Sends the packages only when they differ, so that those hidden by a tariff come back."""

    _same = False

    async def _change(self, desired, held):
        self._same = desired.packages == held.packages
        await super()._change(desired, held)

    async def _subscribe(self, desired):
        if not self._same:
            await super()._subscribe(desired)


@defect("every_field_there_and_back", shows="packages")
class PackagesBeforeTariff(Ministra):
    """Asks for packages that only the coming tariff offers."""

    _is_sent = False

    async def _change(self, desired, held):
        if self._is_sent or desired.tariff == held.tariff:
            return await super()._change(desired, held)
        await self._subscribe(desired)
        self._is_sent = True
        return await super()._change(desired, held)

    async def _subscribe(self, desired):
        if not self._is_sent:
            await super()._subscribe(desired)
        self._is_sent = False


@defect("every_field_there_and_back", shows="label")
class NoLabel(Ministra):
    """Forgets the name."""

    def _fields(self, desired):
        fields = super()._fields(desired)
        del fields["full_name"]
        return fields


@defect("every_field_there_and_back", shows="revision is not carried")
class NoRevision(Ministra):
    """Carries no revision."""

    def _fields(self, desired):
        return super()._fields(desired) | {"comment": ""}


@defect("a_block_keeps_the_account", shows="enabled")
class StatusInverted(Ministra):
    """Takes 1 for blocked, as a POST of `stb` does."""

    def _fields(self, desired):
        fields = super()._fields(desired)
        return fields | {"status": "01"["10".index(fields["status"])]}


@defect("a_block_keeps_the_account", shows="'missing'")
class DeleteForBlock(Ministra):
    """Deletes whom it should block."""

    async def apply(self, desired, observed):
        if observed is not None and not desired.enabled:
            return await self.remove(desired.ref)
        return await super().apply(desired, observed)


@defect("every_field_there_and_back", shows="devices")
class LowerCaseMac(Ministra):
    """Binds a box in letters that match no box."""

    async def _move(self, ref, moves):
        binds = tuple((login, mac.lower()) for login, mac in moves.binds)
        await super()._move(ref, dataclasses.replace(moves, binds=binds))


@defect("a_device_of_another_account_is_a_conflict", shows="two accounts have the device")
class TakesAnyBox(Ministra):
    """Does not look who has the box before it binds one."""

    async def _move(self, ref, moves):
        for login, mac in moves.binds:
            await self._rest.ask("PUT", f"users/{login}", bool, form_of({"stb_mac": mac}))


@defect("a_clean_account_has_as_many_rows_as_it_needs", shows="no box")
class LeavesRows(Ministra):
    """Unbinds boxes but leaves their rows."""

    async def _move(self, ref, moves):
        binds = (*moves.binds, *((login, "") for login in moves.drops))
        await super()._move(ref, dataclasses.replace(moves, binds=binds, drops=()))


@defect("twice_is_once", shows="it was written once more")
class WritesEveryTime(Ministra):
    """Leaves a mark at every look."""

    async def apply(self, desired, observed):
        await super().apply(desired, observed)
        form = form_of({"comment": f"r{desired.revision}", "phone": str(id(observed))})
        await self._rest.ask("PUT", f"accounts/{desired.ref}", bool, form)


# -- creating and removing


@defect("a_foreign_account_is_not_adopted", shows="taken over")
class AdoptsByLogin(Ministra):
    """Whoever bears the login is taken for ours."""

    async def _add_row(self, desired, login, mac):
        _, error = await self._rest.exchange("GET", f"users/{login}")
        if error == NOT_FOUND:
            return await super()._add_row(desired, login, mac)
        form = form_of({"account_number": desired.ref})
        await self._rest.ask("PUT", f"users/{login}", bool, form)
        return False


@defect("repeated_creation_is_one_account", shows="there are more rows than before")
class CreatesBlindly(Ministra):
    """Takes another login when the first one is taken."""

    async def _add_row(self, desired, login, mac):
        if await super()._add_row(desired, login, mac):
            return True
        return await super()._add_row(desired, f"{login}.2", "")


@defect("repeated_creation_is_one_account", shows="taken")
class TakenMeansNever(Ministra):
    """Gives up on an account that is its own."""

    async def _add_row(self, desired, login, mac):
        if not await super()._add_row(desired, login, mac):
            raise Permanent("the login is taken")
        return True


@defect("removal_is_repeatable", shows="no longer")
class RemovesOnce(Ministra):
    """Complains about what is gone already."""

    async def remove(self, ref):
        await self._rest.ask("DELETE", f"accounts/{ref}", bool)


@defect("removal_is_repeatable", shows="left behind")
class RemovesOneRow(Ministra):
    """Removes the login and leaves the other boxes' rows."""

    async def remove(self, ref):
        _, error = await self._rest.exchange("DELETE", f"users/{ref}")
        if error and error != NOT_FOUND:
            raise told(error)


# -- what is wished and what is told


@defect("express_never_cuts", shows="devices were cut")
class CutsDevices(Ministra):
    """Keeps the first boxes and says nothing of the rest."""

    def express(self, desired):
        devices = frozenset(sorted(desired.devices)[: self.options.devices_max])
        return super().express(dataclasses.replace(desired, devices=devices))


@defect("the_revision_is_never_compared", shows="part of the state")
class RevisionInTheName(Ministra):
    """Makes the revision a part of the state."""

    def express(self, desired):
        wanted = super().express(desired)
        label = wanted.label.partition(" #")[0]
        return dataclasses.replace(wanted, label=f"{label} #{desired.revision}")


@defect("express_is_pure_and_its_own_fixed_point", shows="no fixed point")
class NoFixedPoint(Ministra):
    """Expresses an expressed wish once more."""

    def express(self, desired):
        return dataclasses.replace(super().express(desired), label=f"{desired.label}.")


@defect("an_unknown_package_is_named", shows="does not say")
class ExplainsNothing(Ministra):
    """Keeps for itself why a package is missing."""

    def explain(self, desired, held):
        return ""


@defect("an_unknown_tariff_is_named", shows="cannot hold")
class BelievesTheTariff(Ministra):
    """Takes "true" for an answer and shows the wish as held."""

    def __init__(self, name, options, http):
        super().__init__(name, options, http)
        self._wished: dict[str, str | None] = {}

    async def apply(self, desired, observed):
        await super().apply(desired, observed)
        self._wished[desired.ref] = desired.tariff

    async def observe(self, ref):
        held = await super().observe(ref)
        tariff = self._wished.get(ref)
        return held and dataclasses.replace(held, tariff=tariff or held.tariff)


# -- what is read


@defect("drift_is_seen_and_repaired", shows="not seen")
class CachedRead(Ministra):
    """Answers from memory until it writes itself."""

    def __init__(self, name, options, http):
        super().__init__(name, options, http)
        self._seen: dict[str, ViewerState | None] = {}

    async def observe(self, ref):
        if ref not in self._seen:
            self._seen[ref] = await super().observe(ref)
        return self._seen[ref]

    async def apply(self, desired, observed):
        await super().apply(desired, observed)
        self._seen.pop(desired.ref, None)


@defect("absence_is_none", shows="nobody is")
class AbsenceIsEmpty(Ministra):
    """Takes nobody for an account without anything."""

    async def observe(self, ref):
        return await super().observe(ref) or ViewerState(ref=ref, enabled=False)


@defect("scan_is_complete", shows="only 99 came")
class FirstPageOnly(Ministra):
    """Reads a hundred accounts."""

    async def scan(self) -> AsyncIterator[ViewerState]:
        left = 100
        async for state in super().scan():
            if left := left - 1:
                yield state
            else:
                return


@defect("scan_is_complete", shows="came twice")
class AStatePerRow(Ministra):
    """Takes every row for a household."""

    async def scan(self) -> AsyncIterator[ViewerState]:
        async for state in super().scan():
            for mac in state.devices or [""]:
                yield dataclasses.replace(state, devices=frozenset({mac} if mac else ()))


# -- faults


@defect("fault_error_change", shows="error became None")
class SwallowsErrors(Ministra):
    """Hopes for the best."""

    async def apply(self, desired, observed):
        with contextlib.suppress(TargetError):
            await super().apply(desired, observed)


@talks("fault_error_observe", shows="error became None")
class RetriesItself(Rest):
    """Has a loop around its requests."""

    async def exchange(self, method, path, form="", *, bytes_max=MIB):
        try:
            return await super().exchange(method, path, form, bytes_max=bytes_max)
        except Retryable:
            return await super().exchange(method, path, form, bytes_max=bytes_max)


@talks("a_lost_answer_while_creating", shows="swallowed")
class RepeatsBlindly(Rest):
    """Sends a write again when its answer was lost."""

    async def exchange(self, method, path, form="", *, bytes_max=MIB):
        try:
            return await super().exchange(method, path, form, bytes_max=bytes_max)
        except Unreachable:
            return await super().exchange(method, path, form, bytes_max=bytes_max)


@talks("fault_refused_change", shows="refused became None")
class OkIsOk(Rest):
    """Takes HTTP 200 for success."""

    async def exchange(self, method, path, form="", *, bytes_max=MIB):
        results, error = await super().exchange(method, path, form, bytes_max=bytes_max)
        return (results, error) if error in {"", NOT_FOUND, LOGIN_TAKEN} else (True, "")


@talks("fault_garbage_change", shows="garbage became None")
class AnyPageWillDo(Rest):
    """Takes a page of HTML for "applied all the same"."""

    async def exchange(self, method, path, form="", *, bytes_max=MIB):
        try:
            return await super().exchange(method, path, form, bytes_max=bytes_max)
        except Retryable:
            return True, ""


class _Reclassed(Rest):
    """Raises the wrong class for one kind of answer."""

    right: type[TargetError] = TargetError
    wrong: type[TargetError] = TargetError

    async def exchange(self, method, path, form="", *, bytes_max=MIB):
        try:
            return await super().exchange(method, path, form, bytes_max=bytes_max)
        except TargetError as error:
            if type(error) is self.right:
                raise self.wrong(str(error)) from None
            raise


@talks("fault_away_observe", shows="away became Retryable")
class AwayIsLater(_Reclassed):
    """Counts attempts while nobody is there."""

    right: type[TargetError] = Unreachable
    wrong: type[TargetError] = Retryable


@talks("fault_unauthorized_probe", shows="unauthorized became Retryable")
class WrongPasswordIsLater(_Reclassed):
    """Tries a wrong password again and again."""

    right: type[TargetError] = Unauthorized
    wrong: type[TargetError] = Retryable


@talks("fault_throttled_observe", shows="throttled became Retryable")
class ForgetsWhen(_Reclassed):
    """Does not say when to come back."""

    right: type[TargetError] = Throttled
    wrong: type[TargetError] = Retryable


@talks("fault_error_change", shows="error became Permanent")
class BusyIsNever(_Reclassed):
    """Parks a row because the portal had a bad moment."""

    right: type[TargetError] = Retryable
    wrong: type[TargetError] = Permanent


@calls("fault_huge_observe", shows="huge became Retryable")
class NoBodyCap(OtherDoor):
    """Reads whatever comes."""

    async def call(self, method, url, **rest):
        return await super().call(method, url, **rest | {"body_bytes_max": 1 << 30})


@calls("fault_slow_observe", shows="deadline was not kept")
class NoDeadline(OtherDoor):
    """Waits as long as it takes."""

    async def call(self, method, url, **rest):
        return await super().call(method, url, **rest | {"deadline_s": 60.0})


@calls("fault_fatal_observe", shows="shows '<'")
class ShowsThePage(OtherDoor):
    """Puts what it received into its message."""

    async def call(self, method, url, **rest):
        answer = await super().call(method, url, **rest)
        if b"Fatal error" in answer.body:
            raise Retryable(f"the portal said {answer.body[:200].decode()}")
        return answer


@calls("fault_error_probe", shows="shows 'stalker'")
class ShowsThePassword(OtherDoor):
    """Puts what it sent into its message."""

    async def call(self, method, url, **rest):
        answer = await super().call(method, url, **rest)
        if answer.status == 500:
            raise Retryable(f"GET {url} as stalker:secret_pass failed")
        return answer


# -- edges


@defect("a_hostile_key_reaches_nobody", shows="'' was let through")
class BroadcastsOnEmptyRef(Ministra):
    """Sends to whatever key it is given, the empty one too."""

    async def perform(self, ref, action):
        if action.name == "message":
            form = form_of({"event": "send_msg", "msg": action.params["text"]})
            await self._rest.exchange("POST", f"send_event/{ref.strip()}", form)


@defect("a_message_arrives_exactly_once", shows="heard 2 times")
class SendsTwice(Ministra):
    """Makes sure."""

    async def perform(self, ref, action):
        await super().perform(ref, action)
        await super().perform(ref, action)


@defect("aftermath_garbage_perform", shows="the message was shown, and Retryable")
class CallsEveryErrorARefusal(Ministra):
    """Takes a failure after the effect for one before it."""

    async def perform(self, ref, action):
        try:
            await super().perform(ref, action)
        except Retryable as error:
            error.is_untouched = True
            raise


@defect("a_refused_message_is_untouched", shows="leaves open whether anything happened")
class NeverSure(Ministra):
    """Does not say that a refused message was not shown, so that it is never shown."""

    async def perform(self, ref, action):
        try:
            await super().perform(ref, action)
        except Permanent as error:
            raise Permanent(str(error)) from None


@defect("an_unknown_action_is_unsupported", shows="'' was accepted")
class PassesActionsOn(Ministra):
    """Lets the portal decide what it knows."""

    async def perform(self, ref, action: Action):
        if action.name in {"message", "reboot", "kick"}:
            return await super().perform(ref, action)
        form = form_of({"event": action.name})
        return await self._rest.exchange("POST", f"send_event/{ref}", form)


@defect("a_hostile_key_makes_no_call", shows="'' was let through")
class TrustsTheKey(Ministra):
    """Puts any key into the address."""

    async def remove(self, ref):
        await self._rest.exchange("DELETE", f"accounts/{ref.encode().hex()}")
