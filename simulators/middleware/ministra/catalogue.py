"""Channels, packages and tariffs of the portal, and the rows in which REST v1 shows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A TV channel."""

    id: int
    name: str
    number: int
    is_base: bool
    is_hd: bool = False
    url: str = ""

    def row(self) -> dict[str, Any]:
        """Show it as the `itv` resource does: all text."""
        return {
            "id": str(self.id),
            "name": self.name,
            "number": str(self.number),
            "base_ch": _bit(self.is_base),
            "hd": _bit(self.is_hd),
            "enable_monitoring": "0",
            "url": self.url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A set of services sold together."""

    id: int
    external_id: str
    name: str
    description: str
    type: str
    has_all_services: bool
    service_type: str
    rent_duration: int
    price: str
    channels: tuple[int, ...]

    def row(self) -> dict[str, Any]:
        """Show the fields that `tariffs` and `services_package` have in common."""
        return {
            "id": str(self.id),
            "external_id": self.external_id,
            "name": self.name,
            "description": self.description,
            "type": self.type,
            "all_services": _bit(self.has_all_services),
            "service_type": self.service_type,
            "rent_duration": str(self.rent_duration),
            "price": self.price,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A tariff plan: packages that are always in, and packages that may be added."""

    id: int
    external_id: str
    name: str
    is_default: bool
    optional: Mapping[int, bool]  # package id -> whether the viewer must ask for it


class Catalogue:
    """All channels, packages and tariffs."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.channels = {row["id"]: _channel(row) for row in state.get("channels", [])}
        self.packages = {row["id"]: _package(row) for row in state.get("packages", [])}
        self.tariffs = {row["id"]: _tariff(row) for row in state.get("tariffs", [])}

    def tariff_by_code(self, external_id: str) -> Tariff | None:
        """Find a tariff by its external id."""
        return next((t for t in self.tariffs.values() if t.external_id == external_id), None)

    def default_tariff(self) -> Tariff | None:
        """Find the tariff of users that have none."""
        return next((t for t in self.tariffs.values() if t.is_default), None)

    def tariff(self, tariff_id: int) -> Tariff | None:
        """Find the tariff that counts for a user with that tariff id."""
        return self.tariffs.get(tariff_id) if tariff_id else self.default_tariff()

    def packages_by_code(self, codes: Iterable[str]) -> list[Package]:
        """Find packages by external id, in the order of their ids; unknown ones are left out."""
        wanted = set(codes)
        return [package for package in self.packages.values() if package.external_id in wanted]

    def tariff_row(self, tariff: Tariff) -> dict[str, Any]:
        """Show a tariff as the `tariffs` resource does."""
        packages = [
            {**self.packages[number].row(), "optional": _bit(optional)}
            for number, optional in tariff.optional.items()
        ]
        return {
            "id": str(tariff.id),
            "external_id": tariff.external_id,
            "name": tariff.name,
            "user_default": _bit(tariff.is_default),
            "packages": packages,
        }

    def package_row(self, package: Package, *, listed: Iterable[int]) -> dict[str, Any]:
        """Show a package as `services_package` does, with the channels given."""
        services: Any = "all"
        if not package.has_all_services:
            services = [
                {"id": str(number), "name": self.channels[number].name} for number in listed
            ]
        return {**package.row(), "services": services}

    def put_channel(self, row: Mapping[str, Any]) -> Channel:
        """Add or replace a channel."""
        channel = _channel({"id": max(self.channels, default=0) + 1, **row})
        self.channels[channel.id] = channel
        return channel

    def put_package(self, row: Mapping[str, Any]) -> Package:
        """Add or replace a package."""
        package = _package({"id": max(self.packages, default=0) + 1, **row})
        self.packages[package.id] = package
        return package

    def put_tariff(self, row: Mapping[str, Any]) -> Tariff:
        """Add or replace a tariff."""
        tariff = _tariff({"id": max(self.tariffs, default=0) + 1, **row})
        self.tariffs[tariff.id] = tariff
        return tariff


def _bit(value: object) -> str:
    return "1" if value else "0"


def _channel(row: Mapping[str, Any]) -> Channel:
    return Channel(
        id=int(row["id"]),
        name=str(row["name"]),
        number=int(row.get("number", row["id"])),
        is_base=bool(row.get("base", False)),
        is_hd=bool(row.get("hd", False)),
        url=str(row.get("url", "")),
    )


def _package(row: Mapping[str, Any]) -> Package:
    return Package(
        id=int(row["id"]),
        external_id=str(row["external_id"]),
        name=str(row.get("name", row["external_id"])),
        description=str(row.get("description", "")),
        type=str(row.get("type", "tv")),
        has_all_services=bool(row.get("all_services", False)),
        service_type=str(row.get("service_type", "periodic")),
        rent_duration=int(row.get("rent_duration", 0)),
        price=str(row.get("price", "0.00")),
        channels=tuple(int(number) for number in row.get("channels", ())),
    )


def _tariff(row: Mapping[str, Any]) -> Tariff:
    return Tariff(
        id=int(row["id"]),
        external_id=str(row["external_id"]),
        name=str(row.get("name", row["external_id"])),
        is_default=bool(row.get("user_default", False)),
        optional={int(p["id"]): bool(p.get("optional", False)) for p in row.get("packages", ())},
    )
