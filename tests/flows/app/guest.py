"""Subscribers with browsers: households without a catalogue, and who is signed in for them."""

from app.identity import subscribers
from app.identity.door import form_token
from app.identity.subscribers import Subscriber
from app.wiring import House
from billing.accounts import finding
from billing.accounts.store import account, customer, search_term, service
from runtime.store import Tx
from tests.flows.app.served import Served
from tests.flows.app.visitor import Visitor

SIGN_IN = "__Host-boxoffice-portal"
BROWSER = "__Host-boxoffice-portal-browser"
TICKET = "__Host-boxoffice-portal-ticket"


async def household(
    house: House, contract: str, email: str = "", name: str = "", currency: str = "EUR"
) -> None:
    """Have a household that owes and has nothing, as signing up writes it."""
    now = house.clock.machine_now()
    called = name or f"Household {contract}"
    ids = {kind: f"{kind}-{contract}" for kind in ("customer", "account", "service")}
    person = {"id": ids["customer"], "name": called, "phone": "", "email": email}
    one = {
        "id": ids["account"],
        "number": contract,
        "customer_id": ids["customer"],
        "currency": currency,
        "zone": "UTC",
        "locale": "en",
        "bill_day": 1,
        "terms_days": 0,
    }
    home = {
        "id": ids["service"],
        "account_id": ids["account"],
        "contract": contract,
        "label": called,
        "streams": 1,
        "devices": 1,
        "revision": 0,
        "billed_until": None,
    }
    terms = finding.terms(contract=contract, name=called, phone="", email=email)
    async with house.store.begin() as tx:
        await tx.insert(customer, [person | {"created_at": now}])
        await tx.insert(account, [one | {"created_at": now}])
        await tx.insert(service, [home | {"created_at": now}])
        await tx.insert(search_term, [{"service_id": ids["service"], "term": t} for t in terms])


async def subscriber(tx: Tx, contract: str) -> Subscriber:
    """Find the subscriber of a contract."""
    found = await subscribers.with_hash(tx, contract)
    assert found is not None, contract
    return found[0]


async def visiting(served: Served, contract: str) -> Visitor:
    """Give the browser of a subscriber who is signed in."""
    keeper = served.house.subscribers
    async with served.house.store.begin() as tx:
        let = await keeper.begin(tx, await subscriber(tx, contract), label="test")
    return Visitor(served, cookies={SIGN_IN: let.token}, token=form_token(let.token))


async def with_password(house: House, contract: str, password: str) -> None:
    """Have a subscriber a password."""
    kept = await house.subscribers.passwords.hash(password)
    async with house.store.begin() as tx:
        one = await subscriber(tx, contract)
        await subscribers.set_password(tx, one.id, kept, house.clock.machine_now())
