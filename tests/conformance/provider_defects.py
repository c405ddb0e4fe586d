"""Planted defects: providers with one mistake each, as providers elsewhere have them."""

# ruff: noqa: D102 - the class says what is wrong

import contextlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import orjson

from billing.payments.model import Decline, Moved, MovementKind
from billing.payments.provider import (
    Charged,
    Declined,
    Described,
    Event,
    EventPage,
    GivenBack,
    Missing,
    Processing,
    Provider,
)
from billing.payments.providers.gocardless import Gocardless
from billing.payments.providers.gocardless.events import CONFIRMED, FETCHED
from billing.payments.providers.stripe import Stripe
from billing.payments.providers.stripe.client import Refusal
from billing.payments.reading import object_of
from terms.errors import Invalid, Permanent, Throttled, Unauthorized, Unreachable, untouched
from terms.ids import AttemptId
from terms.money import Money


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A broken provider and the check that must find it."""

    provider: type[Provider]
    caught_by: str


T = TypeVar("T", bound=Provider)
DEFECTS: dict[str, Defect] = {}


def defect(caught_by: str) -> Callable[[type[T]], type[T]]:
    """Plant a defect."""

    def plant(provider: type[T]) -> type[T]:
        DEFECTS[provider.__name__] = Defect(provider=provider, caught_by=f"test_{caught_by}")
        return provider

    return plant


@defect("it_offers_the_whole_port")
class LacksWithoutReason(Stripe):
    """It says that it lacks something, and not why."""

    lacks: ClassVar[Mapping[str, str]] = {"checkout": " "}


@defect("it_offers_the_whole_port")
class LacksTheUnheardOf(Stripe):
    """It excuses itself from what nobody asked for."""

    lacks: ClassVar[Mapping[str, str]] = {"refunds": "too much work"}


_tries = itertools.count()


@defect("a_charge_happens_once")
class KeyPerTry(Stripe):
    """Every try has a key of its own."""

    async def charge(self, order):
        return await super().charge(replace(order, attempt=f"{order.attempt}.{next(_tries)}"))


@defect("a_charge_asked_for_by_several_at_once_happens_once")
class LooksBeforeItCharges(Stripe):
    """It looks first and charges then without a key: two look at the same moment."""

    async def charge(self, order):
        found = await self.look_up(order)
        if not isinstance(found, Missing):
            return found
        return await super().charge(replace(order, attempt=AttemptId(f"{next(_tries)}")))


@defect("a_lost_answer_is_unknown_and_then_found")
class OwnRetry(Stripe):
    """It asks again by itself."""

    async def charge(self, order):
        try:
            return await super().charge(order)
        except Unreachable:
            return await super().charge(order)


@defect("a_lost_answer_is_unknown_and_then_found")
class NoAnswerIsNo(Stripe):
    """Silence is taken for a refusal."""

    async def charge(self, order):
        try:
            return await super().charge(order)
        except Unreachable:
            return Declined(charge="", code="timeout", decline=Decline.SOFT)


@defect("an_order_that_never_arrived_is_missing")
class NotFoundIsNoAnswer(Stripe):
    """What a look-up does not find it calls unreachable."""

    async def look_up(self, order):
        found = await super().look_up(order)
        if isinstance(found, Missing):
            raise Unreachable("not found")
        return found


@defect("what_is_unknown_is_found_after_the_key_is_forgotten")
class LooksUpByKey(Stripe):
    """It looks up by charging again under the same key."""

    async def look_up(self, order):
        found = await super().look_up(order)
        return found if isinstance(found, Missing) else await self.charge(order)


@defect("a_charge_may_be_decided_later")
class PendingIsPaid(Stripe):
    """What is on its way counts as taken."""

    async def charge(self, order):
        found = await super().charge(order)
        if isinstance(found, Processing):
            return Charged(charge=found.charge, amount=order.amount)
        return found


@defect("declines_have_their_class")
class NothingIsFinal(Stripe):
    """A stolen card may be tried again."""

    async def charge(self, order):
        found = await super().charge(order)
        return replace(found, decline=Decline.SOFT) if isinstance(found, Declined) else found


@defect("a_payer_who_is_not_known_is_declined")
class BlamesUs(Stripe):
    """A payer whom the provider does not know is called a fault of ours."""

    async def charge(self, order):
        found = await super().charge(order)
        if isinstance(found, Declined) and found.code == "resource_missing":
            raise Permanent("no such payment method")
        return found


@defect("no_currency_is_taken_for_another")
class HundredthsEverywhere(Stripe):
    """Every currency has cents."""

    async def charge(self, order):
        found = await super().charge(order)
        if isinstance(found, Charged) and order.amount.currency == "ISK":
            return replace(found, amount=Money(found.amount.amount_minor * 100, "ISK"))
        return found


@defect("a_page_that_is_closed_takes_nothing")
class LeavesPagesOpen(Stripe):
    """What is not shown any more is taken for closed."""

    async def close_page(self, page):
        await self._client.ask(self._client.api.checkout.sessions.retrieve_async(page))


@defect("a_page_that_is_closed_takes_nothing")
class ClosesOnlyWhatIsOpen(Stripe):
    """It is an error that a page was paid, or is over."""

    async def close_page(self, page):
        found = await self._client.ask(self._client.api.checkout.sessions.expire_async(page))
        if isinstance(found, Refusal):
            raise found.raised()


@defect("a_refund_happens_once")
class RefundsOfOneName(Stripe):
    """All refunds of a charge go by the name of the charge."""

    async def refund(self, order):
        found = await super().refund(order)
        if isinstance(found, GivenBack):
            return replace(found, moved=replace(found.moved, ref=order.charge))
        return found


@defect("no_more_goes_back_than_came")
class TooMuchIsOurFault(Stripe):
    """A refund that the provider refuses is raised, and asked for again for ever."""

    async def refund(self, order):
        found = await super().refund(order)
        if isinstance(found, Declined):
            raise Permanent(found.code)
        return found


@defect("a_lost_answer_to_a_refund_is_unknown_and_then_found")
class RefundIsNotLookedUp(Stripe):
    """A look-up of a refund finds nothing, whatever there is."""

    async def look_up_refund(self, order):
        await super().look_up_refund(order)
        return Missing()


@defect("a_refund_that_bounces_is_told")
class BouncesAreLost(Stripe):
    """A refund that came back is nobody's business."""

    def parse(self, body):
        told = super().parse(body)
        return [one for one in told if getattr(one, "kind", None) is not MovementKind.BOUNCED]


