"""Planted defects: the SSH adapter of boxes with one mistake each."""

# ruff: noqa: D102 - the class says what is wrong

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.adapters import boxes
from gateway.adapters.state import ViewerState
from gateway.adapters.stb.ssh import Ssh
from gateway.adapters.stb.ssh import link as links
from gateway.adapters.stb.ssh.link import Link
from terms.errors import Permanent, Retryable, TargetError, Unauthorized, Unreachable


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A broken adapter and the check that must find it."""

    adapter: type[Ssh]
    caught_by: str
    shows: str


DEFECTS: dict[str, Defect] = {}


def defect(caught_by: str, *, shows: str) -> Callable[[type[Ssh]], type[Ssh]]:
    """Plant a defect."""

    def plant(adapter: type[Ssh]) -> type[Ssh]:
        DEFECTS[adapter.__name__] = Defect(adapter=adapter, caught_by=caught_by, shows=shows)
        return adapter

    return plant


class Telling(Ssh):
    """An adapter whose every line passes through one place."""

    @contextlib.asynccontextmanager
    async def _link(self, ref):
        async with super()._link(ref) as link:
            yield Spoken(self, link)

    async def say(self, link: Link, verb: str, *words: str):
        return await link.ask(verb, *words)


class Spoken:
    """A link that an adapter has its own way with."""

    def __init__(self, adapter: Telling, link: Link) -> None:
        self.adapter, self.link = adapter, link

    async def ask(self, verb: str, *words: str):
        """Say it the adapter's way."""
        return await self.adapter.say(self.link, verb, *words)


@defect("every_field_there_and_back", shows="revision is not carried")
class ForgetsTheRevision(Telling):
    """Writes everything but the revision."""

    async def say(self, link, verb, *words):
        if verb == self._verbs.revision:
            return {self._verbs.revision_field: ""}
        return await super().say(link, verb, *words)


@defect("a_message_arrives_exactly_once", shows="does not understand")
class TextAsItComes(Telling):
    """Puts a message between quotes as a shell's friend would, and hopes."""

    async def say(self, link, verb, *words):
        if verb != self._verbs.show:
            return await super().say(link, verb, *words)
        session = await link._said(f'{verb} "{words[0]}" {words[1]}')
        if session.code:
            raise links._refusal(verb, session)
        return links._read(bytes(session.output))


@defect("every_field_there_and_back", shows="packages")
class NeverTakesAway(Ssh):
    """Adds packages to those that are there."""

    async def apply(self, desired, observed):
        merged = desired.packages | (observed.packages if observed else frozenset())
        await super().apply(replace(desired, packages=merged), observed)


@defect("drift_is_seen_and_repaired", shows="the change is not seen")
class Remembers(Ssh):
    """Tells what it wrote last, not what the box holds."""

    _known: dict[str, ViewerState] | None = None

    async def observe(self, ref):
        known = self._known or {}
        return known[ref] if ref in known else await super().observe(ref)

    async def apply(self, desired, observed):
        await super().apply(desired, observed)
        self._known = {**(self._known or {}), desired.ref: desired}


@defect("an_unknown_package_is_named", shows="does not say that repeating is in vain")
class IgnoresTheExitCode(Telling):
    """Takes every end for a good one."""

    async def say(self, link, verb, *words):
        try:
            return await super().say(link, verb, *words)
        except Permanent:
            return {verb.split()[-1]: "", "serial": ""}


@defect("fault_unauthorized_observe", shows="Unauthorized")
class ParksThemAll(Ssh):
    """Takes one box that refuses us for all of them."""

    async def observe(self, ref):
        try:
            return await super().observe(ref)
        except Permanent as error:
            raise Unauthorized(str(error)) from None


@defect("fault_lost_observe", shows="lost became None")
class TriesAgain(Ssh):
    """Has a loop around what it says."""

    async def observe(self, ref):
        for _ in range(2):
            with contextlib.suppress(Unreachable):
                return await super().observe(ref)
        raise Unreachable("the box gave no answer")


@defect("fault_cut_observe", shows="cut became None")
class ReadsHalf(Telling):
    """Fills in what the box did not come to say."""

    async def say(self, link, verb, *words):
        found = await super().say(link, verb, *words)
        if verb != self._verbs.state:
            return found
        names = ("active_field", "packages_field", "revision_field")
        return dict.fromkeys((getattr(self._verbs, name) for name in names), "0") | dict(found)


@defect("removal_is_repeatable", shows="rows were left behind")
class OnlyDark(Ssh):
    """Leaves the packages to whoever finds the box."""

    async def remove(self, ref):
        held = await self.observe(ref)
        await self.apply(replace(held, enabled=False), held)


@defect("a_refused_message_is_untouched", shows="leaves open whether anything happened")
class NeverSure(Ssh):
    """Does not say that a refused message was not shown."""

    async def perform(self, ref, action):
        try:
            await super().perform(ref, action)
        except TargetError as error:
            raise type(error)(str(error)) from None


@defect("a_hostile_key_makes_no_call", shows="is not there now")
class TakesAnySerial(Ssh):
    """Looks for whatever it is asked for."""

    async def observe(self, ref):
        try:
            return await super().observe(ref)
        except Permanent:
            raise Retryable(f"{boxes.plain(ref)} is not there now") from None
