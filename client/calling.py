"""Calling the API: one connection, kept; whatever is repeated is done once.

Every change is sent under an Idempotency-Key, so that it may be sent again when its answer is lost.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from client.problems import Lost, Problem

PREFIX = "/api/v1"
TIMEOUT_S = 30.0
TRIES_MAX = 5
WAIT_S_MAX = 60.0
KEY_BYTES = 18
ANSWER_BYTES_MAX = 32 * 1024 * 1024
_OK = range(200, 300)
_LATER = frozenset({409, 429, 503})

Document = dict[str, Any]


class Client:
    """One caller of one server. Not to be shared between threads; each has its own."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = TIMEOUT_S,
        tries_max: int = TRIES_MAX,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"not an address of a server: {url!r}")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)
        self._below = parts.path.rstrip("/") + PREFIX
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._tries_max = tries_max
        self._sleep = sleep

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        self._connection.close()

    # -- any route

    def get(self, path: str, **query: object) -> Document:
        """Look at something. Raises Problem, Lost."""
        asked = {name: _worded(value) for name, value in query.items() if value is not None}
        return self._call("GET", f"{path}?{urlencode(asked)}" if asked else path, None, "")

    def post(
        self, path: str, body: Mapping[str, object] | None = None, *, key: str = ""
    ) -> Document:
        """Change something, once for one key; a new key unless given. Raises Problem, Lost."""
        key = key or secrets.token_urlsafe(KEY_BYTES)
        return self._call("POST", path, json.dumps(body or {}).encode(), key)

    def pages(self, path: str, **query: object) -> Iterator[Document]:
        """Give every line of a list, page by page. Raises Problem, Lost."""
        after: str | None = None
        while True:
            page = self.get(path, **query, after=after)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    # -- households

    def sign_up(self, contract: str, name: str, plan: str, **more: object) -> Document:
        """Sign a household up; answers the household."""
        order = {"contract": contract, "name": name, "plan": plan, **more}
        return self.post("accounts", order)

    def account(self, contract: str) -> Document:
        """Show a household: money, service, boxes, targets, and why it is dark."""
        return self.get(_path("accounts", contract))

    def accounts(self, search: str = "") -> Iterator[Document]:
        """Give all households, or those that are meant by a text."""
        return self.pages("accounts", search=search)

    def search(self, said: str) -> list[Document]:
        """Find whom somebody means: name, phone, contract, serial, MAC, invoice."""
        found: list[Document] = self.get("search", q=said)["items"]
        return found

    def change(self, contract: str, **wish: object) -> Document:
        """Change plan and add-ons: plan=, add=, remove=, reason=."""
        return self.post(_path("accounts", contract, "change"), wish)

    def cancel(self, contract: str, when: str = "period_end", reason: str = "") -> Document:
        """End a contract, now or at the end of its period."""
        return self.post(_path("accounts", contract, "cancel"), {"when": when, "reason": reason})

    def take_cash(self, contract: str, amount: str, reference: str, *, key: str = "") -> bool:
        """Take money over the counter; False where the same receipt was taken before."""
        body = {"amount": amount, "reference": reference}
        return bool(self.post(_path("accounts", contract, "payments"), body, key=key)["taken"])

    def pay_link(self, contract: str, **more: object) -> Document:
        """Have a page made on which all that is owed can be paid."""
        return self.post(_path("accounts", contract, "pay-link"), more)

    def restore(self, contract: str, reason: str = "") -> int:
        """Have everything of a household looked at again; tells at how many places."""
        told = self.post(_path("accounts", contract, "restore"), {"reason": reason})
        return int(told["places"])

    def restart(self, contract: str, reason: str = "") -> list[Document]:
        """Restart the boxes of a household; tells what became of it at each target."""
        told = self.post(_path("accounts", contract, "restart"), {"reason": reason})
        found: list[Document] = told["items"]
        return found

    def tell(self, contract: str, text: str, *, key: str = "") -> list[Document]:
        """Show a text on the screens of a household; tells what became of it at each target."""
        told = self.post(_path("accounts", contract, "message"), {"text": text}, key=key)
        found: list[Document] = told["items"]
        return found

    def history(self, contract: str) -> Iterator[Document]:
        """Give who did what to a household and why, the newest first."""
        return self.pages(_path("accounts", contract, "history"))

    # -- boxes

    def box(self, serial: str) -> Document:
        """Show a box, its history and how far it has come."""
        return self.get(_path("boxes", serial))

    def add_box(self, serial: str, model: str, **more: object) -> Document:
        """Make a box known, in stock."""
        return self.post("boxes", {"serial": serial, "model": model, **more})

    def move_box(self, serial: str, deed: str, **more: object) -> Document:
        """Do something to a box: hand-over, activate, swap, return, restock, move, lost, ..."""
        return self.post(_path("boxes", serial, deed), more)

    # -- operations

    def parked(self) -> Iterator[Document]:
        """Give what was set aside and waits for a person."""
        return self.pages("parked")

    def release(self, kind: str, key: str, *, alike: bool = False) -> int:
        """Let something that was set aside be tried again, or all that has the same reason."""
        order = {"kind": kind, "key": key, "alike": alike}
        return int(self.post("parked/release", order)["count"])

    def is_idle(self) -> bool:
        """Whether nothing is due and nothing in hand."""
        return bool(self.get("work")["idle"])

    # -- one call

    def _call(self, method: str, path: str, body: bytes | None, key: str) -> Document:
        why = ""
        for tried in range(self._tries_max):
            try:
                status, wait_s, told = self._once(method, path, body, key)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                why = str(error) or type(error).__name__
                wait_s = min(0.1 * 2**tried, WAIT_S_MAX)
            else:
                if status in _OK:
                    return told
                if wait_s is None or tried == self._tries_max - 1:
                    raise Problem(status, told)
            if tried < self._tries_max - 1:
                self._sleep(min(wait_s, WAIT_S_MAX))
        raise Lost(f"{method} {path}: {why}", key)

    def _once(
        self, method: str, path: str, body: bytes | None, key: str
    ) -> tuple[int, float | None, Document]:
        """Send it and read the answer: status, how long to wait, document."""
        headers = dict(self._headers)
        if body is not None:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        self._connection.request(method, f"{self._below}/{path}", body, headers)
        answer = self._connection.getresponse()
        raw = answer.read(ANSWER_BYTES_MAX)
        told = answer.headers.get("Retry-After", "")
        may_wait = answer.status in _LATER and told.isdigit()
        return answer.status, float(told) if may_wait else None, _document(raw)


def _path(*parts: str) -> str:
    """Write a path; a part may hold whatever a contract or serial may."""
    return "/".join(quote(part, safe="") for part in parts)


def _worded(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _document(raw: bytes) -> Document:
    """Read an answer; a proxy may have put a page in its place."""
    try:
        told = json.loads(raw)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
