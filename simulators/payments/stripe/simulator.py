"""The provider as a simulator: keys, idempotency, routing, fault wording, state file, admin."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from simulators.call import Call, Reply, json_reply
from simulators.faults import Fault
from simulators.payments.stripe import checkout
from simulators.payments.stripe.ask import Ask, Torn
from simulators.payments.stripe.book import Book, Thing
from simulators.payments.stripe.cards import rule_from
from simulators.payments.stripe.charging import Cashier, shown_method
from simulators.payments.stripe.customers import load
from simulators.payments.stripe.errors import ApiError, idempotency, invalid
from simulators.payments.stripe.idempotency import Keys
from simulators.payments.stripe.params import read_params
from simulators.payments.stripe.routes import ROUTES, split
from simulators.payments.stripe.tamper import Tampering
from simulators.payments.stripe.webhooks import RETRY_MS, Deliveries, Endpoints
from simulators.simulator import BadOperation, Stage

API = "/v1/"
_KNOWN_STATE = {"about", "api_keys", "cards", "customers", "webhooks"}


class Stripe:
    """One provider account in test mode."""

    kind = "stripe"

    def __init__(self, stage: Stage, state: Mapping[str, Any]) -> None:
        unknown = state.keys() - _KNOWN_STATE
        if unknown:
            raise BadOperation(f"the state has an unknown key {min(unknown)!r}")
        self._stage = stage
        self._start_state = state
        self._url = ""
        self._endpoints = Endpoints()
        self._deliveries = Deliveries(self._endpoints, stage.journal, stage.clock, stage.faults)
        self._load()

    def _load(self) -> None:
        """Begin afresh in the state of the start."""
        state = self._start_state
        self._api_keys = {str(key) for key in state.get("api_keys", ())}
        self._book = Book(self._stage.clock)
        self._book.on_event = self._deliveries.deliver
        self._cashier = Cashier(self._book)
        self._keys = Keys()
        self._endpoints.clear()
        try:
            self._cashier.rules.extend(rule_from(row) for row in state.get("cards", ()))
            for row in state.get("customers", ()):
                load(self._book, row)
            hooks = state.get("webhooks", {})
            self._deliveries.retry_ms = tuple(hooks.get("retry_ms", RETRY_MS))
            for row in hooks.get("endpoints", ()):
                types = row.get("enabled_events", ["*"])
                self._endpoints.add(self._book, row["url"], row["secret"], types)
        except (KeyError, TypeError, AttributeError) as error:
            raise BadOperation(f"the state makes no sense: {error!r}") from error
        self._tampering = Tampering(
            self._book, self._cashier, self._endpoints, self._deliveries, self._stage.journal
        )

    async def start(self, url: str) -> None:
        """Remember where the hosted pages are reached."""
        self._url = url

    async def stop(self) -> None:
        """Give up deliveries that are under way."""
        await self._deliveries.stop()

    async def answer(self, call: Call) -> Reply:
        """Answer an API call, or the page of a checkout session."""
        if call.path.startswith(checkout.PAGE):
            number = call.path.removeprefix(checkout.PAGE)
            return checkout.visit(self._ask(call, {}, number, None))
        try:
            self._authorise(call)
            if call.method == "POST" and call.headers.get("Idempotency-Key"):
                return await self._once(call, call.headers["Idempotency-Key"])
            return await self._act(call, None)
        except ApiError as error:
            return error.reply()

    def label(self, call: Call) -> str:
        """Name verb and resource."""
        if call.path.startswith(checkout.PAGE):
            return f"{call.method} checkout page"
        return f"{call.method} {split(call.path)[0]}"

    def subject(self, call: Call) -> str:
        """Name the object in the path."""
        if call.path.startswith(checkout.PAGE):
            return call.path.removeprefix(checkout.PAGE)
        return split(call.path)[1]

    def dialect(self, fault: Fault) -> Reply:
        """Word a refusal as the API does."""
        if fault.name == "unauthorized":
            return _no_key("Invalid API Key provided: sk_test_****").reply()
        if fault.name == "conflict":
            message = "There is currently another in-progress request using this key."
            return idempotency(message, status=409, code="idempotency_key_in_use").reply()
        if fault.name == "throttled":
            error = {"code": "rate_limit", "message": "Too many requests.", "type": "api_error"}
            return json_reply({"error": error}, 429, {"Retry-After": fault.argument})
        if fault.name == "refused":
            return invalid(fault.argument or "The request was refused.").reply()
        if fault.name == "error":
            error = {"message": "An unknown error occurred", "type": "api_error"}
            return json_reply({"error": error}, fault.number)
        return Reply(body=b"<html><body>upstream error</body></html>", content_type="text/html")

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show every object, or those of a customer or of a metadata value (metadata.KEY=V)."""
        book = self._book
        return {
            "kind": self.kind,
            "customers": _chosen(book.customers, wanted),
            "payment_methods": [shown_method(m) for m in _chosen(book.methods, wanted)],
            "payment_intents": _chosen(book.intents, wanted),
            "charges": _chosen(book.charges, wanted),
            "refunds": _chosen(book.refunds, wanted),
            "disputes": _chosen(book.disputes, wanted),
            "sessions": [checkout.shown(s) for s in _chosen(book.sessions, wanted)],
            "events": len(book.events),
            "webhook_endpoints": self._endpoints.shown(),
            "cards": [rule.shown() for rule in self._cashier.rules],
        }

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Do one of the operations of the tamper module."""
        return self._tampering.operate(operation)

    def reset(self) -> None:
        """Load the state of the start again."""
        self._load()

    async def _once(self, call: Call, key: str) -> Reply:
        kept = self._keys.begin(key, (call.path, call.body), self._book.clock.seconds())
        if kept is not None:
            return kept
        try:
            # The key is held while the request is under way, as a slow charge would hold it.
            await call.dwell()
            reply = await self._act(call, key)
        except ApiError as error:
            if not error.is_final:
                self._keys.drop(key)
                raise
            reply = error.reply()
        except BaseException:
            self._keys.drop(key)
            raise
        self._keys.keep(key, Reply(status=reply.status, body=reply.body, headers=reply.headers))
        return reply

    async def _act(self, call: Call, key: str | None) -> Reply:
        pattern, number = split(call.path)
        handler = ROUTES.get((call.method, pattern)) if call.path.startswith(API) else None
        if handler is None:
            message = f"Unrecognized request URL ({call.method}: {call.path})."
            raise invalid(message, status=404)
        text = call.raw_query if call.method == "GET" else call.body.decode("utf-8", "replace")
        result = handler(self._ask(call, read_params(text), number, key))
        if isinstance(result, Torn):
            return json_reply(result.thing, headers=_marks(call)).torn()
        return json_reply(result, headers=_marks(call))

    def _ask(self, call: Call, params: dict[str, Any], number: str, key: str | None) -> Ask:
        return Ask(
            book=self._book,
            cashier=self._cashier,
            endpoints=self._endpoints,
            journal=self._stage.journal,
            call=call,
            params=params,
            number=number,
            key=key,
            url=self._url,
        )

    def _authorise(self, call: Call) -> None:
        scheme, _, value = call.headers.get("Authorization", "").partition(" ")
        key = value if scheme.lower() == "bearer" else ""
        if scheme.lower() == "basic":
            key = _basic_user(value)
        if not key:
            raise _no_key("You did not provide an API key.")
        known = key in self._api_keys if self._api_keys else key.startswith("sk_test_")
        if not known:
            raise _no_key(f"Invalid API Key provided: {key[:8]}****")


def _no_key(message: str) -> ApiError:
    return invalid(message, status=401)


def _basic_user(value: str) -> str:
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _marks(call: Call) -> dict[str, str]:
    return {"Request-Id": f"req_{call.id:012d}"}


def _chosen(table: Mapping[str, Thing], wanted: Mapping[str, str]) -> list[Thing]:
    things = list(table.values())
    if "customer" in wanted:
        number = wanted["customer"]
        things = [t for t in things if number in {t.get("customer"), t["id"]}]
    for name, value in wanted.items():
        if name.startswith("metadata."):
            key = name.removeprefix("metadata.")
            things = [t for t in things if t.get("metadata", {}).get(key) == value]
    return things
