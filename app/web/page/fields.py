"""What forms and links of pages bring along."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from app.web.route import Form, Query
from terms.calendar import in_reach, start_of_day

# Names the form of one very page, so that it is done once.
Key = Annotated[str, Field(min_length=1, max_length=40)]
# An empty field is none.
Day = Annotated[date | None, BeforeValidator(lambda text: text or None)]
# Behind which line of a list the page begins: the `next` of the page before.
After = Annotated[str, Field(max_length=600, pattern=r"^[0-9A-Za-z_-]*$")]
Points = Annotated[int, Field(ge=1, le=10**12)]


def since(day: Day, zone_name: str) -> datetime | None:
    """Tell when a day that somebody chose begins where they are. Raises Invalid."""
    return start_of_day(in_reach("since", day), zone_name) if day else None


class NoFields(Form):
    """A form that is a button."""


class WhyForm(Form):
    """A button, and why somebody presses it, if they say it."""

    reason: Annotated[str, Field(max_length=200)] = ""


class OnceForm(Form):
    """The key of the page that the form is of."""

    once: Key


class DoneQuery(Query):
    """Which sentence the page shows of what was done; an unknown word shows none."""

    done: Annotated[str, Field(max_length=20)] = ""


class PartsQuery(Query):
    """Which parts of a page to keep fresh, and of which household where the page needs it said."""

    parts: Annotated[str, Field(max_length=200)] = ""
    contract: Annotated[str, Field(max_length=80)] = ""