@defect("only_fresh_messages_of_its_own_are_believed")
class BelievesTheOld(Stripe):
    """It does not mind how old a message is."""

    def verify(self, headers, body, machine_now):
        told = headers.get("stripe-signature", "").partition("t=")[2].partition(",")[0]
        if told.isdigit():
            machine_now = machine_now.fromtimestamp(int(told), machine_now.tzinfo)
        return super().verify(headers, body, machine_now)


@defect("only_fresh_messages_of_its_own_are_believed")
class BelievesWhatIsWrittenAnew(Stripe):
    """It proves the meaning of a message, not its bytes."""

    def verify(self, headers, body, machine_now):
        with contextlib.suppress(ValueError):
            body = json.dumps(json.loads(body)).encode()
        return super().verify(headers, body, machine_now)


@defect("what_is_no_message_is_refused")
class BelievesAnything(Stripe):
    """What is signed is an event."""

    def verify(self, headers, body, machine_now):
        try:
            return super().verify(headers, body, machine_now)
        except Invalid:
            return [Event(id="", body=body)]


@defect("a_message_told_twice_brings_the_same_events")
class CountsMessages(Stripe):
    """Every message has a number of ours."""

    def verify(self, headers, body, machine_now):
        (event,) = super().verify(headers, body, machine_now)
        return [replace(event, id=f"{event.id}.{next(_tries)}")]


@defect("messages_tell_of_a_charge")
class ForgetsItsMarks(Stripe):
    """What our mark on a charge was is not read."""

    def parse(self, body):
        return [replace(one, attempt="") for one in super().parse(body) if isinstance(one, Moved)]


@defect("money_going_back_names_its_charge")
class WonIsNothing(Stripe):
    """A dispute that was won is not told."""

    def parse(self, body):
        told = super().parse(body)
        return [one for one in told if getattr(one, "kind", None) is not MovementKind.REINSTATED]


@defect("tidings_that_cannot_be_read_are_refused")
class GuessesAmounts(Stripe):
    """An amount that cannot be read is what was asked for."""

    def parse(self, body):
        try:
            return super().parse(body)
        except Invalid:
            thing = object_of(body)["data"]["object"]
            amount = Money(int(thing["amount"]), "EUR")
            key = str(thing["id"])
            return [Moved(charge=key, ref=key, amount=amount, kind=MovementKind.CLEARED)]


@defect("events_are_listed_behind_one_another")
class NewestFirst(Stripe):
    """The page behind an event begins with the newest."""

    async def events_after(self, cursor):
        page = await super().events_after(cursor)
        if isinstance(page, EventPage) and not cursor:
            return EventPage(events=page.events[:0], has_more=False)
        return page


@defect("events_are_listed_behind_one_another")
class UnknownIsNothing(Stripe):
    """Behind an event that is not known any more there is nothing."""

    async def events_after(self, cursor):
        page = await super().events_after(cursor)
        return EventPage(events=[], has_more=False) if isinstance(page, Missing) else page


@defect("a_method_is_left_described_and_forgotten")
class NothingIsGone(Stripe):
    """A method that was taken away is there for ever."""

    async def describe(self, method):
        found = await super().describe(method)
        return Described(label="a card", expires_on=None) if found == Missing() else found


@defect("a_method_is_left_described_and_forgotten")
class ForgetsOnce(Stripe):
    """To forget what is forgotten is an error."""

    async def forget(self, method):
        if await self.describe(method) == Missing():
            raise Permanent("no such method")
        await super().forget(method)


@defect("faults_have_their_class")
class HasteIsSilence(Stripe):
    """When it is asked too often nobody seems to answer."""

    async def look_up(self, order):
        try:
            return await super().look_up(order)
        except Throttled:
            raise Unreachable("busy") from None


@defect("faults_have_their_class")
class TellsItsKey(Stripe):
    """Whoever is refused is told with which key."""

    async def describe(self, method):
        try:
            return await super().describe(method)
        except Unauthorized:
            key = self.options.secret_key.get_secret_value()
            raise Unauthorized(f"{key} is refused") from None


@defect("faults_have_their_class")
class SaysNothingWasDone(Stripe):
    """A broken connection is taken for a request that never left."""

    async def charge(self, order):
        try:
            return await super().charge(order)
        except Unreachable as error:
            raise untouched(error) from None


@defect("an_event_tells_the_same_whenever_it_is_taken_up")
class AsItIsToday(Gocardless):
    """What had happened before an event is read from how things are when it is taken up."""

    async def complete(self, body):
        event = object_of(await super().complete(body))
        if event.get("action") == "confirmed":
            state = event[FETCHED]["payments"]["status"]
            event[FETCHED][CONFIRMED] = state != "confirmed"
        return orjson.dumps(event)
