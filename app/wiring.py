"""The composition root: builds every part from the settings and binds the ports.

Importing it imports every store module, so that the catalogue of tables is whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from app import answers
from app.desk import business, leaving_link
from app.desk.code_letter import by_letter
from app.identity import codes, guesses, people, sign_ins, subscribers, tokens
from app.identity.codes import Codes
from app.identity.keeper import Keeper
from app.identity.passwords import Passwords
from app.identity.people import Person
from app.identity.sign_ins import OF_PEOPLE, OF_SUBSCRIBERS, Lasting
from app.identity.subscribers import Subscriber
from app.imports import memory as imports_memory
from app.settings import Settings
from billing.flows.desk import Desk
from billing.flows.providers import open_providers
from billing.payments.provider import Provider
from gateway.adapters.sdk import Action, Boxes
from gateway.inventory.logins import Logins
from gateway.provisioning.book import Book
from gateway.provisioning.composer import Composer
from gateway.provisioning.drift import Drift
from gateway.provisioning.meters import Meters
from gateway.provisioning.opening import Targets
from gateway.provisioning.operate import Operate, Performed
from gateway.provisioning.orders import Outcome
from gateway.provisioning.pump import Pace
from gateway.provisioning.reconcile import Reconciler
from messages import consent, policy_store
from messages import store as messages_store
from messages.announcing import Announcements
from messages.deliver import Deliver
from messages.dispatch import Dispatch
from messages.letters import store as letters_store
from messages.letters.channel import Post, Posted
from messages.letters.paper import Sender
from messages.letters.server import MailServer
from messages.letters.store import Letters
from messages.notify import Notices, OnScreen
from messages.ports import Mail, Shown
from messages.sms.channel import Short, ShortMessages
from runtime import presence
from runtime.bell import Bell, LocalBell
from runtime.chance import Chance, SystemChance
from runtime.clock import Clock, utc_now
from runtime.http import HttpDoor
from runtime.secrets import Sealer
from runtime.store import Store, Tx
from runtime.work import Work
from terms.ids import NoticeId, ServiceId, TargetName

# Named here, so that the table of each is declared.
STORES = (
    *(answers, codes, guesses, people, presence, sign_ins, subscribers, tokens),
    *(imports_memory, letters_store, messages_store, policy_store, consent),
)


@dataclass(slots=True, kw_only=True)
class House:
    """Everything a running process is made of; every edge gets it and nothing else."""

    settings: Settings
    clock: Clock
    chance: Chance
    store: Store
    work: Work
    sealer: Sealer
    door: HttpDoor
    desk: Desk
    providers: dict[str, Provider]
    message_door: HttpDoor
    targets: Targets
    composer: Composer
    reconciler: Reconciler
    operate: Operate
    drift: Drift
    meters: Meters
    logins: Logins
    notices: Deliver[OnScreen]
    dispatch: Dispatch
    short: Deliver[Short]
    announcements: Announcements
    letters: Letters
    mail: Mail | None
    mailing: Deliver[Posted]
    keeper: Keeper[Person]
    subscribers: Keeper[Subscriber]
    codes: Codes

    async def refresh_providers(self) -> None:
        """Open the payment providers as the database has them now."""
        async with self.store.read() as tx:
            found = await open_providers(tx, self.sealer, self.door)
        self.providers.clear()
        self.providers.update(found)

    async def business_now(self) -> datetime:
        """Tell business time."""
        async with self.store.read() as tx:
            return await self.clock.business_now(tx)


_NOT_SHOWN = frozenset({Outcome.FAILED, Outcome.PENDING})


class Screens:
    """The screens of a household: every target of its service that can show a message."""

    def __init__(self, operate: Operate) -> None:
        self.operate = operate

    async def show(
        self, service: ServiceId, text: str, notice: NoticeId, *, not_after: datetime
    ) -> Shown:
        """Show a text once on each; where a box has to call first, not later than that."""
        action = Action(name="message", params={"text": text}, not_after=not_after)
        return self._shown(await self.operate.perform(service, action, id=notice))

    async def became(self, notice: NoticeId) -> Shown:
        """Tell what became of a text on each."""
        return self._shown(await self.operate.became(notice))

    @staticmethod
    def _shown(done: Sequence[Performed]) -> Shown:
        others = [one for one in done if one.outcome is not Outcome.DONE]
        return Shown(
            taken=len(done) - len(others),
            why="; ".join(f"{one.target}: {one.error or one.outcome}" for one in others),
            may_repeat=bool(done) and all(one.outcome in _NOT_SHOWN for one in done),
        )


def build(
    settings: Settings,
    *,
    chance: Chance | None = None,
    machine_now: Callable[[], datetime] = utc_now,
    sealer: Sealer | None = None,
    boxes_at: Callable[[TargetName], Boxes] | None = None,
) -> House:
    """Build a house; nothing is opened yet but the data folder and the master key.

    `boxes_at` says what the adapter of a target may ask about its boxes.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    chance = chance or SystemChance()
    clock = Clock(machine_now)
    store = Store(settings.database_url, _bell(settings, clock, chance))
    work = Work(store, clock, chance, lease=timedelta(seconds=settings.lease_s))
    sealer = sealer or Sealer.of(settings)

    def door() -> HttpDoor:
        return _door(settings, "adapter_networks")

    providers: dict[str, Provider] = {}
    payment_door = _door(settings, "payment_networks")
    message_door = _door(settings, "message_networks")
    logins = Logins(store, sealer, clock)
    book = boxes_at or (lambda name: Book(name, work, logins))
    targets = Targets(store, sealer, door, book)
    operate = Operate(work, targets)
    letters, mail = Letters(work, sealer), _mail(settings, clock)
    dispatch = Dispatch(
        store, work, letters, named=_named, leaving=partial(leaving_link.address, settings, sealer)
    )
    follow = dispatch.follow
    short = ShortMessages(sealer, message_door, clock)
    keeper, visitors = _keepers(settings, store, clock, chance)
    return House(
        settings=settings,
        clock=clock,
        chance=chance,
        store=store,
        work=work,
        sealer=sealer,
        door=payment_door,
        message_door=message_door,
        desk=Desk(work=work, clock=clock, chance=chance, providers=providers),
        providers=providers,
        targets=targets,
        composer=Composer(store, work),
        reconciler=Reconciler(work, targets, _pace(settings)),
        operate=operate,
        drift=Drift(work, targets),
        meters=Meters(work, targets),
        logins=logins,
        notices=Deliver(store, work, Notices(Screens(operate)), follow),
        dispatch=dispatch,
        short=Deliver(store, work, short, follow),
        announcements=Announcements(store, work, dispatch),
        letters=letters,
        mail=mail,
        mailing=Deliver(store, work, Post(letters, mail), follow),
        keeper=keeper,
        subscribers=visitors,
        codes=Codes(visitors, sealer, by_letter(letters, clock, chance)),
    )


