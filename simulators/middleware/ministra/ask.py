"""One REST v1 request inside the portal, and how the ids in its URL are read.

Every resource reads ids in its own way: accounts wants 12 characters and a colon to take an id
for a MAC, the box resources only 12 characters, users otherwise takes a login.
"""

from dataclasses import dataclass

from simulators.call import Call
from simulators.journal import Journal
from simulators.middleware.ministra.form import Form
from simulators.middleware.ministra.portal import Portal
from simulators.middleware.ministra.rows import differences, snapshot, subject_of
from simulators.middleware.ministra.users import User

MAC_CHARACTERS = 12


class RestError(Exception):
    """An application error: HTTP 200, status ERROR and this text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request to a resource."""

    portal: Portal
    journal: Journal
    call: Call
    resource: str
    ids: list[str]
    form: Form

    def boxes(self) -> list[User]:
        """Find users as the box resources do."""
        if _is_long(self.ids):
            return self.portal.users.find("mac", self.ids)
        return self.portal.users.find("ls", self.ids)

    def accounts(self) -> list[User]:
        """Find users as `accounts` does, or as `users` does for the resource of that name."""
        if _is_long(self.ids) and ":" in self.ids[0]:
            return self.portal.users.find("mac", self.ids)
        column = "login" if self.resource == "users" else "ls"
        return self.portal.users.find(column, self.ids)

    def the_account(self, found: list[User]) -> list[User]:
        """Insist on one identifier that exists."""
        if len(self.ids) == 1 and not found:
            raise RestError("Account not found")
        if len(self.ids) > 1:
            raise RestError("Only one identifier allowed")
        return found

    def need_body(self, verb: str) -> None:
        """Refuse an empty body."""
        if not self.call.body:
            raise RestError(f"HTTP {verb} data is empty")

    def created(self, user: User) -> None:
        """Record a new row in the journal."""
        after = snapshot(self.portal, user)
        self.journal.effect(self.call, subject_of(user), before=None, after=after)

    def changed(self, user: User, before: dict[str, object], subject: str = "") -> None:
        """Record what this request changed of a row."""
        old, new = differences(before, snapshot(self.portal, user))
        self.journal.effect(self.call, subject or subject_of(user), before=old, after=new)

    def removed(self, user: User, before: dict[str, object]) -> None:
        """Record a row that is gone."""
        self.journal.effect(self.call, subject_of(user), before=before, after=None)


def _is_long(ids: list[str]) -> bool:
    return bool(ids) and len(ids[0].encode()) >= MAC_CHARACTERS
