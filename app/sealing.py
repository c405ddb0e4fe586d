"""The master key and what it sealed: a key is never made where the database needs a former one.

What is sealed are the options of targets, payment providers and the gateway for short messages, as
`operator.toml` has them, the logins of boxes, as their purchase list has them, letters while they
wait, and the keys of voucher codes. Nobody has to give a letter anew: one that does not open has
failed. Where the key of voucher codes does not open, their cards are unknown from then on.
"""

from __future__ import annotations

from collections.abc import Callable

from app.settings import Settings
from app.wiring import House
from billing.flows.debits.mandate import seal_anew as seal_mandates
from billing.flows.debits.present import seal_anew as seal_batches
from billing.flows.providers import seal_anew as seal_providers
from billing.flows.vouchers import seal_anew as seal_vouchers
from billing.reads import providers
from gateway.provisioning.targets import seal_anew as seal_targets
from gateway.reads import sealed as targets
from messages.policy_store import seal_anew as seal_gateway
from messages.policy_store import sealed_gateway
from runtime.secrets import KEY_FILE, Sealer
from runtime.store import Store, Tx
from runtime.store.audit import Deed, record
from terms.errors import DomainError

_HAS_TABLES = {
    "sqlite": "SELECT count(*) = 2 FROM sqlite_master WHERE name IN ('target', 'payment_provider')",
    "postgresql": "SELECT to_regclass('target') IS NOT NULL"
    " AND to_regclass('payment_provider') IS NOT NULL",
}
# A database of an earlier version has no boxes' logins, and no gateway.
_HAS_LOGINS = {
    "sqlite": "SELECT count(*) = 1 FROM sqlite_master WHERE name = 'box_login'",
    "postgresql": "SELECT to_regclass('box_login') IS NOT NULL",
}
_HAS_GATEWAY = {
    "sqlite": "SELECT count(*) = 1 FROM sqlite_master WHERE name = 'message_gateway'",
    "postgresql": "SELECT to_regclass('message_gateway') IS NOT NULL",
}
_MEND = (
    "put the right key back; only where it is lost for good, `boxoffice import --seal-anew` with "
    "operator.toml (and boxes.csv) seals all anew"
)
_NOTHING = "{}"


class SealsAnew(Sealer):
    """Takes what a lost key sealed for empty options: they differ from any, so an import writes
    and seals its own.
    """

    def open(self, sealed: str, *, place: str) -> str:
        """Return what was sealed, or empty options. Raises SealBroken for changed content."""
        return super().open(sealed, place=place) if self.knows(sealed) else _NOTHING


async def check_key(settings: Settings) -> None:
    """Raise DomainError where the key file is missing, though a key has sealed something here."""
    path = settings.data_dir / KEY_FILE
    if settings.master_key is not None or path.exists():
        return
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(settings.database_url)
    try:
        async with store.read() as tx:
            lost = await _sealed(tx, lambda _sealed: True)
    finally:
        await store.close()
    if lost:
        raise DomainError(f"{path} is missing, and it has sealed {', '.join(lost)}: {_MEND}")


async def check_sealed(tx: Tx, sealer: Sealer) -> None:
    """Raise DomainError naming all that was sealed with a key that is not among ours."""
    lost = await _sealed(tx, lambda sealed: not sealer.knows(sealed))
    if lost:
        raise DomainError(f"another master key has sealed {', '.join(lost)}: {_MEND}")


async def seal_anew(house: House, actor: str) -> dict[str, int]:
    """Have the first master key seal everything; says how many of each it had not sealed."""
    async with house.store.begin() as tx:
        sealed = {
            "targets": await seal_targets(tx, house.sealer),
            "payment providers": await seal_providers(tx, house.sealer),
            "voucher keys": await seal_vouchers(tx, house.sealer),
            "mandates": await seal_mandates(tx, house.sealer),
            "debit batches": await seal_batches(tx, house.sealer),
            "boxes": await house.logins.seal_anew(tx),
            "message gateways": await seal_gateway(tx, house.sealer),
            "letters": await house.letters.seal_anew(tx),
        }
        after = ", ".join(f"{count} {what}" for what, count in sealed.items())
        at = house.clock.machine_now()
        deed = Deed(at=at, actor=actor, action="database.reseal", subject="secrets", after=after)
        await record(tx, [deed])
    return sealed


async def _sealed(tx: Tx, is_meant: Callable[[str], bool]) -> list[str]:
    """Name what is sealed in a way."""
    ((exists,),) = await tx.fetch(_HAS_TABLES[tx.engine])
    if not exists:
        return []
    found = [(f"target {name}", text) for name, text in (await targets.options(tx)).items()]
    found += [
        (f"payment provider {name}", text) for name, text in (await providers.sealed(tx)).items()
    ]
    ((has_logins,),) = await tx.fetch(_HAS_LOGINS[tx.engine])
    for one in await targets.logins(tx) if has_logins else ():
        found.append((f"the logins of {one.boxes} boxes", one.sample))
    ((has_gateway,),) = await tx.fetch(_HAS_GATEWAY[tx.engine])
    if has_gateway and (text := await sealed_gateway(tx)):
        found.append(("the gateway for short messages", text))
    return [words for words, text in found if is_meant(text)]
