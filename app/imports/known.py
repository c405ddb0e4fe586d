"""What the database holds already, as the checks of an import need it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from app.desk import places
from app.desk.refusal import refusal
from app.imports import box_rows, memory
from app.imports.check import Known
from app.imports.folder import Folder
from app.imports.problems import Problems
from app.wiring import House
from billing.bank.model import BANK
from billing.cash.model import CASH
from billing.payments import registry as providers
from billing.payments.model import DEBIT
from billing.reads import accounts, catalog, promotions
from billing.reads.currencies import is_used
from billing.vouchers.model import PROVIDER as VOUCHER
from gateway.adapters.registry import open_adapter
from gateway.adapters.sdk import Adapter
from gateway.inventory import models as box_models
from gateway.inventory import store as boxes
from gateway.provisioning import routes
from gateway.provisioning.routing import Role, Route
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import DomainError, Invalid
from terms.ids import TargetName

OPERATOR = "operator.toml"
# What stands in the place of a provider where none has the money.
OURS = frozenset({CASH, BANK, DEBIT, VOUCHER})


async def look(house: House, tx: Tx, folder: Folder, problems: Problems) -> Known:
    """Read all that rows of this folder may lean on; wrong options are noted on the way."""
    codes, sold = await catalog.codes(tx), await catalog.offerings(tx)
    business = (await memory.remembered(tx, OPERATOR)).get("operator", {})
    lines = await _routes(tx, folder)
    adapters = await _adapters(house, folder, problems)
    _check_providers(house, folder, problems)
    await _check_alone(tx, folder, problems)
    models = await box_models.load(tx)
    box_rows.spell(folder, models)
    serials = [row.serial for row in folder.boxes]
    macs = [row.mac for row in folder.boxes if row.mac]
    held = await boxes.by_serial(tx, serials)
    by_mac = await boxes.by_mac(tx, macs)
    contracts = {row.contract for row in folder.subscribers}
    contracts |= {row.contract for row in folder.boxes if row.contract}
    return Known(
        currency=business.get("currency", ""),
        country=business.get("country", ""),
        taxes=frozenset(codes.taxes),
        jurisdictions=codes.jurisdictions,
        offerings=dict(codes.offerings),
        rented=frozenset(model for one in sold for model in one.offering.models),
        priced=frozenset(codes.priced),
        promotions=await promotions.all_by_code(tx),
        redeemed=await promotions.redeemed(tx),
        routed=frozenset(line.code for line in lines),
        targets=frozenset(await house.targets.load()),
        providers=frozenset(house.providers),
        contracts=frozenset(await accounts.contracts(tx, contracts)),
        macs={mac: box.serial for mac, box in by_mac.items()},
        serials=frozenset(held),
        models=models,
        shared=await house.logins.shared(tx, {row.serial: row.secrets for row in folder.boxes}),
        refuses=lambda contract: refusal(contract, adapters, lines),
        places=await places.load(tx),
        book=await catalog.book(tx),
        rates=await catalog.rates(tx),
        sellers=await catalog.sellers(tx),
        segments=await catalog.segments(tx),
        today=await _today(house, tx, folder, business),
    )


async def _today(house: House, tx: Tx, folder: Folder, business: Mapping[str, str]) -> date:
    """Tell the operator's local day; in UTC while nobody has named a zone."""
    told = folder.operator.business.zone if folder.operator else business.get("zone", "")
    return local_date(await house.clock.business_now(tx), told or "UTC")


async def _routes(tx: Tx, folder: Folder) -> list[Route]:
    """Give the routes as they will be: those of the folder replace all others."""
    if not folder.routes:
        return await routes.load(tx)
    return [
        Route(
            code=row.code,
            target=TargetName(row.target),
            role=Role(row.role),
            target_code=row.target_code,
        )
        for row in folder.routes
    ]


async def _adapters(house: House, folder: Folder, problems: Problems) -> Mapping[str, Adapter[Any]]:
    named = {target.name for target in folder.operator.targets} if folder.operator else set()
    found: dict[str, Adapter[Any]] = {}
    for name, target in (await house.targets.load()).items():
        if target.enabled and name not in named:
            found[name] = (await house.targets.open(name)).adapter
    for wanted in folder.operator.targets if folder.operator else ():
        try:
            found[wanted.name] = open_adapter(
                wanted.kind, name=TargetName(wanted.name), options=wanted.options, http=house.door
            )
        except DomainError as error:
            _refuse(problems, error, f"targets.{wanted.name}", f"target {wanted.name}: ")
    return found


def _check_providers(house: House, folder: Folder, problems: Problems) -> None:
    for provider in folder.operator.payments if folder.operator else ():
        if provider.name in OURS:
            why = "money of our own comes in by this name: take another one"
            problems.add(OPERATOR, why, field=f"payments.{provider.name}")
            continue
        try:
            providers.open_provider(
                provider.kind, name=provider.name, options=provider.options, http=house.door
            )
        except DomainError as error:
            where = f"payments.{provider.name}"
            _refuse(problems, error, where, f"{where}.")


async def _check_alone(tx: Tx, folder: Folder, problems: Problems) -> None:
    """Note each currency of [refunds] that no money can come in."""
    one = folder.operator
    for currency in one.alone.up_to_minor if one else ():
        if one and currency != one.business.currency and not await is_used(tx, currency):
            why = f"nothing is sold in {currency}, and no account is kept in it"
            problems.add(OPERATOR, why, field=f"refunds.alone_up_to.{currency}")


def _refuse(problems: Problems, error: DomainError, where: str, before: str) -> None:
    """Note what is wrong with something outside, by the option where one is named."""
    if isinstance(error, Invalid):
        option = error.field.removeprefix(before)
        problems.add(OPERATOR, error.reason, field=f"{where}.{option}")
    else:
        problems.add(OPERATOR, str(error), field=where)
