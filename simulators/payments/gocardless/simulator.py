"""The collector as a simulator: tokens, versions, keys, routing, fault wording, admin."""

from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import orjson

from simulators.call import Call, Reply, json_reply
from simulators.faults import Fault
from simulators.payments.gocardless import authorising, collecting, lists
from simulators.payments.gocardless.book import Book, Thing
from simulators.payments.gocardless.collecting import STEPS
from simulators.payments.gocardless.errors import ApiError, usage, validation
from simulators.payments.gocardless.webhooks import Deliveries
from simulators.simulator import BadOperation, Stage

VERSION = "2015-07-06"
TOKENS = "sandbox_"  # what every one begins with
KEY_CHARS_MAX = 128
KEY_LIFE_S = 30 * 86_400
_KNOWN_STATE = {"about", "webhook"}
_LISTED = {"mandates", "payments", "refunds", "events"}
_PARTS = 3  # of a path: table, id, actions/VERB


class Gocardless:
    """One account in the sandbox."""

    kind = "gocardless"

    def __init__(self, stage: Stage, state: Mapping[str, Any]) -> None:
        unknown = state.keys() - _KNOWN_STATE
        if unknown:
            raise BadOperation(f"the state has an unknown key {min(unknown)!r}")
        self._stage = stage
        self._start_state = state
        self._url = ""
        self._deliveries = Deliveries(stage.journal, stage.faults)
        self._operations: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "webhook": self._webhook,
            "payer": self._payer,
            "bank": self._bank,
            "bounce": self._bounce,
            "cancel_mandate": self._cancel_mandate,
        }
        self._load()

    def _load(self) -> None:
        hook = self._start_state.get("webhook", {})
        self._deliveries.url = str(hook.get("url", ""))
        self._deliveries.secret = str(hook.get("secret", ""))
        self._book = Book(self._stage.clock)
        self._book.on_message = self._deliveries.deliver
        self._keys: dict[tuple[str, str], tuple[float, str]] = {}

    async def start(self, url: str) -> None:
        """Remember where the hosted pages are reached."""
        self._url = url

    async def stop(self) -> None:
        """Give up deliveries that are under way."""
        await self._deliveries.stop()

    async def answer(self, call: Call) -> Reply:
        """Answer an API call, or the page on which a mandate is given."""
        try:
            if call.path.startswith(authorising.PAGE):
                return authorising.visit(self._book, call)
            self._authorise(call)
            return self._act(call)
        except ApiError as error:
            return error.reply()
        finally:
            self._book.flush()

    def label(self, call: Call) -> str:
        """Name verb and resource."""
        return f"{call.method} {call.path.strip('/').partition('/')[0]}"

    def subject(self, call: Call) -> str:
        """Name the object in the path."""
        return call.path.strip("/").partition("/")[2].partition("/")[0]

    def dialect(self, fault: Fault) -> Reply:
        """Word a refusal as the API does."""
        if fault.name == "unauthorized":
            return usage("access_token_not_found", HTTPStatus.UNAUTHORIZED).reply()
        if fault.name == "throttled":
            now = int(self._stage.clock.seconds())
            headers = {
                "Date": formatdate(now, usegmt=True),
                "RateLimit-Limit": "1000",
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": formatdate(now + int(fault.argument), usegmt=True),
            }
            body = orjson.loads(
                usage("rate_limit_exceeded", HTTPStatus.TOO_MANY_REQUESTS).reply().body
            )
            return json_reply(body, HTTPStatus.TOO_MANY_REQUESTS, headers)
        if fault.name == "refused":
            return usage(fault.argument or "bad_request").reply()
        if fault.name == "error":
            return ApiError(fault.number, "gocardless", "internal_error").reply()
        return Reply(body=b"<html><body>upstream error</body></html>", content_type="text/html")

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show every object, those of one table (table=NAME), and every message so far."""
        book, only = self._book, wanted.get("table", "")
        shown = {n: list(rows.values()) for n, rows in book.tables.items() if only in {"", n}}
        return {"kind": self.kind, **shown, "messages": book.messages, "url": self._deliveries.url}

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Do one of the operations: what banks and payers do, and where messages go."""
        name = str(operation.get("op", ""))
        if name not in self._operations:
            known = ", ".join(sorted(self._operations))
            raise BadOperation(f"unknown operation {name!r}; known: {known}")
        try:
            done = self._operations[name](operation)
        except (ApiError, KeyError) as error:
            raise BadOperation(f"it cannot be done: {error}") from None
        self._book.flush()
        self._stage.journal.event(f"TAMPER {name}", "*", face="admin", after=dict(operation))
        return done

    def reset(self) -> None:
        """Load the state of the start again."""
        self._load()

    def _act(self, call: Call) -> Reply:
        parts = call.path.strip("/").split("/", _PARTS - 1)
        table = parts[0]
        if table not in self._book.tables:
            raise usage("path_not_found", HTTPStatus.NOT_FOUND)
        if call.method == "GET":
            if len(parts) > 1:
                return json_reply({table: self._book.find(table, parts[1])})
            if table not in _LISTED:
                raise usage("path_not_found", HTTPStatus.NOT_FOUND)
            return json_reply(lists.page(self._book, table, call.query))
        if call.method != "POST":
            raise usage("method_not_allowed", HTTPStatus.METHOD_NOT_ALLOWED)
        if len(parts) == 1:
            return self._create(call, table)
        return json_reply({table: self._do(call, table, parts[1], parts[2:])})

    def _create(self, call: Call, table: str) -> Reply:
        body, key = _body(call, table), call.headers.get("Idempotency-Key", "")
        if len(key) > KEY_CHARS_MAX:
            raise usage("idempotency_key_too_long")
        at, used = self._keys.get((table, key), (0.0, ""))
        now = self._stage.clock.seconds()
        if key and used and now - at < KEY_LIFE_S:
            raise collecting.key_used(used)
        made = self._new(table, body)
        if key:
            self._keys[table, key] = now, made["id"]
        self._stage.journal.effect(call, made["id"], before=None, after=dict(made))
        return json_reply({table: made}, HTTPStatus.CREATED)

    def _new(self, table: str, body: Mapping[str, Any]) -> Thing:
        book = self._book
        if table == "payments":
            return collecting.pay(book, body)
        if table == "refunds":
            return collecting.give_back(book, body)
        if table == "billing_requests":
            return authorising.request(book, body)
        if table == "billing_request_flows":
            return authorising.flow(book, body, self._url)
        raise usage("forbidden", HTTPStatus.FORBIDDEN)

    def _do(self, call: Call, table: str, number: str, verb: list[str]) -> Thing:
        thing, before = self._book.find(table, number), dict(self._book.find(table, number))
        if verb == ["actions/cancel"] and table == "payments":
            done = collecting.cancel(self._book, thing)
        elif verb == ["actions/cancel"] and table == "mandates":
            done = authorising.cancel(self._book, thing)
        else:
            raise usage("path_not_found", HTTPStatus.NOT_FOUND)
        self._stage.journal.effect(call, number, before=before, after=dict(done))
        return done

    def _authorise(self, call: Call) -> None:
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if not token:
            raise usage("missing_authorization_header", HTTPStatus.UNAUTHORIZED)
        if scheme.lower() != "bearer" or not token.startswith(TOKENS):
            raise usage("access_token_not_found", HTTPStatus.UNAUTHORIZED)
        version = call.headers.get("GoCardless-Version")
        if version is None:
            raise usage("missing_version_header")
        if version != VERSION:
            raise usage("version_not_found")

    # -- operations

    def _webhook(self, operation: Mapping[str, Any]) -> Any:
        self._deliveries.url = str(operation["url"])
        self._deliveries.secret = str(operation["secret"])
        return self._deliveries.url

    def _payer(self, operation: Mapping[str, Any]) -> Any:
        """Make a customer with a mandate."""
        customer = authorising.new_customer(self._book, str(operation.get("name", "Payer")))
        currency = str(operation.get("currency", "EUR"))
        mandate = authorising.new_mandate(self._book, customer, currency)
        return {"customer": customer["id"], "mandate": mandate["id"]}

    def _bank(self, operation: Mapping[str, Any]) -> Any:
        """Let a bank say something of a payment: a step, perhaps with its cause."""
        payment, step = self._book.find("payments", operation["payment"]), str(operation["step"])
        if step not in STEPS:
            raise BadOperation(f"unknown step {step!r}; known: {', '.join(sorted(STEPS))}")
        retries = bool(operation.get("will_attempt_retry", False))
        cause = str(operation.get("cause", ""))
        collecting.bank_says(self._book, payment, step, cause, retries=retries)
        return payment

    def _bounce(self, operation: Mapping[str, Any]) -> Any:
        refund = self._book.find("refunds", operation["refund"])
        collecting.bounce(self._book, refund)
        return refund

    def _cancel_mandate(self, operation: Mapping[str, Any]) -> Any:
        return authorising.cancel(self._book, self._book.find("mandates", operation["mandate"]))


def _body(call: Call, table: str) -> Mapping[str, Any]:
    if not call.headers.get("Content-Type", "").startswith("application/json"):
        raise usage("invalid_content_type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    try:
        found = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        raise usage("invalid_document_structure") from None
    body = found.get(table) if isinstance(found, dict) else None
    if not isinstance(body, dict):
        raise validation(table, "must be there")
    return body
