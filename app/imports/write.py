"""Writing a checked folder, through the same flows as every other way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.desk import places
from app.desk.auditing import note
from app.imports import memory, rules_file
from app.imports.box_rows import model_of
from app.imports.effective import price_of, rate_of
from app.imports.folder import Folder
from app.imports.known import OPERATOR
from app.imports.loyalty_rows import program_of
from app.imports.loyalty_sheets import LOYALTY, LOYALTY_TIERS
from app.imports.operator import Operator
from app.imports.promotion_rows import promotion_of
from app.imports.same import cells_of, key_of
from app.imports.sheet import Sheet
from app.imports.sheets import (
    BOXES,
    MODELS,
    OFFERINGS,
    PRICES,
    PROMOTIONS,
    ROUTES,
    SUBSCRIBERS,
    TAXES,
    BoxRow,
    SubscriberRow,
)
from app.wiring import House
from billing.dunning.brake import BrakePolicy
from billing.flows import providers
from billing.flows.publish import Publication, publish
from billing.flows.signup import MethodRef, SignUp, sign_up
from billing.loyalty.model import Program
from billing.reads import accounts, catalog, loyalty, refunds
from billing.sellers.model import ALWAYS
from billing.subscriptions.model import Activation
from billing.tax.model import abroad
from gateway.inventory import flows as inventory
from gateway.inventory import models as box_models
from gateway.inventory import sending
from gateway.inventory import store as inventory_store
from gateway.inventory.flows import HandOver, NewBox
from gateway.inventory.logins import Described
from gateway.inventory.model import WAREHOUSE
from gateway.inventory.sending import Sending
from gateway.provisioning import refs, routes, targets
from gateway.provisioning.routing import Role, Route
from gateway.provisioning.targets import Configuration
from messages import policy_store
from runtime.store import Tx
from terms.ids import ServiceId, TargetName

ACTOR = "import"


async def write(house: House, tx: Tx, folder: Folder, actor: str) -> dict[str, int]:
    """Write everything of the folder; returns how many rows were written, by file."""
    business, changed = await _business(house, tx, folder, actor)
    if folder.routes:
        await routes.replace(tx, house.work, [_route(row) for row in folder.routes])
    now = await house.clock.business_now(tx)
    await publish(tx, _publication(folder, business, await loyalty.program(tx)), now)
    services = await _subscribers(house, tx, folder.subscribers, business)
    await box_models.tell(tx, [model_of(row) for row in folder.models])
    await _boxes(house, tx, folder.boxes, services)
    await _describe(house, tx, folder.boxes + folder.described)
    await _remember(tx, folder)
    counts = {
        OPERATOR: int(changed),
        "taxes.csv": len(folder.taxes),
        "offerings.csv": len(folder.offerings),
        "prices.csv": len(folder.prices),
        "promotions.csv": len(folder.promotions),
        "loyalty.csv": len(folder.loyalty or ()),
        "loyalty_tiers.csv": len(folder.loyalty_tiers or ()),
        "routes.csv": len(folder.routes),
        "subscribers.csv": len(folder.subscribers),
        "models.csv": len(folder.models),
        "boxes.csv": len(folder.boxes),
    }
    return {file: count for file, count in counts.items() if file in folder.sheets}


async def _business(
    house: House, tx: Tx, folder: Folder, actor: str
) -> tuple[dict[str, str], bool]:
    """Write operator.toml; give what it says of the business, now or the last time, and whether
    anything in it is new.
    """
    operator = folder.operator
    before = (await memory.remembered(tx, OPERATOR)).get("operator")
    if operator is None:
        return dict(before or {}), False
    business: dict[str, str] = operator.business.model_dump()
    changed = [
        business != before,
        operator.segments != await catalog.segments(tx),
        operator.brake != await _brake(tx),
        operator.starts != await catalog.rental_starts(tx),
        operator.promises != await catalog.promise_policy(tx),
        operator.preview_days != await catalog.preview_days(tx),
        operator.alone != await refunds.alone(tx),
        operator.level != await catalog.tax_level(tx),
        await _sellers(house, tx, operator, actor),
        operator.program not in (None, await loyalty.program(tx)),
        await _sends(house, tx, operator.sending),
    ]
    for target in operator.targets:
        guard = operator.guard.model_dump() if operator.guard else {}
        wanted = Configuration(
            name=TargetName(target.name),
            kind=target.kind,
            options=target.options,
            **target.limits.model_dump(),
            **{f"guard_{name}": value for name, value in guard.items()},
        )
        if differs := await targets.configure(tx, house.sealer, wanted):
            await _configured(house, tx, actor, f"target:{target.name}", target.kind)
        changed.append(differs)
    for one in operator.payments:
        differs = await providers.configure(tx, house.sealer, one.name, one.kind, one.options)
        if differs:
            await _configured(house, tx, actor, f"provider:{one.name}", one.kind)
        changed.append(differs)
    changed += [
        await policy_store.keep_policy(tx, operator.notices),
        await _gateway(house, tx, operator.sms, actor),
    ]
    await memory.remember(tx, OPERATOR, [("operator", business)])
    await rules_file.remember(tx, operator.dunning)
    return business, any(changed)


async def _sellers(house: House, tx: Tx, operator: Operator, actor: str) -> bool:
    """Write down who is told to sell, where that is new; tell whether anybody is."""
    known = (await catalog.sellers(tx)).by_day
    new = {day: one for day, one in operator.sellers.items() if known.get(day) != one}
    for day, one in new.items():
        await note(
            house,
            tx,
            actor=actor,
            action="import.seller",
            subject="operator",
            before=", ".join(known[day].lines) if day in known else "",
            after=f"{', '.join(one.lines)}" + ("" if day == ALWAYS else f", from {day}"),
        )
    return bool(new)


async def _gateway(house: House, tx: Tx, wanted: Mapping[str, Any] | None, actor: str) -> bool:
    """Set the gateway for short messages up as the file says, or take it away."""
    is_new = await policy_store.configure_gateway(tx, house.sealer, wanted)
    if is_new:
        kind = str(wanted["kind"]) if wanted else ""
        await _configured(house, tx, actor, f"gateway:{policy_store.SMS}", kind)
    return is_new


async def _brake(tx: Tx) -> BrakePolicy | None:
    known = await catalog.brake(tx)
    return known.policy if known else None


async def _sends(house: House, tx: Tx, wanted: Sending) -> bool:
    """Keep who sends technicians; where that is new every household is looked at again."""
    is_new = await sending.keep(tx, wanted)
    if is_new:
        await routes.replay(tx, house.work)
    return is_new


async def _configured(house: House, tx: Tx, actor: str, subject: str, kind: str) -> None:
    """Write down that a far side is spoken to otherwise; how is sealed, or stands in the file."""
    await note(house, tx, actor=actor, action="import.configure", subject=subject, after=kind)


def _route(row: Any) -> Route:
    return Route(
        code=row.code,
        target=TargetName(row.target),
        role=Role(row.role),
        target_code=row.target_code,
    )


def _publication(folder: Folder, business: Mapping[str, str], held: Program) -> Publication:
    program = program_of(folder.loyalty, folder.loyalty_tiers, business["currency"], held)
    if program is None and folder.operator is not None:
        program = folder.operator.program
    return Publication(
        zone=business["zone"],
        offerings=tuple(row.offering for row in folder.offerings),
        prices=tuple(price_of(row) for row in folder.prices),
        taxes=tuple(rate_of(row, business["country"]) for row in folder.taxes),
        segments=folder.operator.segments if folder.operator else None,
        brake=folder.operator.brake if folder.operator else None,
        starts=folder.operator.starts if folder.operator else None,
        promises=folder.operator.promises if folder.operator else None,
        window_days=folder.operator.preview_days if folder.operator else None,
        alone=folder.operator.alone if folder.operator else None,
        level=folder.operator.level if folder.operator else None,
        sellers=folder.operator.sellers if folder.operator else {},
        name=folder.draft.name if folder.draft else "",
        program=program,
        promotions=tuple(promotion_of(row, business["currency"]) for row in folder.promotions),
    )


async def _subscribers(
    house: House, tx: Tx, rows: list[SubscriberRow], business: dict[str, str]
) -> dict[str, ServiceId]:
    if not rows:
        return {}
    now = await house.clock.business_now(tx)
    signed = await sign_up(house.desk, tx, [_order(row, business) for row in rows], now)
    services = {one.contract: one.service for one in signed}
    await refs.bind(tx, {service: contract for contract, service in services.items()})
    return services


def _order(row: SubscriberRow, business: dict[str, str]) -> SignUp:
    method = None
    if row.payment_provider:
        method = MethodRef(
            provider=row.payment_provider,
            customer=row.payment_customer,
            method=row.payment_method,
        )
    return SignUp(
        contract=row.contract,
        name=row.name,
        phone=row.phone,
        email=row.email,
        locale=row.locale or business["locale"],
        plan=row.plan,
        addons=row.addons,
        currency=business["currency"],
        zone=business["zone"],
        bill_day=row.bill_day,
        starts_on=row.started_on,
        billed_until=row.billed_until,
        jurisdiction=abroad(row.jurisdiction, business["country"]),
        segment=row.segment,
        activation=Activation.OPEN,
        method=method,
    )


async def _boxes(house: House, tx: Tx, rows: list[BoxRow], services: dict[str, ServiceId]) -> None:
    if not rows:
        return
    whose = await places.load(tx)
    boxes = [
        NewBox(
            serial=row.serial,
            model=row.model,
            mac=row.mac or None,
            place=whose.read_stock(row.place or WAREHOUSE),
        )
        for row in rows
    ]
    known = await inventory.register(tx, house.work, boxes, actor=ACTOR)
    missing = {row.contract for row in rows if row.contract} - set(services)
    holders = await accounts.holders(tx, missing)
    held = services | {contract: holder.service for contract, holder in holders.items()}
    moves = [
        HandOver(resource=box.id, service=held[row.contract], on=row.handed_over_on, actor=ACTOR)
        for row, box in zip(rows, known, strict=True)
        if row.handed_over_on is not None
    ]
    await inventory.hand_over(tx, house.work, moves)


async def _describe(house: House, tx: Tx, rows: list[BoxRow]) -> None:
    """Write down how boxes are reached, where their list says so."""
    told = [row for row in rows if row.address or row.host_key or row.secrets]
    known = await inventory_store.by_serial(tx, [row.serial for row in told])
    described = [
        Described(
            resource=known[row.serial].id,
            address=row.address,
            secrets=row.secrets,
            host_key=row.host_key,
            listed=row.secrets,
        )
        for row in told
    ]
    await house.logins.describe(tx, described)


async def _remember(tx: Tx, folder: Folder) -> None:
    sheets: tuple[tuple[Sheet[Any], list[Any]], ...] = (
        (TAXES, folder.taxes),
        (OFFERINGS, folder.offerings),
        (ROUTES, folder.routes),
        (PRICES, folder.prices),
        (PROMOTIONS, folder.promotions),
        (LOYALTY, folder.loyalty or []),
        (LOYALTY_TIERS, folder.loyalty_tiers or []),
        (SUBSCRIBERS, folder.subscribers),
        (MODELS, folder.models),
        (BOXES, folder.boxes),
    )
    for sheet, rows in sheets:
        cells = [(key_of(sheet, row), cells_of(sheet, row)) for row in rows]
        await memory.remember(tx, sheet.file, cells)
