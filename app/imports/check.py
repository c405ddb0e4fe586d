"""What the rows of an import say about each other: every name used must exist, nothing clashes.

A row that fails is taken out; a row that is wrong only because it leans on one taken out follows
and is counted. Of a file that cannot be read nothing is known, so no name of it is missed. Order
matters and is the order of `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from app.desk.places import Places
from app.imports import box_rows, level_check, loyalty_check, promotion_rows, sheets
from app.imports.folder import Folder
from app.imports.operator import FILE as OPERATOR
from app.imports.problems import Problems
from billing.catalog.model import PriceBook
from billing.catalog.terms import Counts, Terms
from billing.catalog.tiers import read_tiers
from billing.dunning.segment import Segments
from billing.promotions.promotion import Promotion
from billing.sellers.model import Sellers
from billing.tax.model import HOME, TaxTable, abroad
from gateway.inventory.imprints import SecretOf
from gateway.inventory.models import Models
from terms.money import Money

Refuses = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database holds already from earlier imports.

    `offerings` maps code to kind, `redeemed` tells how often each of the `promotions` was that was
    at all, `rented` are the box models of rentals, `macs` maps a MAC to the serial that has it,
    `shared` a secret of a row to a box that has it already. `refuses` tells why a target would not
    take a contract as its key, or nothing; `places` who has a van, `today` the operator's day;
    `book`, `rates`, `sellers` and `segments` are what is published.
    """

    currency: str = ""
    country: str = ""
    taxes: frozenset[str] = frozenset()
    jurisdictions: frozenset[str] = frozenset()
    offerings: Mapping[str, str] = field(default_factory=dict)
    priced: frozenset[str] = frozenset()
    promotions: Mapping[str, Promotion] = field(default_factory=dict)
    redeemed: Mapping[str, int] = field(default_factory=dict)
    rented: frozenset[str] = frozenset()
    routed: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()
    serials: frozenset[str] = frozenset()
    macs: Mapping[str, str] = field(default_factory=dict)
    models: Models = field(default_factory=dict)
    shared: Mapping[SecretOf, str] = field(default_factory=dict)
    refuses: Refuses = lambda _contract: ""
    places: Places = field(default_factory=lambda: Places(people={}))
    today: date = date.max
    book: PriceBook = field(default_factory=PriceBook)
    rates: TaxTable = field(default_factory=TaxTable)
    sellers: Sellers = field(default_factory=Sellers)
    segments: Segments = field(default_factory=Segments)


def check(folder: Folder, known: Known, problems: Problems) -> None:
    """Note every clash and take the rows concerned out of the folder."""
    if folder.operator is None and not known.currency and OPERATOR not in folder.files:
        problems.add(OPERATOR, "missing: the first import names the operator")
    _routes(folder, known, problems)
    level_check.check_levels(folder, known.routed, problems)
    _offerings(folder, known, problems)
    _prices(folder, known, problems)
    _unpriced(folder, known, problems)
    _promotions(folder, known, problems)
    loyalty_check.check_loyalty(folder, known.currency, problems)
    _subscribers(folder, known, problems)
    _boxes(folder, known, problems)


@dataclass(slots=True)
class _Row:
    """What is found out about one row: why it is wrong, and whether it only follows."""

    whys: list[tuple[str, str]] = field(default_factory=list)
    follows: bool = False

    def lean(self, column: str, name: str, names: _Names, why: str) -> None:
        """Look whether a name that the row uses is there."""
        if name in names.found or names.is_open:
            return
        if name in names.lost:
            self.follows = True
        else:
            self.whys.append((column, why))

    def is_good(self, problems: Problems, file: str, line: int) -> bool:
        """Note what is wrong; True where nothing is."""
        for column, why in self.whys:
            problems.add(file, why, row=line, field=column)
        if self.follows and not self.whys:
            problems.add_following(file, line)
        return not self.whys and not self.follows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    """Names that may be used. `lost` are those of rows left out; where `is_open`, all may be."""

    found: Collection[str]
    lost: Collection[str] = ()
    is_open: bool = False