def _door(settings: Settings, name: str) -> HttpDoor:
    """Make the client door to the networks that a setting allows."""
    deadline_s = settings.call_deadline_s
    return HttpDoor(networks=getattr(settings, name), deadline_s=deadline_s, setting=name)


async def _named(tx: Tx) -> str:
    """Tell what the operator is called."""
    known = await business.find(tx)
    return known.name if known else "Boxoffice"


def _bell(settings: Settings, clock: Clock, chance: Chance) -> Bell:
    if settings.redis_url is None:
        return LocalBell()
    from runtime.bell.redis import RedisBell  # noqa: PLC0415 - 0.1 s that one process never needs

    url = settings.redis_url.get_secret_value()
    return RedisBell(url, machine_now=clock.machine_now, chance=chance)


def _mail(settings: Settings, clock: Clock) -> Mail | None:
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    from messages.smtp import Smtp  # noqa: PLC0415 - only where there is mail

    return Smtp(
        MailServer.parse("smtp_url", settings.smtp_url.get_secret_value()),
        Sender.parse("mail_from", settings.mail_from),
        deadline_s=settings.call_deadline_s,
        machine_now=clock.machine_now,
    )


def _pace(settings: Settings) -> Pace:
    return Pace(
        heartbeat_s=settings.heartbeat_s,
        in_flight_max=settings.in_flight_max,
        sweep_s=settings.sweep_s,
    )


def _keepers(
    settings: Settings, store: Store, clock: Clock, chance: Chance
) -> tuple[Keeper[Person], Keeper[Subscriber]]:
    """Make the keepers of both doors; what hashing costs at once they share."""
    passwords = Passwords(chance)
    of_people = Keeper(
        store,
        clock,
        chance,
        of=people,
        sign_ins=OF_PEOPLE,
        lasting=_lasting(settings.sign_in_idle_h, settings.sign_in_longest_h),
        passwords=passwords,
    )
    of_subscribers = Keeper(
        store,
        clock,
        chance,
        of=subscribers,
        sign_ins=OF_SUBSCRIBERS,
        lasting=_lasting(settings.portal_sign_in_idle_h, settings.portal_sign_in_longest_h),
        passwords=passwords,
    )
    return of_people, of_subscribers


def _lasting(idle_h: float, longest_h: float) -> Lasting:
    return Lasting(idle=timedelta(hours=idle_h), longest=timedelta(hours=longest_h))


@asynccontextmanager
async def closing(house: House) -> AsyncIterator[House]:
    """Close everything a house has opened, when the block is left; each, whatever the others do."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(house.store.close)
        stack.push_async_callback(house.store.bell.close)
        stack.push_async_callback(house.door.aclose)
        stack.push_async_callback(house.message_door.aclose)
        stack.push_async_callback(house.targets.close)
        yield house
