"""/search: whom somebody means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.desk import search
from app.desk.search import HITS_MAX, TEXT_CHARS_MAX, Hit
from app.web.api.shapes import PRINTED, digits_alone, something
from app.web.api.ways import look
from app.web.route import Call, Query


class SearchQuery(Query):
    """What somebody says: a name, phone, contract, serial, MAC, invoice or receipt.

    Words may be begun.
    """

    q: Annotated[
        str,
        StringConstraints(min_length=1, max_length=TEXT_CHARS_MAX),
        Field(json_schema_extra={"pattern": PRINTED}),
        AfterValidator(something),
    ]
    limit: Annotated[int, Field(ge=1, le=HITS_MAX), BeforeValidator(digits_alone)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What may be meant, what is exact first; a text that fits very many shows some of them."""

    items: list[Hit]


async def find(call: Call) -> Hits:
    """Find households and boxes by what somebody says of them."""
    query: SearchQuery = call.query
    async with call.house.store.read() as tx:
        return Hits(items=await search.find(tx, query.q, hits_max=query.limit))


ROUTES = (look("search", find, Hits, query=SearchQuery),)
