"""REST resource `account_subscription`: the optional packages of an account.

PUT is a delta, POST the complete set. True means that something changed.
"""

from typing import Any

from simulators.middleware.ministra.ask import Ask, RestError
from simulators.middleware.ministra.form import list_of
from simulators.middleware.ministra.rows import snapshot
from simulators.middleware.ministra.users import User

_PUT_FIELDS = {"subscribed", "subscribed_id", "unsubscribed", "unsubscribed_id"}
_POST_FIELDS = {"subscribed", "subscribed_id"}


async def get(ask: Ask) -> Any:
    """Show the packages of each device of the account."""
    rows = []
    for user in ask.the_account(ask.boxes()):
        packages = ask.portal.subscribed(user)
        rows.append(
            {
                "mac": user.mac,
                "subscribed": [package.external_id for package in packages],
                "subscribed_id": [str(package.id) for package in packages],
            }
        )
    return rows


async def update(ask: Ask) -> bool:
    """Add and remove the packages named."""
    ask.need_body("PUT")
    if not ask.form.keys() & _PUT_FIELDS:
        raise RestError("Insert data is empty")
    add = _package_ids(ask, "subscribed")
    remove = _package_ids(ask, "unsubscribed")
    results = [_change(ask, user, add, remove) for user in ask.the_account(ask.boxes())]
    return all(results)


async def create(ask: Ask) -> bool:
    """Make the packages named the complete set."""
    ask.need_body("POST")
    if not ask.form.keys() & _POST_FIELDS:
        raise RestError("Insert data is empty")
    wanted = _package_ids(ask, "subscribed")
    results = [
        _change(ask, user, wanted, [n for n in _held(ask, user) if n not in wanted])
        for user in ask.the_account(ask.boxes())
    ]
    return all(results)


async def delete(ask: Ask) -> bool:
    """Remove all packages."""
    results = [_change(ask, user, [], _held(ask, user)) for user in ask.the_account(ask.boxes())]
    return all(results)


def _held(ask: Ask, user: User) -> list[int]:
    return [package.id for package in ask.portal.subscribed(user)]


def _package_ids(ask: Ask, field: str) -> list[int]:
    by_code = ask.portal.catalogue.packages_by_code(list_of(ask.form, field))
    by_id = [int(text) for text in list_of(ask.form, f"{field}_id") if text.isdigit()]
    return [package.id for package in by_code] + by_id


def _change(ask: Ask, user: User, add: list[int], remove: list[int]) -> bool:
    before = snapshot(ask.portal, user)
    changed = ask.portal.change_subscription(user, add=add, remove=remove)
    ask.changed(user, before)
    return changed
