"""A plain HTTP client on the standard library: one connection per call, nothing repeated."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def call(
    base: str,
    method: str,
    path: str,
    body: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout_s: float = 30.0,
) -> Answer:
    """Make one call."""
    place = urlsplit(base)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout_s)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Answer(
            status=answer.status,
            reason=answer.reason,
            headers=dict(answer.getheaders()),
            body=answer.read(),
        )
    finally:
        connection.close()


def basic(login: str, password: str) -> dict[str, str]:
    """Make the header of HTTP Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalClient:
    """Speaks to a portal as a billing (REST), as a box (load.php) and as a viewer."""

    url: str
    version: str = "v1/"

    def rest(self, method: str, path: str, body: str | None = None) -> Any:
        """Call REST v1 and tell the JSON."""
        return self.answer(method, path, body).json

    def answer(self, method: str, path: str, body: str | None = None) -> Answer:
        """Call REST v1 and tell the whole answer."""
        headers = basic("stalker", "secret_pass")
        if body is not None:
            headers["Content-Type"] = FORM
        return call(self.url, method, f"/stalker_portal/api/{self.version}{path}", body, headers)

    def ok(self, method: str, path: str, body: str | None = None) -> Any:
        """Call REST v1, insist on status OK and tell the results."""
        said = self.rest(method, path, body)
        assert said["status"] == "OK", said
        assert set(said) == {"status", "results"}
        return said["results"]

    def refused(self, method: str, path: str, body: str | None = None) -> str:
        """Call REST v1, insist on an application error and tell its text."""
        answer = self.answer(method, path, body)
        assert answer.status == 200
        assert answer.json["status"] == "ERROR"
        assert answer.json["results"] is None
        error: str = answer.json["error"]
        return error

    def box(self, mac: str, kind: str, action: str, **parameters: str) -> Any:
        """Call load.php as a box and tell what is under `js`."""
        return self.box_answer(mac, kind, action, **parameters).json["js"]

    def box_answer(self, mac: str, kind: str, action: str, **parameters: str) -> Answer:
        """Call load.php as a box and tell the whole answer."""
        query = urlencode({"type": kind, "action": action, **parameters})
        headers = {"Cookie": f"mac={mac.replace(':', '%3A')}; stb_lang=en"}
        return call(self.url, "GET", f"/stalker_portal/server/load.php?{query}", None, headers)

    def poll(self, mac: str, **parameters: str) -> Any:
        """Poll for events as a box does every two minutes."""
        return self.box(mac, "watchdog", "get_events", **parameters)["data"]

    def channels(self, mac: str) -> list[str]:
        """Load the channel list as a box and tell the names."""
        return [row["name"] for row in self.box(mac, "itv", "get_all_channels")["data"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderClient:
    """Speaks to a payment provider of Stripe's shape."""

    url: str

    def post(self, path: str, key: str | None = None, /, **parameters: Any) -> Answer:
        """POST form parameters; `a__b=1` is sent as a[b]=1."""
        body = urlencode([(_bracketed(name), value) for name, value in parameters.items()])
        headers = {"Authorization": "Bearer sk_test_1", "Content-Type": FORM}
        if key is not None:
            headers["Idempotency-Key"] = key
        return call(self.url, "POST", f"/v1/{path}", body, headers)

    def made(self, path: str, key: str | None = None, /, **parameters: Any) -> Any:
        """POST, insist on success and tell the object."""
        answer = self.post(path, key, **parameters)
        assert answer.status == 200, answer.text
        return answer.json

    def get(self, path: str, **parameters: Any) -> Answer:
        """GET."""
        query = urlencode([(_bracketed(name), value) for name, value in parameters.items()])
        target = f"/v1/{path}?{query}" if query else f"/v1/{path}"
        return call(self.url, "GET", target, None, {"Authorization": "Bearer sk_test_1"})

    def customer(self, card: str = "pm_card_visa", **parameters: Any) -> tuple[str, str]:
        """Make a customer with a card and tell both ids."""
        customer = self.made("customers", **parameters)["id"]
        return customer, self.made(f"payment_methods/{card}/attach", customer=customer)["id"]

    def charge(
        self, customer: str, method: str, key: str | None = None, /, **parameters: Any
    ) -> Answer:
        """Charge 19.90 EUR off session."""
        wish = {"amount": 1990, "currency": "eur", "confirm": "true", "off_session": "true"}
        wish |= {"customer": customer, "payment_method": method, **parameters}
        return self.post("payment_intents", key, **wish)


def _bracketed(name: str) -> str:
    head, *rest = name.split("__")
    return head + "".join(f"[{part}]" for part in rest)
