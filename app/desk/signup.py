"""A new household: account, service, its key at the targets, and the box that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.desk import business, given
from app.desk.auditing import note
from app.desk.redeeming import redeem
from app.desk.refusal import refusal
from app.imports import cells
from app.wiring import House
from billing.flows import signup
from billing.flows.signup import MethodRef, SignedUp, SignUp
from billing.tax.model import abroad
from gateway.inventory import flows as inventory
from gateway.inventory.flows import HandOver, NewBox
from gateway.provisioning import refs, routes
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """Who wants what. A box given here is registered if it is new, and handed over today.

    `code` is of a promotion.
    """

    contract: str
    name: str
    plan: str
    addons: Sequence[str] = ()
    phone: str = ""
    email: str = ""
    locale: str = ""
    bill_day: int | None = None
    jurisdiction: str = ""
    box: NewBox | None = None
    payment: MethodRef | None = None
    code: str = ""


async def sign_up(house: House, tx: Tx, household: Household, actor: str) -> SignedUp:
    """Sign one household up now.

    Raises Invalid naming what is wrong, too where a target would not take the contract, and what
    the flows raise.
    """
    household = _read(household)
    about = await business.know(tx)
    await _check_contract(house, tx, household.contract)
    _check_provider(house, household.payment)
    now = await house.clock.business_now(tx)
    order = SignUp(
        contract=household.contract,
        name=household.name,
        plan=household.plan,
        addons=tuple(household.addons),
        currency=about.currency,
        zone=about.zone,
        locale=household.locale or about.locale,
        phone=household.phone,
        email=household.email,
        bill_day=household.bill_day,
        jurisdiction=abroad(household.jurisdiction, about.country),
        method=household.payment,
    )
    (signed,) = await signup.sign_up(house.desk, tx, [order], now)
    await refs.bind(tx, {signed.service: household.contract})
    if household.box is not None:
        (box,) = await inventory.register(tx, house.work, [household.box], actor=actor)
        day = local_date(now, about.zone)
        move = HandOver(resource=box.id, service=signed.service, on=day, actor=actor)
        await inventory.hand_over(tx, house.work, [move])
    await note(
        house,
        tx,
        actor=actor,
        action="account.sign_up",
        subject=f"contract:{household.contract}",
        after=" + ".join((household.plan, *household.addons)),
    )
    if household.code:
        await redeem(house, tx, household.contract, household.code, actor)
    return signed


def _read(household: Household) -> Household:
    """Read all that was given by the rules of the import."""
    return replace(
        household,
        contract=given.read("contract", household.contract, cells.contract),
        name=given.name("name", household.name),
        plan=given.read("plan", household.plan, cells.code),
        addons=[given.read("addons", code, cells.code) for code in household.addons],
        phone=given.read_if_any("phone", household.phone, cells.phone),
        email=given.read_if_any("email", household.email, cells.email),
        locale=given.read_if_any("locale", household.locale, cells.locale),
        jurisdiction=given.read_if_any("jurisdiction", household.jurisdiction, cells.jurisdiction),
        payment=given.method(household.payment) if household.payment else None,
    )


async def _check_contract(house: House, tx: Tx, contract: str) -> None:
    targets = await house.targets.load()
    opened = [await house.targets.open(name) for name, one in targets.items() if one.enabled]
    adapters = {str(one.target.name): one.adapter for one in opened}
    if why := refusal(contract, adapters, await routes.load(tx)):
        raise Invalid("contract", why)


def _check_provider(house: House, payment: MethodRef | None) -> None:
    if payment and payment.provider not in house.providers:
        known = ", ".join(sorted(house.providers)) or "none"
        raise Invalid("payment.provider", f"there is no {payment.provider!r}; known: {known}")
