"""The portal as a simulator: which face answers a path, fault wording, state file, admin."""

from collections.abc import Mapping
from typing import Any

from simulators.call import Call, Reply, json_reply
from simulators.faults import Fault
from simulators.middleware.ministra import device, rest, tamper, viewer
from simulators.middleware.ministra.loading import SMALL_PORTAL, load_portal
from simulators.middleware.ministra.rows import account_row
from simulators.middleware.ministra.users import User
from simulators.simulator import Stage

# What PHP prints when MySQL is gone: warning and trace, with HTTP status 200.
FATAL = Reply(
    body=(
        b"<br />\n<b>Warning</b>:  mysqli_connect(): (HY000/2002): Connection refused in "
        b"<b>/var/www/stalker_portal/server/lib/core/mysql.class.php</b> on line <b>38</b>"
        b"<br />\n<b>Fatal error</b>:  Uncaught exception 'MysqlException' with message "
        b"'Cannot connect to database' in /var/www/stalker_portal/server/lib/core/"
        b"mysql.class.php:42\nStack trace:\n#0 /var/www/stalker_portal/server/lib/user.class"
        b".php(36): Stalker\\Lib\\Core\\Mysql::getInstance()\n#1 {main}\n  thrown\n"
    ),
    content_type="text/html",
)


class Ministra:
    """One portal."""

    kind = "ministra"

    def __init__(self, stage: Stage, state: Mapping[str, Any]) -> None:
        self._stage = stage
        self._start_state = state or SMALL_PORTAL
        self.portal = load_portal(self._start_state, stage.clock)
        self._url = ""

    async def start(self, url: str) -> None:
        """Remember where the portal is reached."""
        self._url = url

    async def stop(self) -> None:
        """Nothing runs in the background."""

    async def answer(self, call: Call) -> Reply:
        """Let the face that owns the path answer."""
        if not self.portal.config["database_running"]:
            return FATAL
        if call.path == device.PATH:
            return await device.answer(self.portal, self._stage.journal, call)
        if call.path == viewer.TOKEN:
            return await viewer.grant(self.portal, call, self._url)
        if call.path.startswith(viewer.V2):
            return await viewer.answer(self.portal, call)
        if call.path.startswith(rest.ROOT):
            return await rest.answer(self.portal, self._stage.journal, call)
        return Reply(status=404, body=b"404 Not Found", content_type="text/html")

    def label(self, call: Call) -> str:
        """Name verb and resource."""
        if call.path == device.PATH:
            return f"BOX {call.query.get('type', '')}.{call.query.get('action', '')}"
        if call.path.startswith((viewer.TOKEN, viewer.V2)):
            return f"VIEWER {call.path.rpartition('/stalker_portal/')[2].partition('/users')[0]}"
        return f"{call.method} {rest.split(call.path)[0]}"

    def subject(self, call: Call) -> str:
        """Name the login of the one id in the URL, where there is one such user."""
        if not call.path.startswith(rest.ROOT):
            return ""
        resource, ids = rest.split(call.path)
        if len(ids) != 1:
            return ",".join(ids)
        column = "login" if resource == "users" else "ls"
        found = self.portal.users.find("mac" if ":" in ids[0] else column, ids)
        return found[0].login if len(found) == 1 else ids[0]

    def dialect(self, fault: Fault) -> Reply:
        """Word a refusal in the portal's envelope."""
        if fault.name == "garbage":
            return FATAL
        if fault.name == "unauthorized":
            return rest.UNAUTHORIZED
        if fault.name == "conflict":
            return rest.refusal("Login already in use")
        if fault.name == "refused":
            return rest.refusal(fault.argument or "Account not found")
        if fault.name == "throttled":
            headers = {"Retry-After": fault.argument}
            page = b"<html><title>429 Too Many Requests</title></html>"
            return Reply(status=429, body=page, content_type="text/html", headers=headers)
        if fault.name == "error":
            page = b"<html><title>" + fault.argument.encode() + b"</title></html>"
            return Reply(status=fault.number, body=page, content_type="text/html")
        return json_reply(None)

    def state(self, wanted: Mapping[str, str]) -> Any:
        """Show accounts (all, or those of a login, account_number or mac) and configuration."""
        return {
            "kind": self.kind,
            "version": self.portal.version,
            "config": self.portal.config,
            "accounts": [self._shown(user) for user in self._chosen(wanted)],
            "orphan_subscriptions": {
                str(number): sorted(rows)
                for number, rows in self.portal.subscriptions.items()
                if self.portal.users.get(number) is None
            },
        }

    async def tamper(self, operation: Mapping[str, Any]) -> Any:
        """Do one of the operations of the tamper module."""
        return tamper.operate(self.portal, self._stage.journal, operation)

    def reset(self) -> None:
        """Load the state of the start again."""
        self.portal = load_portal(self._start_state, self._stage.clock)

    def _chosen(self, wanted: Mapping[str, str]) -> list[User]:
        columns = {"login": "login", "account_number": "ls", "mac": "mac"}
        for name, column in columns.items():
            if name in wanted:
                return self.portal.users.find(column, [wanted[name]])
        return list(self.portal.users)

    def _shown(self, user: User) -> dict[str, Any]:
        portal = self.portal
        waiting = portal.events.waiting(user.id, portal.clock.seconds())
        return {
            "id": user.id,
            **account_row(portal, user),
            "device_id": user.device_id,
            "channels": portal.entitled_channels(user),
            "subscription_rows": sorted(portal.subscriptions.get(user.id, {})),
            "events": [{"id": e.id, "event": e.event, "msg": e.msg} for e in waiting],
        }
