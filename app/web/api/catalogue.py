"""/catalogue: what is sold, at which prices, taxes, discounts, and what is given for loyalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from app.imports.problems import Problems
from app.imports.publishing import (
    Affected,
    Drafted,
    check_draft,
    compare,
    publish_draft,
    told_draft,
)
from app.imports.tables import ROWS_MAX
from app.web.api.shapes import OptionalText, Page, Paging, page
from app.web.api.ways import ask, change, look
from app.web.problem import BadRequest, FieldError
from app.web.reading import ERRORS_MAX
from app.web.route import Body, Call, Query
from billing.catalog.document import Version
from billing.reads import catalog
from runtime.store import Tx

Cell = str | list[str]
Row = dict[str, Cell]
Rows = Annotated[list[Row], Field(max_length=ROWS_MAX)]


class CatalogueBody(Body):
    """A draft, in the tables and columns of catalogue.toml; what it does not name stays."""

    version: Annotated[str, Field(pattern=r"^([0-9A-Za-z][0-9A-Za-z_.-]{0,39})?$")] = ""
    taxes: Rows = Field(default_factory=list)
    offerings: Rows = Field(default_factory=list)
    prices: Rows = Field(default_factory=list)
    promotions: Rows = Field(default_factory=list)
    loyalty: Rows = Field(default_factory=list)
    loyalty_tiers: Rows = Field(default_factory=list)
    reason: OptionalText = ""


class VersionQuery(Query):
    """Which version, by its edition or name; what is published now where none is told."""

    version: Annotated[OptionalText, Field(max_length=40)] = ""


class DiffQuery(Query):
    """Which versions; the last but one, and what is published now, where none is told."""

    before: Annotated[OptionalText, Field(max_length=40)] = ""
    after: Annotated[OptionalText, Field(max_length=40)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueDocument:
    """A catalogue, in the tables and columns of catalogue.toml."""

    taxes: list[Row]
    offerings: list[Row]
    prices: list[Row]
    promotions: list[Row] = field(default_factory=list)
    loyalty: list[Row] = field(default_factory=list)
    loyalty_tiers: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueVersion:
    """One publication."""

    edition: int
    name: str
    published_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueChange:
    """What is otherwise: `field` of `key` from a day on, and how many households have it."""

    table: str
    key: str
    field: str
    where: str
    from_on: str
    before: str
    after: str
    households: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePublished:
    """What a draft changes; `edition` is what it is published as, none where it was checked."""

    edition: int | None
    changes: list[CatalogueChange]


async def show(call: Call) -> CatalogueDocument:
    """Show what is published, or an earlier version."""
    query: VersionQuery = call.query
    async with call.house.store.read() as tx:
        if query.version:
            found: Any = (await catalog.version(tx, query.version)).document
        else:
            found = await catalog.document(tx)
    return CatalogueDocument(**found)


async def versions(call: Call) -> Page[CatalogueVersion]:
    """List what was published, the newest first."""
    query: Paging = call.query
    (behind,) = query.behind(int) or (None,)
    async with call.house.store.read() as tx:
        found = await catalog.versions(tx, limit=query.limit + 1, behind=behind)
    return page(found, query.limit, _version, lambda one: (one.edition,))


def _version(one: Version) -> CatalogueVersion:
    return CatalogueVersion(edition=one.edition, name=one.name, published_at=one.published_at)


async def diff(call: Call) -> list[CatalogueChange]:
    """Tell who pays what from when that was otherwise in an earlier version."""
    query: DiffQuery = call.query
    async with call.house.store.read() as tx:
        return _changes(await compare(tx, query.before, query.after))


async def check(call: Call) -> CataloguePublished:
    """Check a draft and tell what publishing it would change; nothing is kept of it."""
    problems = Problems()
    folder = told_draft(_told(call.body), problems)
    found = _good(await check_draft(call.house, folder, problems, call.actor))
    return CataloguePublished(edition=None, changes=_changes(found.changes))


async def publish(call: Call, tx: Tx) -> CataloguePublished:
    """Check a draft and publish it: all of it, or nothing."""
    problems = Problems()
    folder = told_draft(_told(call.body), problems)
    found = _good(await publish_draft(call.house, tx, folder, problems, call.actor))
    return CataloguePublished(edition=found.edition, changes=_changes(found.changes))


def _told(body: CatalogueBody) -> dict[str, Any]:
    """Give what is said: a table without rows is something else than none."""
    return body.model_dump(exclude={"reason"}, exclude_unset=True)


def _good(found: Drafted) -> Drafted:
    """Give a draft back. Raises BadRequest naming every problem of it."""
    if found.is_good:
        return found
    errors = [
        FieldError(field=one.field or "body", why=one.why) for one in found.problems[:ERRORS_MAX]
    ]
    raise BadRequest(400, "invalid input", f"{errors[0].field}: {errors[0].why}", errors)


def _changes(found: Sequence[Affected]) -> list[CatalogueChange]:
    return [
        CatalogueChange(
            table=one.difference.table,
            key=one.difference.key,
            field=one.difference.field,
            where=one.difference.where,
            from_on=one.difference.from_on,
            before=one.difference.before,
            after=one.difference.after,
            households=one.households,
            text=str(one),
        )
        for one in found
    ]


ROUTES = (
    look("catalogue", show, CatalogueDocument, query=VersionQuery, problems=[404]),
    look("catalogue/versions", versions, Page[CatalogueVersion], query=Paging),
    look("catalogue/diff", diff, list[CatalogueChange], query=DiffQuery, problems=[404]),
    change("catalogue", publish, CataloguePublished, body=CatalogueBody, status=201),
    ask("catalogue/check", check, CataloguePublished, body=CatalogueBody, problems=()),
)
