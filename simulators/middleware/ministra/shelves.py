"""REST resources that show the catalogue: `tariffs`, `services_package`, `itv`, and small ones."""

from typing import Any

from simulators.call import Reply
from simulators.middleware.ministra.ask import Ask, RestError
from simulators.middleware.ministra.form import text_of, truth_of

MONITORING = "text/channel-monitoring-id-url"


async def get_tariffs(ask: Ask) -> Any:
    """List tariffs, or show one; null where it is missing."""
    shelf = ask.portal.catalogue
    if not ask.ids:
        return [shelf.tariff_row(tariff) for tariff in shelf.tariffs.values()]
    tariff = shelf.tariffs.get(_number(ask.ids[0]))
    return None if tariff is None else shelf.tariff_row(tariff)


async def get_packages(ask: Ask) -> Any:
    """List packages, or show one; null where it is missing."""
    shelf = ask.portal.catalogue
    rows = [
        shelf.package_row(
            package,
            listed=shelf.channels if _lists_all_channels(ask.portal.version) else package.channels,
        )
        for package in shelf.packages.values()
        if not ask.ids or package.id == _number(ask.ids[0])
    ]
    if ask.ids:
        return rows[0] if rows else None
    return rows


async def get_channels(ask: Ask) -> Any:
    """List channels."""
    wanted = {_number(text) for text in ask.ids}
    channels = ask.portal.catalogue.channels.values()
    return [channel.row() for channel in channels if not wanted or channel.id in wanted]


async def create_channel(ask: Ask) -> Any:
    """Add a channel (from 5.0.0)."""
    ask.need_body("POST")
    if not text_of(ask.form, "name"):
        raise RestError("Insert data is empty")
    row = {
        "name": text_of(ask.form, "name"),
        "url": text_of(ask.form, "url"),
        "base": truth_of(ask.form, "base_ch"),
        "hd": truth_of(ask.form, "hd"),
    }
    if text_of(ask.form, "number").isdigit():
        row["number"] = int(text_of(ask.form, "number"))
    channel = ask.portal.catalogue.put_channel(row)
    ask.journal.effect(ask.call, f"channel {channel.id}", before=None, after=channel.row())
    return channel.row()


async def delete_channel(ask: Ask) -> bool:
    """Remove channels (from 5.0.0)."""
    if not ask.ids:
        raise RestError("Identifier required")
    gone = [ask.portal.catalogue.channels.pop(_number(text), None) for text in ask.ids]
    for channel in gone:
        if channel is not None:
            subject = f"channel {channel.id}"
            ask.journal.effect(ask.call, subject, before=channel.row(), after=None)
    return any(gone)


async def get_monitoring(ask: Ask) -> Reply:
    """List the URLs under watch as text, for callers that accept its own type."""
    if MONITORING not in ask.call.headers.get("Accept", ""):
        raise RestError(f"Unsupported Accept header, use {MONITORING}")
    return Reply(content_type="text/plain")


async def nothing(_: Ask) -> list[Any]:
    """Answer an empty list: storage side and programme guide hold nothing here."""
    return []


def _lists_all_channels(version: str) -> bool:
    """From 5.0.0 to 5.0.3 every package that is not an "all" package lists all channels."""
    return version in {"5.0.0", "5.0.1", "5.0.2", "5.0.3"}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
