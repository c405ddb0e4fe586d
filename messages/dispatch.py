"""Where a notice goes: to the screens as ever, or by the channels that the operator has named.

What fails for good on one channel goes on to the next, in the transaction that says so. Each
channel delivers at most once under a name of its own, so that whoever is stopped here begins anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from billing.reads.contacts import Contact, contacts
from messages import store as deliveries
from messages.consent import DECLINED, declined
from messages.deliver import Deliver
from messages.letters.model import Letter
from messages.letters.store import Letters
from messages.model import Delivery, Outcome
from messages.notify import KIND, SUFFIX, OnScreen
from messages.plan import Via, is_marketing
from messages.policy import Policy
from messages.policy_store import load_policy
from messages.sms.channel import KIND as SMS
from runtime import log
from runtime.store import Store, Tx
from runtime.work import Claim, Work
from terms.errors import Invalid
from terms.ids import ServiceId
from terms.notice import Notice

Named = Callable[[Tx], Awaitable[str]]


class Dispatch:
    """Sends notices on their ways. `named` tells what the operator is called.

    `leaving` gives the address at which a household declines letters; empty where there is none.
    """

    def __init__(
        self,
        store: Store,
        work: Work,
        letters: Letters,
        *,
        named: Named,
        leaving: Callable[[ServiceId], str],
    ) -> None:
        self.store = store
        self.work = work
        self.letters = letters
        self.named = named
        self.leaving = leaving

    async def handle(self, screens: Deliver[OnScreen], claims: Sequence[Claim]) -> None:
        """Send claimed notices where they begin; what is for the screens is shown."""
        async with self.store.read() as tx:
            policy = await load_policy(tx)
        shown = claims if not policy.routes else await self._begun(claims, policy)
        if shown:
            await screens.handle(shown)

    async def begin(self, tx: Tx, notices: Sequence[Notice]) -> None:
        """Send notices where they begin, the screens too, in the caller's transaction."""
        policy = await load_policy(tx)
        steps = [(one, via) for one in notices for via in policy.route(one.kind).begins]
        await self._post(tx, policy, steps)

    async def follow(self, tx: Tx, via: Via, failed: Iterable[str]) -> None:
        """Send on what one channel will never take."""
        ids = {id_: _notice_of(id_, via) for id_ in failed}
        bases = [base for base in ids.values() if base]
        policy = await load_policy(tx) if bases else Policy()
        if not policy.routes:
            return
        entries = await log.find(tx, bases)
        steps = []
        for entry in entries.values():
            notice = Notice.decode(entry.value)
            if (behind := policy.route(notice.kind).behind(via)) is not None:
                steps.append((notice, behind))
        await self._post(tx, policy, steps)

    async def _begun(self, claims: Sequence[Claim], policy: Policy) -> list[Claim]:
        """Begin everywhere but on the screens; give what those are to show."""
        async with self.store.begin() as tx:
            entries = await log.find(tx, [c.key for c in claims if not c.key.endswith(SUFFIX)])
            steps, elsewhere = [], set()
            for entry in entries.values():
                notice = Notice.decode(entry.value)
                begins = policy.route(notice.kind).begins
                steps += [(notice, via) for via in begins if via is not Via.SCREEN]
                if Via.SCREEN not in begins:
                    elsewhere.add(str(notice.id))
            await self._post(tx, policy, steps)
            await self.work.complete(tx, [c for c in claims if c.key in elsewhere])
        return [claim for claim in claims if claim.key not in elsewhere]

    async def _post(self, tx: Tx, policy: Policy, steps: Sequence[tuple[Notice, Via]]) -> None:
        """Have notices sent; one that cannot be written to somebody goes on at once."""
        if not steps:
            return
        services = [notice.service for notice, _ in steps]
        homes, operator = await contacts(tx, services), await self.named(tx)
        is_declinable = any(is_marketing(notice.kind) for notice, _ in steps)
        no = await declined(tx, services) if is_declinable else ()
        letters, flaws = list[Letter](), list[Delivery]()
        marks = {Via.SMS: list[str](), Via.SCREEN: list[str]()}
        waiting = list(steps)
        while waiting:  # ends: each channel of a route is tried once
            notice, via = waiting.pop()
            try:
                if is_marketing(notice.kind):
                    _check_welcome(notice, via, no)
                if via is Via.MAIL:
                    home = homes.get(notice.service)
                    letters.append(self._letter(notice, home, policy, operator))
                else:
                    marks[via].append(f"{notice.id}.{via}")
            except Invalid as error:
                flaws.append(_failed(notice, via, str(error), self.work))
                behind = policy.route(notice.kind).behind(via)
                waiting += [(notice, behind)] if behind else []
        await deliveries.record(tx, flaws)
        await self.letters.post(tx, letters)
        await self.work.mark(tx, SMS, marks[Via.SMS])
        await self.work.mark(tx, KIND, marks[Via.SCREEN])

    def _letter(
        self, notice: Notice, home: Contact | None, policy: Policy, operator: str
    ) -> Letter:
        """Write a notice as a letter. Raises Invalid where that cannot be."""
        if home is None or not home.email:
            raise Invalid("email", "nobody has told it")
        values = {"contract": home.contract, **notice.params, "operator": operator}
        return Letter(
            id=f"{notice.id}.{Via.MAIL}",
            to=home.email,
            kind=notice.kind,
            subject=policy.text(notice.kind, notice.locale, "subject", values),
            text=policy.text(notice.kind, notice.locale, "mail", values),
            leaving=self.leaving(home.service) if is_marketing(notice.kind) else "",
            not_after=notice.not_after,
            service=ServiceId(notice.service),
        )


def _check_welcome(notice: Notice, via: Via, no: Collection[tuple[ServiceId, Via]]) -> None:
    """Raise Invalid where a household has declined a channel."""
    if (notice.service, via) in no:
        raise Invalid("channel", DECLINED)


def _notice_of(id_: str, via: Via) -> str:
    """Find the notice that a message carries; nothing where it carries none."""
    suffix = f".{via}"
    if id_.endswith(suffix):
        return id_.removesuffix(suffix)
    return id_ if via is Via.SCREEN else ""


def _failed(notice: Notice, via: Via, why: str, work: Work) -> Delivery:
    now = work.clock.machine_now()
    return Delivery(
        id=f"{notice.id}.{via}",
        kind=notice.kind,
        via=via,
        text="",
        outcome=Outcome.FAILED,
        begun_at=now,
        ended_at=now,
        service=notice.service,
        why=why,
    )
