"""The gateway: logins, checks, the messages it took, and a page on which a person reads them.

From Twilio's public documents "Messages resource", "Error and warning dictionary" and "API
requests".
"""

import base64
import binascii
import itertools
import re
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any
from urllib.parse import parse_qs

from simulators.call import Call, Reply, json_reply
from simulators.faults import Fault
from simulators.page import STYLE_SOURCE, page
from simulators.simulator import BadOperation, Stage
from simulators.sms.segments import segments

MESSAGES_MAX = 1_000
BODY_CHARS_MAX = 1_600
PAGE_ROWS_MAX = 1_000
_PATH = re.compile(
    r"/2010-04-01/Accounts/(?P<account>\w{1,40})/Messages(/(?P<sid>SM\w{32}))?\.json"
)
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_SENDER = re.compile(r"\+[1-9]\d{6,14}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
_MORE = "https://www.twilio.com/docs/errors/"
_KNOWN = frozenset({"about", "accounts"})
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
Thing = dict[str, Any]


class Refused(Exception):
    """A request that is refused: the status, the number of the error and its words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def reply(self) -> Reply:
        """Make the answer."""
        told = {
            "code": self.code,
            "message": str(self),
            "more_info": f"{_MORE}{self.code}",
            "status": self.status,
        }
        return json_reply(told, self.status)


class Twilio:
    """The accounts of one gateway; without any, every login is taken."""

    kind = "twilio"

    def __init__(self, stage: Stage, state: Mapping[str, Any]) -> None:
        if unknown := state.keys() - _KNOWN:
            raise BadOperation(f"the state has an unknown key {min(unknown)!r}")
        accounts = state.get("accounts", {})
        if not isinstance(accounts, Mapping):
            raise BadOperation("accounts are a table of tokens by their account")
        self._stage = stage
        self._accounts = {str(sid): str(token) for sid, token in accounts.items()}
        self._numbers = itertools.count(1)
        self._messages: deque[Thing] = deque(maxlen=MESSAGES_MAX)

    async def start(self, url: str) -> None:
        """Have nothing to begin."""

    async def stop(self) -> None:
        """Have nothing to end."""

    async def answer(self, call: Call) -> Reply:
        """Answer a call of the API, or show the page."""
        if call.path == "/":
            return self._page()
        try:
            return self._act(call)
        except Refused as refusal:
            return refusal.reply()

    def label(self, call: Call) -> str:
        """Name verb and resource."""
        return f"{call.method} Messages" if _PATH.fullmatch(call.path) else f"{call.method} page"

    def subject(self, call: Call) -> str:
        """Name the telephone that a call is about."""
        return _form(call).get("To", "")

    def dialect(self, fault: Fault) -> Reply:
        """Word a refusal as the API does."""
        if fault.name == "unauthorized":
            return Refused(401, 20003, "Authenticate").reply()
        if fault.name == "throttled":
            reply = Refused(429, 20429, "Too Many Requests").reply()
            return Reply(status=429, body=reply.body, headers={"Retry-After": fault.argument})
        if fault.name == "error":
            return Refused(fault.number, 20500, "Internal Server Error").reply()
        return Refused(400, 30008, fault.argument or "Unknown error").reply()

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show what was taken, the newest first: all, or what is for the telephone `to`."""
        return {"kind": self.kind, "messages": self._taken(wanted.get("to", ""))}

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Throw all messages away, which is all that somebody could do here."""
        if operation.get("op") != "clear":
            raise BadOperation("the only operation is clear")
        self.reset()

    def reset(self) -> None:
        """Forget every message."""
        self._messages.clear()

    def _act(self, call: Call) -> Reply:
        found = _PATH.fullmatch(call.path)
        if found is None:
            raise Refused(404, 20404, f"The requested resource {call.path} was not found")
        self._authorise(call, found["account"])
        if call.method == "POST" and not found["sid"]:
            return json_reply(self._create(call, found["account"]), 201)
        if call.method != "GET":
            raise Refused(405, 20004, "Method not allowed")
        if not found["sid"]:
            rows = self._taken(call.query.get("To", ""))[:PAGE_ROWS_MAX]
            return json_reply({"messages": rows, "page": 0, "page_size": PAGE_ROWS_MAX})
        for one in self._messages:
            if one["sid"] == found["sid"]:
                return json_reply(one)
        raise Refused(404, 20404, f"The requested resource {call.path} was not found")

    def _authorise(self, call: Call, account: str) -> None:
        scheme, _, value = call.headers.get("Authorization", "").partition(" ")
        try:
            pair = base64.b64decode(value, validate=True).decode() if scheme == "Basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        sid, _, token = pair.partition(":")
        known = self._accounts.get(sid, "") if self._accounts else token
        if not token or sid != account or token != known:
            raise Refused(401, 20003, "Authenticate")

    def _create(self, call: Call, account: str) -> Thing:
        form = _form(call)
        to, sender, body = (form.get(name, "") for name in ("To", "From", "Body"))
        if not to:
            raise Refused(400, 21604, "A 'To' phone number is required.")
        if not _NUMBER.fullmatch(to):
            raise Refused(400, 21211, f"Invalid 'To' Phone Number: {to[:20]}")
        if not sender:
            raise Refused(400, 21603, "A 'From' phone number is required.")
        if not _SENDER.fullmatch(sender):
            raise Refused(400, 21212, f"Invalid From Number (caller ID): {sender[:20]}")
        if not body:
            raise Refused(400, 21602, "Message body is required.")
        if len(body) > BODY_CHARS_MAX:
            raise Refused(400, 21617, "The concatenated message body exceeds the 1600 limit.")
        sid = f"SM{next(self._numbers):032x}"
        now = datetime.fromtimestamp(self._stage.clock.seconds(), UTC)
        message = {
            "sid": sid,
            "account_sid": account,
            "to": to,
            "from": sender,
            "body": body,
            "status": "queued",
            "direction": "outbound-api",
            "num_segments": str(segments(body)),
            "num_media": "0",
            "date_created": format_datetime(now),
            "error_code": None,
            "error_message": None,
            "price": None,
            "uri": f"/2010-04-01/Accounts/{account}/Messages/{sid}.json",
        }
        self._messages.append(message)
        after = {name: message[name] for name in ("sid", "from", "num_segments")}
        self._stage.journal.effect(call, to, before=None, after=after)
        return message

    def _taken(self, to: str) -> list[Thing]:
        return [one for one in reversed(self._messages) if to in {"", one["to"]}]

    def _page(self) -> Reply:
        rows = "".join(
            f"<tr><td>{escape(one['to'])}</td><td>{escape(one['from'])}</td>"
            f"<td>{escape(one['body'])}</td><td>{one['num_segments']}</td></tr>"
            for one in self._taken("")
        )
        heads = "<tr><th>to</th><th>from</th><th>text</th><th>parts</th></tr>"
        table = f"<table>{heads}{rows}</table>" if rows else "<p>Nothing was sent yet.</p>"
        look_again = '<meta http-equiv="refresh" content="3">'
        text = page("Short messages", f"<h1>Short messages</h1>{table}", look_again)
        return Reply(body=text.encode(), content_type="text/html; charset=utf-8", headers=_HEADERS)


def _form(call: Call) -> dict[str, str]:
    if call.method != "POST":
        return {}
    fields = parse_qs(call.body.decode("utf-8", "replace"), max_num_fields=100)
    return {name: values[0] for name, values in fields.items()}
