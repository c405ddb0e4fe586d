"""An operator at work as several systems: the product, its portal, its payment provider, boxes.

Each is a process of its own; what is proven is asked of the others' own APIs.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from tests.flows.app.district import MODELS, district_secrets, free_port, open_racks, write_district
from tests.flows.app.operator import (
    PORTAL_LOGIN,
    PORTAL_PASSWORD,
    PROVIDER,
    PROVIDER_KEY,
    WEBHOOK_SECRET,
    contract_of,
    mac_of,
    write_portal,
    write_provider,
)
from tests.flows.app.product import LOOK_EVERY_S, QUICK, WITHIN_S, Product
from tests.simulators.process import RunningSimulator, start_simulator

BACK_TO_THE_SHOP = 303
MESSAGE = "/stb_msg/"
EDGES = (MESSAGE, "/send_event/")  # what is told to boxes and is no state
ACCOUNTS = "/stalker_portal/api/v1/accounts/"


class Operation:
    """All together. The product runs only while a test wants it to."""

    def __init__(
        self,
        product: Product,
        portal: RunningSimulator,
        provider: RunningSimulator,
        racks: Mapping[str, RunningSimulator],
    ) -> None:
        self.product = product
        self.portal = portal
        self.provider = provider
        self.racks = racks

    def sign_up(self, numbers: Sequence[int], kind: str = "") -> None:
        """Sign households up, with a box each, perhaps of a kind; they are dark until they pay."""
        for number in numbers:
            order = {
                "contract": contract_of(number),
                "name": f"Household {number}",
                "plan": "BASIC",
                "addons": ["SPORT"],
                "box": self._box_for(number, kind),
            }
            self.product.ask("POST", "accounts", order)
        self.product.rest()

    def serial(self, number: int, kind: str) -> str:
        """Tell which box of a kind is for a household."""
        return str(self.racks[kind].told["boxes"][number - 1]["serial"])

    def box(self, number: int, kind: str) -> dict[str, Any]:
        """Look at the box of a household itself."""
        path = f"/state?serial={self.serial(number, kind)}"
        (found,) = self.racks[kind].admin(path)["boxes"]
        return dict(found)

    def done_to(self, number: int, kind: str, after: int = 0) -> list[dict[str, Any]]:
        """List what the product changed of the box of a household, in order."""
        wanted = {"subject": self.serial(number, kind), "changed": "1", "limit": "10000"}
        return [
            one
            for one in self.racks[kind].journal(after, **wanted)
            if one["face"] == "api" or one["call"] == "SetParameterValues"
        ]

    def _box_for(self, number: int, kind: str) -> dict[str, str]:
        if not kind:
            return {"serial": f"SN{number:06}", "mac": mac_of(number), "model": "M1"}
        paper = self.racks[kind].told["boxes"][number - 1]
        return {"serial": paper["serial"], "mac": paper["mac"], "model": MODELS[kind]}

    def pay(self, number: int) -> None:
        """Pay all that a household owes, on the page of the provider."""
        link = self.product.ask("POST", f"accounts/{contract_of(number)}/pay-link", {})
        place = urlsplit(link["url"])
        connection = HTTPConnection(place.netloc, timeout=WITHIN_S)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", place.path, urlencode({"card": "ok"}), form)
        status = connection.getresponse().status
        connection.close()
        assert status == BACK_TO_THE_SHOP

    def view(self, number: int) -> Any:
        """Return the account as the product's API shows it."""
        return self.product.ask("GET", f"accounts/{contract_of(number)}")

    def at_portal(self, number: int) -> dict[str, Any]:
        """Return the household's row as the portal's own API shows it."""
        told = _get(self.portal.url + ACCOUNTS + contract_of(number), _BASIC)
        (row,) = told["results"]
        return dict(row)

    def charges(self, number: int) -> list[dict[str, Any]]:
        """Return what the provider's own API says was charged for a household."""
        told = _get(self.provider.url + "/v1/charges?limit=100", f"Bearer {PROVIDER_KEY}")
        wanted = contract_of(number)
        return [one for one in told["data"] if one["metadata"].get("account") == wanted]

    def writes(self, number: int, after: int) -> list[dict[str, Any]]:
        """Return the writes of the product that changed the row of a household."""
        return [one for one in self._changes(number, after) if not _is_edge(one)]

    def messages(self, number: int, after: int) -> list[dict[str, Any]]:
        """Return the messages that were sent to a household's screen."""
        return [one for one in self._changes(number, after) if MESSAGE in one["call"]]

    def _changes(self, number: int, after: int) -> list[dict[str, Any]]:
        wanted = {"face": "api", "changed": "1", "subject": contract_of(number)}
        return self.portal.journal(after, limit="10000", **wanted)

    def mark(self) -> int:
        """Return the number of the portal's newest journal entry."""
        return int(self.portal.admin("/journal?limit=1")["last"])

    def mark_of(self, kind: str) -> int:
        """Return the number of the newest journal entry of the boxes of a kind."""
        return int(self.racks[kind].admin("/journal?limit=1")["last"])


@contextmanager
def operation(
    folder: Path,
    customers_count: int = 0,
    boxes: Mapping[str, int] = MappingProxyType({}),
    **settings: str,
) -> Iterator[Operation]:
    """Start portal and provider, import the operator, have payments told to the product.

    `boxes` says how many of each kind lie on the shelf.
    """
    folder.mkdir(exist_ok=True)
    acs_port = free_port()
    with ExitStack() as stack:
        state = write_portal(folder / "portal.json")
        portal = stack.enter_context(start_simulator("ministra", "--state", state))
        state = write_provider(folder / "provider.json", customers_count)
        provider = stack.enter_context(start_simulator("stripe", "--state", state))
        racks = stack.enter_context(open_racks(folder, boxes, acs_port))
        settings = {**QUICK, "BOXOFFICE_ACS_PORT": str(acs_port), **settings}
        product = stack.enter_context(Product(folder / "data", **settings))
        written = write_district(folder / "operator", racks)
        environment = district_secrets(portal.url, provider.url, racks)
        product.run("import", written, **environment)
        hook = f"{product.url}/hooks/payments/{PROVIDER}"
        provider.admin("/tamper", {"op": "webhook", "url": hook, "secret": WEBHOOK_SECRET})
        yield Operation(product, portal, provider, racks)


def until(is_true: Callable[[], bool], what: str) -> None:
    """Wait until something is true."""
    ends_at = time.monotonic() + WITHIN_S
    while not is_true():
        assert time.monotonic() < ends_at, f"in vain: {what}"
        time.sleep(LOOK_EVERY_S)


def _is_edge(entry: dict[str, Any]) -> bool:
    return any(edge in entry["call"] for edge in EDGES)


def _get(url: str, authorization: str) -> Any:
    request = Request(url, headers={"Authorization": authorization})
    with urlopen(request, timeout=WITHIN_S) as answer:
        return json.load(answer)


_BASIC = "Basic " + base64.b64encode(f"{PORTAL_LOGIN}:{PORTAL_PASSWORD}".encode()).decode()