def _names(problems: Problems, file: str, column: str, found: Collection[str]) -> _Names:
    lost = problems.lost(file, column)
    return _Names(found=found, lost=lost, is_open=problems.is_unreadable(file))


def _of_operator(folder: Folder, problems: Problems, found: Collection[str]) -> _Names:
    is_open = folder.operator is None and problems.is_unreadable(OPERATOR)
    return _Names(found=found, is_open=is_open)


def _routes(folder: Folder, known: Known, problems: Problems) -> None:
    targets = known.targets | {t.name for t in (folder.operator.targets if folder.operator else ())}
    names = _of_operator(folder, problems, targets)
    good = []
    for row in folder.routes:
        found = _Row()
        why = f"there is no target '{row.target}'{_known(targets)}"
        found.lean("target", row.target, names, why)
        if found.is_good(problems, "routes.csv", row.line):
            good.append(row)
        else:
            problems.lose("routes.csv", "code", [row.code])
    folder.routes = good


def _offerings(folder: Folder, known: Known, problems: Problems) -> None:
    country = _country(folder, known)
    home = {row.tax for row in folder.taxes if abroad(row.jurisdiction, country) == HOME}
    taxes = known.taxes | home
    routed = known.routed | {row.code for row in folder.routes}
    tax_names = _names(problems, "taxes.csv", "tax", taxes)
    route_names = _names(problems, "routes.csv", "code", routed)
    models: dict[str, str] = {}
    codes = {*known.offerings, *(row.code for row in folder.offerings)}
    wares = _names(problems, "offerings.csv", "code", codes)
    good = []
    for row in folder.offerings:
        found = _Row()
        found.lean("tax", row.tax, tax_names, f"there is no tax '{row.tax}'{_known(taxes)}")
        found.whys += _rental(row, models) if row.kind == "rental" else _granting(row)
        found.whys += row.offering.problems()
        for code in row.terms.bundle_with:
            why = f"there is no offering '{code}'"
            found.lean("bundle_with", code, wares, why)
        for code in row.grants:
            why = f"no route leads the code '{code}' to a target"
            found.lean("grants", code, route_names, why)
        if found.is_good(problems, "offerings.csv", row.line):
            good.append(row)
        else:
            _lose_offering(row, problems)
    folder.offerings = good


def _lose_offering(row: sheets.OfferingRow, problems: Problems) -> None:
    problems.lose("offerings.csv", "code", [row.code])
    problems.lose("offerings.csv", "model", row.model)


def _granting(row: sheets.OfferingRow) -> list[tuple[str, str]]:
    whys = []
    if not row.grants and row.kind not in {"one_off", "usage"}:
        whys.append(("grants", f"{row.kind}: grants at least one package code"))
    if row.model:
        whys.append(("model", f"a {row.kind} is not for a box model"))
    return whys


def _rental(row: sheets.OfferingRow, models: dict[str, str]) -> list[tuple[str, str]]:
    whys = []
    if row.grants:
        whys.append(("grants", "a rental grants nothing"))
    if not row.model:
        whys.append(("model", "a rental names the box models it is for"))
    whys += [
        ("model", f"'{model}' is rented as {models[model]} already")
        for model in row.model
        if models.setdefault(model, row.code) != row.code
    ]
    return whys


