"""A catalogue is published: offerings, prices, taxes, promotions, loyalty, dunning, who sells.

What is sold stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import exists, select

from billing.accounts.store import account
from billing.billdays import store as billdays
from billing.catalog import store as catalog
from billing.catalog.document import Document, Version, written
from billing.catalog.model import (
    Offering,
    OfferingKind,
    Price,
    PriceBook,
    changed_offerings,
    changed_prices,
)
from billing.dunning import braking
from billing.dunning import store as dunning
from billing.dunning.brake import BrakePolicy
from billing.dunning.segment import Segments
from billing.equipment import store as equipment
from billing.equipment.model import Starts
from billing.invoicing.store import invoice_line
from billing.loyalty import document as loyalty_document
from billing.loyalty import store as loyalty
from billing.loyalty.model import Program
from billing.payments import store as payments
from billing.payments.refunds import Alone
from billing.promises import store as promises
from billing.promises.model import PromisePolicy
from billing.promotions import document as promotions_document
from billing.promotions import store as promotions
from billing.promotions.promotion import Promotion, changed_promotions, misfit
from billing.sellers import store as sellers
from billing.sellers.model import Seller, changed_sellers
from billing.tax import store as tax
from billing.tax.levels import Level
from billing.tax.model import TaxRate, TaxTable, changed_rates
from runtime.store import Tx
from terms.calendar import local_date
from terms.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What an operator wishes to publish; what it does not name stays.

    `zone` says which day it is for the operator, `sellers` who sells from which day on. No
    `segments` of dunning leave those that are published, and so does no `brake` of it, no `starts`,
    which says when rentals begin, no `promises`, which may be made, no `level`, which says what tax
    is rounded once for, no `window_days`, for which a bill day waits for a person, and no `alone`,
    how much one person gives back. `name` is what people call this version of the catalogue.
    """

    zone: str
    offerings: Sequence[Offering] = ()
    prices: Sequence[Price] = ()
    taxes: Sequence[TaxRate] = ()
    sellers: Mapping[date, Seller] = field(default_factory=dict)
    segments: Segments | None = None
    brake: BrakePolicy | None = None
    starts: Starts | None = None
    promises: PromisePolicy | None = None
    window_days: int | None = None
    alone: Alone | None = None
    level: Level | None = None
    name: str = ""
    promotions: Sequence[Promotion] = ()
    program: Program | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What changed, in words. Nothing when all of it was published before."""

    changes: tuple[str, ...]


async def publish(tx: Tx, publication: Publication, now: datetime) -> Published:
    """Publish; the same again changes nothing.

    Raises Invalid for a change of what is effective or was sold ahead, for another seller on days
    up to today, for an offering whose tax has no rate at home or in another jurisdiction that any
    tax has one in, and for a price without an offering, or with a deposit or a fee that its
    offering cannot have.
    """
    today = local_date(now, publication.zone)
    book, table = await catalog.load(tx), await tax.load(tx)
    rates = changed_rates(table, publication.taxes, today)
    offerings = changed_offerings(book, publication.offerings)
    prices = changed_prices(book, publication.prices, today)
    selling = changed_sellers(await sellers.load(tx), publication.sellers, today)
    _check_names(publication, book, table)
    await _check_sold(tx, book, prices)
    before = await _document(tx)
    await tax.keep(tx, rates)
    await sellers.keep(tx, selling)
    await catalog.keep(tx, offerings, prices)
    changes = [
        *(f"tax {rate.name}: {rate.rate} from {rate.effective_from}" for rate in rates),
        *(f"offering {offering.code}: {offering.name}" for offering in offerings),
        *(f"price {p.offering}: {p.amount} from {p.effective_from}" for p in prices),
        *(f"seller {one.name} from {day}" for day, one in selling.items()),
        *await _publish_rules(tx, publication, now),
        *await _publish_promotions(tx, publication, _kinds(publication, book)),
    ]
    if changes:
        await _keep_versions(tx, publication.name, before, now)
    return Published(changes=tuple(changes))


async def _check_sold(tx: Tx, book: PriceBook, prices: Sequence[Price]) -> None:
    """Raise Invalid for a price to come that is not as published and was charged ahead already."""
    known = {(one.offering, one.effective_from) for one in prices} & {
        (one.offering, one.effective_from)
        for code in {one.offering for one in prices}
        for one in book.all_prices(code)
    }
    c = invoice_line.c
    for code, day in sorted(known):
        sold = exists().where(c.offering == code, c.price_from == day)
        if await tx.scalar(select(sold)):
            raise Invalid(f"prices.{code}.{day}", "was charged ahead already: date it later")


async def _keep_versions(tx: Tx, name: str, before: Document, now: datetime) -> None:
    """Raise the edition, and remember the catalogue where it is another one than before."""
    held = await catalog.edition(tx)
    after = await _document(tx)
    edition = await catalog.raise_edition(tx)
    if after == before:
        return
    known = await catalog.versions(tx)
    if name and any(one.name == name for one in known):
        raise Invalid("version", f"{name!r} is published already and says something else")
    if not known and any(before.values()):
        first = Version(edition=held, name="", published_at=now, document=before)
        await catalog.keep_version(tx, first)
    version = Version(edition=edition, name=name, published_at=now, document=after)
    await catalog.keep_version(tx, version)


async def _document(tx: Tx) -> Document:
    """Write what is published."""
    return {
        **written(await catalog.load(tx), await tax.load(tx)),
        **promotions_document.written((await promotions.load(tx)).values()),
        **loyalty_document.written(await loyalty.load_program(tx)),
    }


async def _publish_rules(tx: Tx, publication: Publication, now: datetime) -> list[str]:
    """Publish segments, rentals, promises, preview window, refunds, level of tax, where new."""
    changes = []
    brake = publication.brake
    segments, starts, policy = publication.segments, publication.starts, publication.promises
    held = await dunning.load_segments(tx)
    _check_taxes(held if segments is None else segments, await tax.load(tx))
    if segments is not None and segments != held:
        await _check_segments(tx, segments)
        await dunning.keep_segments(tx, segments)
        changes.append(f"dunning: {len(segments.each)} segments")
    if brake is not None and brake != await _brake(tx):
        await braking.keep_policy(tx, brake, now)
        changes.append(f"dunning: a brake at {brake.share_percent}% of the accounts")
    if starts is not None and starts != await equipment.load_starts(tx):
        await equipment.keep_starts(tx, starts)
        changes.append(f"rentals begin with the {starts.value}")
    if policy is not None and policy != await promises.load_policy(tx):
        await promises.keep_policy(tx, policy)
        changes.append(f"promises: {policy.days_max} days at most")
    window_days = publication.window_days
    if window_days is not None and window_days != (await billdays.load_gate(tx)).window_days:
        await billdays.keep_window(tx, window_days)
        changes.append(f"a bill day waits {window_days} days")
    alone = publication.alone
    if alone is not None and alone != await payments.load_alone(tx):
        await payments.keep_alone(tx, alone)
        told = ", ".join(f"{alone.limit(one)}" for one in sorted(alone.up_to_minor))
        changes.append(f"a person gives back {told or 'any amount'} alone")
    if publication.level is not None and publication.level is not await tax.load_level(tx):
        await tax.keep_level(tx, publication.level)
        changes.append(f"tax is rounded for each {publication.level.value}")
    program = publication.program
    if program is not None and program != await loyalty.load_program(tx):
        await loyalty.keep_program(tx, program)
        changes.append(f"loyalty: {len(program.tiers)} tiers")
    return changes


async def _brake(tx: Tx) -> BrakePolicy | None:
    known = await braking.load(tx)
    return known.policy if known else None


async def _check_segments(tx: Tx, segments: Segments) -> None:
    """Raise Invalid where accounts are in a segment that would be no more."""
    used = await tx.rows(select(account.c.segment).where(account.c.segment != "").distinct())
    for row in used:
        if row.segment not in segments.each:
            raise Invalid(f"dunning.segments.{row.segment}", "accounts are in it: it has to stay")


def _check_taxes(segments: Segments, known: TaxTable) -> None:
    """Raise Invalid for a fee under a tax that has no rate somewhere."""
    for name, one in segments.each.items():
        where = f"dunning.segments.{name}" if name else "dunning"
        for kind, used in one.taxes:
            if used and used not in known.taxes:
                raise Invalid(f"{where}.{kind}.tax", f"there is no tax {used!r}")
            for missing in known.gaps([used] if used else []):
                raise Invalid(f"{where}.{kind}.tax", f"{missing} has no rate there")


def _check_names(publication: Publication, book: PriceBook, table: TaxTable) -> None:
    known = TaxTable.of({*table, *publication.taxes})
    kinds = _kinds(publication, book)
    for offering in publication.offerings:
        if offering.tax not in known.taxes:
            raise Invalid(f"offerings.{offering.code}.tax", f"there is no tax {offering.tax!r}")
    used = {one.tax for one in (*book.offerings.values(), *publication.offerings)}
    for missing in known.gaps(used):
        why = "has no rate there: say 0% where it is not raised"
        raise Invalid(f"taxes.{missing}", why)
    for price in publication.prices:
        if price.offering not in kinds:
            raise Invalid(f"prices.{price.offering}", "there is no such offering")
        is_rental = kinds[price.offering] is OfferingKind.RENTAL
        if (price.deposit_minor or price.lost_fee_minor) and not is_rental:
            raise Invalid(f"prices.{price.offering}", "only a rental has a deposit or a lost fee")
        if (price.usage is not None) is not (kinds[price.offering] is OfferingKind.USAGE):
            why = "what is charged by usage, and nothing else, has a price of usage"
            raise Invalid(f"prices.{price.offering}.usage", why)


def _kinds(publication: Publication, book: PriceBook) -> dict[str, OfferingKind]:
    kinds = {code: offering.kind for code, offering in book.offerings.items()}
    return kinds | {offering.code: offering.kind for offering in publication.offerings}


async def _publish_promotions(
    tx: Tx, publication: Publication, kinds: Mapping[str, OfferingKind]
) -> list[str]:
    """Publish promotions that are new or changed; what somebody has stays as it is."""
    held = (await promotions.load(tx)).values()
    redeemed = await promotions.redeemed(tx)
    changed = changed_promotions(held, publication.promotions, redeemed)
    for one in publication.promotions:
        for name in sorted(one.discount.limited_to):
            _check_limited(one, name, kinds)
    await promotions.keep(tx, changed)
    return [f"promotion {one.code}: {one.name}" for one in changed]


def _check_limited(one: Promotion, name: str, kinds: Mapping[str, OfferingKind]) -> None:
    where = f"promotions.{one.code}.limited_to"
    if name not in kinds:
        raise Invalid(where, f"there is no offering {name!r}")
    if why := misfit(one, name, kinds[name]):
        raise Invalid(where, why)
