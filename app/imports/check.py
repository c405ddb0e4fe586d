"""What the rows of an import say about each other: every name used must exist, nothing clashes.

A row that fails is taken out, so that rows leaning on it fail too and are named with their own
reason. Order matters and is the order of `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.imports import sheets
from app.imports.folder import Folder
from app.imports.problems import Problems
from terms.money import Money

Refuses = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database holds already from earlier imports.

    `offerings` maps code to kind, `macs` maps a MAC to the serial that has it. `refuses` tells why
    a target would not take a contract as its key, or nothing.
    """

    currency: str = ""
    taxes: frozenset[str] = frozenset()
    offerings: Mapping[str, str] = field(default_factory=dict)
    priced: frozenset[str] = frozenset()
    routed: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    contracts: frozenset[str] = frozenset()
    serials: frozenset[str] = frozenset()
    macs: Mapping[str, str] = field(default_factory=dict)
    refuses: Refuses = lambda _contract: ""


def check(folder: Folder, known: Known, problems: Problems) -> None:
    """Note every clash and take the rows concerned out of the folder."""
    if folder.operator is None and not known.currency:
        problems.add("operator.toml", "missing: the first import names the operator")
    _routes(folder, known, problems)
    _offerings(folder, known, problems)
    _prices(folder, known, problems)
    _unpriced(folder, known, problems)
    _subscribers(folder, known, problems)
    _boxes(folder, known, problems)


def _routes(folder: Folder, known: Known, problems: Problems) -> None:
    targets = known.targets | {t.name for t in (folder.operator.targets if folder.operator else ())}
    good = []
    for row in folder.routes:
        if row.target in targets:
            good.append(row)
        else:
            why = f"there is no target '{row.target}'{_known(targets)}"
            problems.add("routes.csv", why, row=row.line, field="target")
    folder.routes = good


def _offerings(folder: Folder, known: Known, problems: Problems) -> None:
    taxes = known.taxes | {row.tax for row in folder.taxes}
    routed = known.routed | {row.code for row in folder.routes}
    models: dict[str, str] = {}
    good = []
    for row in folder.offerings:
        whys = []
        if row.tax not in taxes:
            whys.append(("tax", f"there is no tax '{row.tax}'{_known(taxes)}"))
        if row.kind == "rental":
            whys += _rental(row, models)
        else:
            if not row.grants:
                whys.append(("grants", f"a {row.kind} grants at least one package code"))
            if row.model:
                whys.append(("model", f"a {row.kind} is not for a box model"))
        unrouted = [code for code in row.grants if code not in routed]
        whys += [("grants", f"no route leads the code '{code}' to a target") for code in unrouted]
        for name, why in whys:
            problems.add("offerings.csv", why, row=row.line, field=name)
        if not whys:
            good.append(row)
    folder.offerings = good


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
    offerings = {**known.offerings, **{row.code: row.kind for row in folder.offerings}}
    currency = folder.operator.business.currency if folder.operator else known.currency
    good = []
    for row in folder.prices:
        name, why = "", ""
        if row.offering not in offerings:
            name, why = "offering", f"there is no offering '{row.offering}'"
        elif currency and row.currency != currency:
            name, why = "currency", f"the operator's currency is {currency}"
        else:
            try:
                Money.parse(row.amount, row.currency)
            except ValueError as error:
                name, why = "amount", str(error)
        if why:
            problems.add("prices.csv", why, row=row.line, field=name)
        else:
            good.append(row)
    folder.prices = good


def _unpriced(folder: Folder, known: Known, problems: Problems) -> None:
    priced = known.priced | {row.offering for row in folder.prices}
    for row in folder.offerings:
        if row.code not in priced:
            why = "has no price in prices.csv"
            problems.add("offerings.csv", why, row=row.line, field="code")
    folder.offerings = [row for row in folder.offerings if row.code in priced]
    codes = {row.code for row in folder.offerings} | set(known.offerings)
    folder.prices = [row for row in folder.prices if row.offering in codes]


def _subscribers(folder: Folder, known: Known, problems: Problems) -> None:
    offerings = {**known.offerings, **{row.code: row.kind for row in folder.offerings}}
    configured = folder.operator.payments if folder.operator else ()
    providers = known.providers | {provider.name for provider in configured}
    good = []
    for row in folder.subscribers:
        whys = [("contract", why) for why in (known.refuses(row.contract),) if why]
        whys += _wares(row, offerings)
        whys += _paying(row, providers)
        if row.billed_until and row.billed_until < row.started_on:
            whys.append(("billed_until", "lies before started_on"))
        for name, why in whys:
            problems.add("subscribers.csv", why, row=row.line, field=name)
        if not whys:
            good.append(row)
    folder.subscribers = good


def _wares(row: sheets.SubscriberRow, offerings: Mapping[str, str]) -> list[tuple[str, str]]:
    whys = []
    wanted = [("plan", "plan", row.plan), *(("addons", "addon", code) for code in row.addons)]
    for name, kind, code in wanted:
        if code not in offerings:
            whys.append((name, f"there is no offering '{code}'"))
        elif offerings[code] != kind:
            whys.append((name, f"'{code}' is not of kind {kind} but {offerings[code]}"))
    return whys


def _paying(row: sheets.SubscriberRow, providers: frozenset[str]) -> list[tuple[str, str]]:
    given = {
        "payment_provider": row.payment_provider,
        "payment_customer": row.payment_customer,
        "payment_method": row.payment_method,
    }
    if not any(given.values()):
        return []
    whys = [
        (name, "belongs to the other payment cells") for name, cell in given.items() if not cell
    ]
    if row.payment_provider and row.payment_provider not in providers:
        why = f"there is no payment provider '{row.payment_provider}'{_known(providers)}"
        whys.append(("payment_provider", why))
    return whys


def _boxes(folder: Folder, known: Known, problems: Problems) -> None:
    contracts = known.contracts | {row.contract for row in folder.subscribers}
    macs = dict(known.macs)
    good = []
    for row in folder.boxes:
        whys = []
        if bool(row.contract) != bool(row.handed_over_on):
            name = "handed_over_on" if row.contract else "contract"
            whys.append((name, "contract and handed_over_on belong together"))
        if row.contract and row.contract not in contracts:
            whys.append(("contract", f"there is no subscriber with the contract '{row.contract}'"))
        if row.mac and macs.setdefault(row.mac, row.serial) != row.serial:
            whys.append(("mac", f"{row.mac} is the address of box {macs[row.mac]} already"))
        for name, why in whys:
            problems.add("boxes.csv", why, row=row.line, field=name)
        if not whys:
            good.append(row)
    folder.boxes = good


def _known(names: frozenset[str]) -> str:
    return f"; known are {', '.join(sorted(names)[:20])}" if names else ""
