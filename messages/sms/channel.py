"""The channel of short messages: what billing has to tell, on the telephone of the household."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from billing.reads.contacts import Contact, contacts
from messages.consent import DECLINED, unwelcome
from messages.deliver import Became, after_error
from messages.model import Message, Outcome
from messages.plan import Via
from messages.policy import Policy
from messages.policy_store import load_policy, open_gateway, sealed_gateway
from messages.sms.alphabet import measure
from messages.sms.gateway import Gateway, Options, read_options
from messages.sms.number import international
from runtime import log
from runtime.clock import Clock
from runtime.options import Origin
from runtime.secrets import SealBroken, Sealer
from runtime.store import Tx
from runtime.telemetry import get_log
from terms.errors import Invalid, TargetError, Unreachable
from terms.http import Http
from terms.notice import Notice

logger = get_log()

KIND = "sms"
SUFFIX = f".{Via.SMS}"
NO_GATEWAY = "no gateway for short messages is set up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Short(Message):
    """A notice as a short message; no gateway where none is set up any more."""

    gateway: Gateway | None


class ShortMessages:
    """The channel to telephones. A row of work is named by its notice, which is in the log."""

    kind = KIND
    via = Via.SMS
    in_flight_max = 8

    def __init__(self, sealer: Sealer, http: Http, clock: Clock) -> None:
        self.sealer = sealer
        self.http = http
        self.clock = clock
        self._is_down = False

    async def find(self, tx: Tx, ids: Sequence[str]) -> Mapping[str, Short]:
        """Find the notices and write their texts; what is declined by now is not sent."""
        entries = await log.find(tx, [id_.removesuffix(SUFFIX) for id_ in ids])
        notices = [Notice.decode(entry.value) for entry in entries.values()]
        policy = await load_policy(tx)
        homes = await contacts(tx, [one.service for one in notices])
        gateway, flaw = self._gateway(await sealed_gateway(tx))
        found = [self._short(one, homes.get(one.service), policy, gateway, flaw) for one in notices]
        no = await unwelcome(tx, self.via, [(one.kind, one.service) for one in found])
        return {
            one.id: replace(one, flaw=DECLINED) if (one.kind, one.service) in no else one
            for one in found
        }

    async def send(self, message: Short) -> Became:
        """Hand it over; where it may have gone out before the answer was lost, never again."""
        if message.gateway is None:
            return Outcome.FAILED, NO_GATEWAY
        try:
            await message.gateway.send(message.id, message.to, message.shown)
        except TargetError as error:
            self._note(is_down=isinstance(error, Unreachable), why=str(error))
            return after_error(error), str(error)
        self._note(is_down=False)
        return Outcome.SENT, ""

    async def became(self, message: Short) -> Became:
        """Drop it: its time was over before anybody took it."""
        return Outcome.LATE, message.is_over

    async def ended(self, tx: Tx, ids: Sequence[str]) -> None:
        """Keep them: what was said stays in the log."""

    def _gateway(self, sealed: str) -> tuple[Gateway | None, str]:
        if not sealed:
            return None, NO_GATEWAY
        try:
            told = open_gateway(self.sealer, sealed)
            return Gateway(read_options(told, Origin.KEPT), self.http), ""
        except (SealBroken, Invalid) as error:
            return None, str(error)

    def _short(
        self,
        notice: Notice,
        home: Contact | None,
        policy: Policy,
        gateway: Gateway | None,
        flaw: str,
    ) -> Short:
        to = text = ""
        try:
            if home is not None and gateway is not None:
                to, text = written(notice, home, policy, gateway.options)
        except Invalid as error:
            flaw = str(error)
        now = self.clock.machine_now()
        return Short(
            id=notice.id + SUFFIX,
            kind=notice.kind,
            to=to,
            service=notice.service,
            not_after=notice.not_after,
            not_before=policy.not_before(Via.SMS, home.zone, now) if home else None,
            shown=text,
            flaw=flaw,
            gateway=gateway,
        )

    def _note(self, *, is_down: bool, why: str = "") -> None:
        if is_down and not self._is_down:
            logger.warning("sms.down", reason=why)
        elif self._is_down and not is_down:
            logger.warning("sms.up")
        self._is_down = is_down


def written(notice: Notice, home: Contact, policy: Policy, options: Options) -> tuple[str, str]:
    """Give the number and the text. Raises Invalid where one of them can never go out."""
    if not home.phone:
        raise Invalid("phone", "nobody has told it")
    to = international("phone", home.phone, options.country_code)
    text = policy.text(notice.kind, notice.locale, "sms", notice.params)
    length = measure(text)
    if length.parts > options.parts_max:
        raise Invalid("text", f"is too long: {length}, {options.parts_max} at most")
    return to, text
