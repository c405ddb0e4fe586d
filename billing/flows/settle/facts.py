"""Everything settle looks at for one account, as it was loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from billing.accounts.model import Account, Service
from billing.dunning.dispute_fees import Charged as ChargedDispute
from billing.dunning.late_fees import Fee
from billing.dunning.model import Cut, Hold
from billing.dunning.overdue import History
from billing.dunning.reactivation import Suspension
from billing.equipment.model import Rental
from billing.invoicing.credit import Charged
from billing.payments.model import Attempt, Debt, Method, Movement
from billing.payments.resting import Resting
from billing.pending.model import PendingCharge
from billing.promises.model import Promise
from billing.promotions.promotion import Redemption
from billing.purchases.model import Purchase
from billing.subscriptions.model import Pause, Subscription
from terms.calendar import Period
from terms.ids import InvoiceId
from terms.money import Money


@dataclass(slots=True, kw_only=True)
class Household:
    """One service with its subjects, its holds, and the text of its newest entitlement."""

    service: Service
    subscriptions: list[Subscription] = field(default_factory=list)
    rentals: list[Rental] = field(default_factory=list)
    pauses: list[Pause] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    published: str | None = None

    @property
    def charged(self) -> Iterator[Subscription | Rental]:
        """Walk all that is charged by the period."""
        yield from self.subscriptions
        yield from self.rentals


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What a movement or a credit note has paid of an invoice; loaded where money goes back."""

    payer: str
    debt: Debt


class Borne(NamedTuple):
    """What a redemption takes off the rate of a subject, for days of a period until `ends_on`."""

    redemption: str
    subject: str
    days: Period
    ends_on: date
    off_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """The promotions an account has, in the order in which they are taken off, and what they have
    taken off already as far as it matters. `paid_ahead` are subjects whose days are charged before
    they come, each with the last of them.
    """

    redemptions: Sequence[Redemption]
    borne: Sequence[Borne]
    paid_ahead: Mapping[str, date]

    def ahead(self, subject: str, today: date) -> date:
        """Tell by which day a subject is charged: it may be paid ahead."""
        return max(today, self.paid_ahead.get(subject, today)) if self.paid_ahead else today


class Late(NamedTuple):
    """What late fees follow from, and those that were charged."""

    history: History
    fees: Sequence[Fee]


@dataclass(slots=True, kw_only=True)
class Facts:
    """One account and what hangs on it. Only what is open is here; the sealed past is not.

    `reopened` are subjects whose charges are compared again, from a day on; `reopenings` are the
    ids of the rows that say so, with the subject; `charged` are their lines since then.
    `deposited` are rentals with a charged deposit. `first` are open invoices that were the first of
    a subscription, and `short` by how many minor units all that ever paid them falls short of them,
    whatever went back since. `redeemed` is None where no promotion was had. `credits` is money that
    has paid nothing yet, by the movement or credit note it came with. `promise` is the one that
    stands. `cuts` are open invoices for which a rung of the ladder stands.
    `pending` is charged once, with an invoice to come. `voided` are the void ones of the invoices
    of `charged`, and whether their days are charged again. `given_up` is what write-offs stand for
    of each invoice, in minor units by write-off. `late` is None where no late fee can be due or
    wrong. `pages` are those to pay on that are handed out, with the marks of what they are for.
    `resting` and `disputes`, all that was told of any, are here where one was won.
    """

    account: Account
    method: Method | None = None
    promise: Promise | None = None
    pending: list[PendingCharge] = field(default_factory=list)
    households: list[Household] = field(default_factory=list)
    reopened: dict[str, date] = field(default_factory=dict)
    reopenings: dict[str, str] = field(default_factory=dict)
    redeemed: Redeemed | None = None
    charged: dict[str, dict[tuple[str, int], Charged]] = field(default_factory=dict)
    voided: dict[InvoiceId, bool] = field(default_factory=dict)
    deposited: set[str] = field(default_factory=set)
    debts: list[Debt] = field(default_factory=list)
    credits: dict[str, Money] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    attempts: dict[InvoiceId, list[Attempt]] = field(default_factory=dict)
    noticed: dict[InvoiceId, dict[int, date]] = field(default_factory=dict)
    cuts: dict[InvoiceId, Cut] = field(default_factory=dict)
    first: dict[str, InvoiceId] = field(default_factory=dict)
    short: dict[InvoiceId, int] = field(default_factory=dict)
    given_up: dict[InvoiceId, dict[str, int]] = field(default_factory=dict)
    late: Late | None = None
    suspension: Suspension | None = None
    pages: dict[str, str] = field(default_factory=dict)
    dispute_fees: list[ChargedDispute] = field(default_factory=list)
    resting: list[Resting] = field(default_factory=list)
    disputes: list[Movement] = field(default_factory=list)

    def has_left(self, today: date) -> bool:
        """Whether all that the account had is over."""
        had = (each for one in self.households for each in one.subscriptions)
        return all(each.is_over(today) for each in had)