def _prices(folder: Folder, known: Known, problems: Problems) -> None:
    kinds = {**known.offerings, **{row.code: row.kind for row in folder.offerings}}
    names = _names(problems, "offerings.csv", "code", kinds)
    currency = folder.operator.business.currency if folder.operator else known.currency
    terms = {code: one.terms for code, one in known.book.offerings.items()}
    terms |= {row.code: row.terms for row in folder.offerings}
    good = []
    for row in folder.prices:
        found = _Row()
        found.lean("offering", row.offering, names, f"there is no offering '{row.offering}'")
        if currency and row.currency != currency:
            found.whys.append(("currency", f"the operator's currency is {currency}"))
        else:
            found.whys += _amounts(row)
        if row.minimum and kinds.get(row.offering, "plan") not in ("plan", "addon"):
            found.whys.append(("minimum", f"'{row.offering}' is neither a plan nor an add-on"))
        if kinds.get(row.offering, "rental") != "rental":
            found.whys += _of_rentals_alone(row)
        found.whys += _of_what_depends(row, terms.get(row.offering))
        if (row.usage is not None) is not (kinds.get(row.offering) == "usage"):
            why = "what is charged by usage, and nothing else, has a price of usage"
            found.whys += [("usage", why)] if row.offering in kinds else []
        if found.is_good(problems, "prices.csv", row.line):
            good.append(row)
        else:
            problems.lose("prices.csv", "offering", [row.offering])
    folder.prices = good


def _of_what_depends(row: sheets.PriceRow, terms: Terms | None) -> list[tuple[str, str]]:
    whys = []
    if row.tiers and terms and terms.counts is Counts.NOTHING:
        whys.append(("tiers", f"'{row.offering}' counts nothing: say what in offerings.csv"))
    if row.bundled and terms and not terms.bundle_with:
        whys.append(
            ("bundled", f"'{row.offering}' is in no bundle: say in offerings.csv with what")
        )
    return whys


def _amounts(row: sheets.PriceRow) -> list[tuple[str, str]]:
    whys = []
    for name in ("amount", "deposit", "lost_fee", "bundled", "minimum"):
        try:
            Money.parse(getattr(row, name) or "0", row.currency)
        except ValueError as error:
            whys.append((name, str(error)))
    try:
        read_tiers(row.tiers, row.currency)
    except ValueError as error:
        whys.append(("tiers", str(error)))
    return whys


def _of_rentals_alone(row: sheets.PriceRow) -> list[tuple[str, str]]:
    return [
        (name, f"'{row.offering}' is no rental")
        for name in ("deposit", "lost_fee")
        if getattr(row, name)
    ]


def _unpriced(folder: Folder, known: Known, problems: Problems) -> None:
    priced = known.priced | {row.offering for row in folder.prices}
    names = _names(problems, "prices.csv", "offering", priced)
    good = []
    for row in folder.offerings:
        found = _Row()
        found.lean("code", row.code, names, "has no price in prices.csv")
        if found.is_good(problems, "offerings.csv", row.line):
            good.append(row)
        else:
            _lose_offering(row, problems)
    folder.offerings = good
    codes = {row.code for row in folder.offerings} | set(known.offerings)
    folder.prices = [row for row in folder.prices if row.offering in codes]


def _promotions(folder: Folder, known: Known, problems: Problems) -> None:
    kinds = {**known.offerings, **{row.code: row.kind for row in folder.offerings}}
    names = _names(problems, "offerings.csv", "code", kinds)
    currency = folder.operator.business.currency if folder.operator else known.currency
    good = []
    for row in folder.promotions:
        found = _Row()
        for name in row.limited_to:
            found.lean("limited_to", name, names, f"there is no offering '{name}'")
        found.whys += promotion_rows.whys(row, currency, kinds, known.promotions, known.redeemed)
        if found.is_good(problems, "promotions.csv", row.line):
            good.append(row)
    folder.promotions = good


def _subscribers(folder: Folder, known: Known, problems: Problems) -> None:
    offerings = {**known.offerings, **{row.code: row.kind for row in folder.offerings}}
    wares = _names(problems, "offerings.csv", "code", offerings)
    configured = folder.operator.payments if folder.operator else ()
    providers = known.providers | {provider.name for provider in configured}
    payers = _of_operator(folder, problems, providers)
    places = known.jurisdictions | {row.jurisdiction for row in folder.taxes}
    places |= {_country(folder, known)}
    raised = _names(problems, "taxes.csv", "jurisdiction", places)
    told = folder.operator.segments if folder.operator else known.segments
    segments = _of_operator(folder, problems, {*told})
    good = []
    for row in folder.subscribers:
        found = _Row()
        found.whys += [("contract", why) for why in (known.refuses(row.contract),) if why]
        _lean_on_wares(found, row, wares, offerings)
        _lean_on_payment(found, row, payers)
        if row.jurisdiction:
            why = f"taxes.csv has no rate in {row.jurisdiction}"
            found.lean("jurisdiction", row.jurisdiction, raised, why)
        if row.segment:
            why = f"there is no segment '{row.segment}' in operator.toml{_known(set(told) - {''})}"
            found.lean("segment", row.segment, segments, why)
        if row.billed_until and row.billed_until < row.started_on:
            found.whys.append(("billed_until", "lies before started_on"))
        if found.is_good(problems, "subscribers.csv", row.line):
            good.append(row)
        else:
            problems.lose("subscribers.csv", "contract", [row.contract])
    folder.subscribers = good


