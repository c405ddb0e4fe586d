"""/audit: who did what to whom, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time

from app.desk.auditing import Sought, Told, reading
from app.web.api.shapes import Day, OptionalText, Page, Paging, page
from app.web.api.ways import look
from app.web.route import Call


class AuditQuery(Paging):
    """Of one subject (a contract, a serial), by one actor (a name to sign in with), since a day."""

    subject: OptionalText = ""
    actor: OptionalText = ""
    since: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One deed: by whom, to what, why, and what was so before and after."""

    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    before: str
    after: str

    @classmethod
    def of(cls, one: Told) -> AuditLine:
        """Show a deed."""
        return cls(
            at=one.at,
            actor=one.actor,
            action=one.action,
            subject=one.subject,
            reason=one.reason,
            before=one.before,
            after=one.after,
        )


async def list_audit(call: Call) -> Page[AuditLine]:
    """List what was done by whom, the newest first."""
    query: AuditQuery = call.query
    (behind,) = query.behind(int) or (None,)
    since = datetime.combine(query.since, time(), UTC) if query.since else None
    sought = Sought(subject=query.subject, actor=query.actor, since=since)
    async with call.house.store.read() as tx:
        found = await reading(tx, sought, deeds_max=query.limit + 1, behind=behind)
    return page(found, query.limit, AuditLine.of, lambda one: (one.position,))


ROUTES = (look("audit", list_audit, Page[AuditLine], query=AuditQuery),)
