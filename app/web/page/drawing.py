"""From views to HTML. Everything is escaped; the templates hold no logic but loops and choices."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.web.page.words import money, shown
from app.web.static import Static
from terms.calendar import zone
from terms.money import Money

TEMPLATES = Path(__file__).parent.parent / "templates"


@cache
def _environment(static: Static) -> Environment:
    """Make what compiles each template once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=written,
    )
    made.globals["static"] = static.url
    made.filters |= {
        "when": when,
        "clock": clock,
        "moment": moment,
        "count": count,
        "dial": dial,
    }
    return made


def written(value: Any) -> Any:
    """Write what a template shows: money as people read it, all else as it is."""
    return money(value) if isinstance(value, Money) else value


class Drawing:
    """Draws pages and parts of pages."""

    def __init__(self, static: Static) -> None:
        self._environment = _environment(static)
        # The operator's name as pages last had it: the page of a failure reads no table.
        self.operator = "Boxoffice"

    def page(self, name: str, **values: Any) -> str:
        """Draw one whole page."""
        return self._environment.get_template(f"{name}.html").render(**values)

    def part(self, name: str, **values: Any) -> str:
        """Draw one part that a page shows, for replacing it while the page is open."""
        return self._environment.get_template(f"parts/{name}.html").render(**values)


def when(instant: datetime, zone_name: str) -> str:
    """Write an instant for people, in a zone."""
    at = instant.astimezone(zone(zone_name))
    return f"{shown(at.date())}, {at:%H:%M}"


def clock(instant: datetime, zone_name: str) -> str:
    """Write an instant to the second, in a zone: for what somebody stands there and waits for."""
    at = instant.astimezone(zone(zone_name))
    return f"{at.day} {at:%b, %H:%M:%S}"


def moment(instant: datetime, zone_name: str) -> str:
    """Write an instant to the thousandth, in a zone: for what happens within a second."""
    at = instant.astimezone(zone(zone_name))
    return f"{at:%d %b %H:%M:%S}.{at.microsecond // 1000:03d}"


def dial(phone: str) -> str:
    """Write a telephone number as a link to it takes one."""
    return "".join(mark for mark in phone if mark.isdigit() or mark == "+")


def count(number: int) -> str:
    """Write a whole number with commas between its thousands."""
    return f"{number:,}"