def _lean_on_wares(
    found: _Row, row: sheets.SubscriberRow, wares: _Names, offerings: Mapping[str, str]
) -> None:
    wanted = [("plan", "plan", row.plan), *(("addons", "addon", code) for code in row.addons)]
    for name, kind, code in wanted:
        found.lean(name, code, wares, f"there is no offering '{code}'")
        if offerings.get(code, kind) != kind and (kind, offerings.get(code)) != ("addon", "usage"):
            found.whys.append((name, f"'{code}' is not of kind {kind} but {offerings[code]}"))


def _lean_on_payment(found: _Row, row: sheets.SubscriberRow, payers: _Names) -> None:
    given = {
        "payment_provider": row.payment_provider,
        "payment_customer": row.payment_customer,
        "payment_method": row.payment_method,
    }
    if not any(given.values()):
        return
    found.whys += [
        (name, "belongs to the other payment cells") for name, cell in given.items() if not cell
    ]
    if row.payment_provider:
        why = f"there is no payment provider '{row.payment_provider}'{_known(payers.found)}"
        found.lean("payment_provider", row.payment_provider, payers, why)


def _boxes(folder: Folder, known: Known, problems: Problems) -> None:
    contracts = known.contracts | {row.contract for row in folder.subscribers}
    holders = _names(problems, "subscribers.csv", "contract", contracts)
    rented = known.rented | {model for row in folder.offerings for model in row.model}
    rentals = _names(problems, "offerings.csv", "model", rented)
    models = {**known.models, **{row.model: box_rows.model_of(row) for row in folder.models}}
    made = _names(problems, "models.csv", "model", models)
    macs = dict(known.macs)
    good = []
    for row in folder.boxes:
        found = _Row()
        if bool(row.contract) != bool(row.handed_over_on):
            name = "handed_over_on" if row.contract else "contract"
            found.whys.append((name, "contract and handed_over_on belong together"))
        if row.contract:
            why = f"there is no subscriber with the contract '{row.contract}'"
            found.lean("contract", row.contract, holders, why)
        if row.serial not in known.serials and (rented or rentals.lost):
            why = f"no rental in offerings.csv is for the model '{row.model}'{_known(rented)}"
            found.lean("model", row.model, rentals, why)
        if row.serial not in known.serials and (models or made.lost):
            why = f"there is no model '{row.model}' in models.csv{_known(models)}"
            found.lean("model", row.model, made, why)
            found.whys += box_rows.serial_whys(row, models)
        if row.serial not in known.serials:
            found.whys += box_rows.place_whys(row, known.places)
            found.whys += box_rows.day_whys(row, known.today)
        found.whys += box_rows.secret_whys(row)
        if row.mac and macs.setdefault(row.mac, row.serial) != row.serial:
            found.whys.append(("mac", f"{row.mac} is the address of box {macs[row.mac]} already"))
        if found.is_good(problems, "boxes.csv", row.line):
            good.append(row)
    folder.boxes = good
    box_rows.flag_repeats(good, known.shared, problems)


def _country(folder: Folder, known: Known) -> str:
    return folder.operator.business.country if folder.operator else known.country


def _known(names: Collection[str]) -> str:
    return f"; known are {', '.join(sorted(names)[:20])}" if names else ""
