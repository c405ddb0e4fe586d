"""Operations of the admin face: what a hand in the portal's own administration would change.

What changes accounts or settings is written to the journal. Only the billing job sends events.
"""

from collections.abc import Callable, Mapping
from typing import Any

from simulators.journal import Journal
from simulators.middleware.ministra import loading
from simulators.middleware.ministra.portal import Portal
from simulators.middleware.ministra.rows import differences, snapshot, subject_of
from simulators.middleware.ministra.users import NO_DATE, User, stored_date
from simulators.simulator import BadOperation

_SELECTORS = {"login": "login", "account_number": "ls", "mac": "mac"}

_Operation = Callable[[Portal, Journal, Mapping[str, Any]], Any]


def operate(portal: Portal, journal: Journal, operation: Mapping[str, Any]) -> Any:
    """Do the operation named by `op`."""
    name = str(operation.get("op", ""))
    if name not in OPERATIONS:
        raise BadOperation(f"unknown operation {name!r}; known: {', '.join(sorted(OPERATIONS))}")
    return OPERATIONS[name](portal, journal, operation)


def _set(portal: Portal, journal: Journal, operation: Mapping[str, Any]) -> Any:
    fields: Mapping[str, Any] = operation["fields"]
    users = _chosen(portal, operation)
    for user in users:
        before, subject = snapshot(portal, user), subject_of(user)
        for name, value in fields.items():
            _put(portal, user, name, value)
        _note(journal, "set", subject, differences(before, snapshot(portal, user)))
    return len(users)


def _put(portal: Portal, user: User, name: str, value: Any) -> None:
    if name in loading.ACCOUNT_COLUMNS:
        portal.users.put(user, loading.ACCOUNT_COLUMNS[name], str(value))
    elif name == "stb_mac":
        portal.users.put(user, "mac", str(value))
    elif name == "status":
        user.is_blocked = not int(value)
    elif name == "tariff_plan":
        user.tariff_plan_id = portal.tariff_id(str(value))
        if value and not user.tariff_plan_id:
            raise BadOperation(f"unknown tariff {value!r}")
    elif name == "end_date":
        user.end_date = stored_date(str(value))
    elif name == "subscribed":
        loading.subscribe(portal, user, value)
    else:
        raise BadOperation(f"an account has no field {name!r}")


def _subscribe(portal: Portal, journal: Journal, operation: Mapping[str, Any]) -> Any:
    return _repackage(portal, journal, operation, "subscribe")


def _unsubscribe(portal: Portal, journal: Journal, operation: Mapping[str, Any]) -> Any:
    return _repackage(portal, journal, operation, "unsubscribe")


def _repackage(portal: Portal, journal: Journal, operation: Mapping[str, Any], verb: str) -> Any:
    codes = list(operation["packages"])
    users = _chosen(portal, operation)
    for user in users:
        before = snapshot(portal, user)
        held = portal.subscriptions.get(user.id, {})
        own = [portal.catalogue.packages[number].external_id for number in held]
        kept = [code for code in own if code not in codes]
        loading.subscribe(portal, user, kept + codes if verb == "subscribe" else kept)
        changed = differences(before, snapshot(portal, user))
        _note(journal, verb, subject_of(user), changed)
    return len(users)


def _delete(portal: Portal, journal: Journal, operation: Mapping[str, Any]) -> Any:
    users = _chosen(portal, operation)
    for user in users:
        before = snapshot(portal, user)
        portal.users.remove(user)
        journal.event("TAMPER delete", subject_of(user), face="admin", before=before)
    return len(users)


def _add_account(portal: Portal, journal: Journal, operation: Mapping[str, Any]) -> Any:
    user = loading.add_account(portal, operation["fields"])
    after = snapshot(portal, user)
    journal.event("TAMPER add_account", subject_of(user), face="admin", after=after)
    return user.id


def _fill(portal: Portal, _: Journal, operation: Mapping[str, Any]) -> Any:
    wish = {key: value for key, value in operation.items() if key != "op"}
    try:
        return loading.fill(portal, **wish)
    except TypeError as error:
        raise BadOperation(str(error)) from None


def _config(portal: Portal, journal: Journal, operation: Mapping[str, Any]) -> Any:
    wish: Mapping[str, Any] = operation["set"]
    unknown = wish.keys() - portal.config.keys()
    if unknown:
        raise BadOperation(f"the portal has no setting {min(unknown)!r}")
    before = {name: portal.config[name] for name in wish}
    portal.config.update(wish)
    journal.event("TAMPER config", "config", face="admin", before=before, after=dict(wish))
    return portal.config


def _put_channel(portal: Portal, _: Journal, operation: Mapping[str, Any]) -> Any:
    return portal.catalogue.put_channel(operation["fields"]).id


def _put_package(portal: Portal, _: Journal, operation: Mapping[str, Any]) -> Any:
    return portal.catalogue.put_package(operation["fields"]).id


def _put_tariff(portal: Portal, _: Journal, operation: Mapping[str, Any]) -> Any:
    return portal.catalogue.put_tariff(operation["fields"]).id


def _billing_job(portal: Portal, journal: Journal, _: Mapping[str, Any]) -> Any:
    """Disable accounts past their end date, as the nightly job of internal billing does."""
    if not portal.config["enable_internal_billing"]:
        return 0
    now = portal.clock.sql_now()
    late = [u for u in portal.users if NO_DATE < u.end_date < now and not u.is_blocked]
    for user in late:
        before = snapshot(portal, user)
        portal.set_status(user, 0)
        changed = differences(before, snapshot(portal, user))
        _note(journal, "billing_job", subject_of(user), changed)
    return len(late)


def _note(
    journal: Journal, name: str, subject: str, changed: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    before, after = changed
    journal.event(f"TAMPER {name}", subject, face="admin", before=before, after=after)


def _chosen(portal: Portal, operation: Mapping[str, Any]) -> list[User]:
    for name, column in _SELECTORS.items():
        if name in operation:
            users = portal.users.find(column, [str(operation[name])])
            if not users:
                raise BadOperation(f"no account with {name} {operation[name]!r}")
            return users
    raise BadOperation("name the account by login, account_number or mac")


OPERATIONS: dict[str, _Operation] = {
    "set": _set,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "delete": _delete,
    "add_account": _add_account,
    "fill": _fill,
    "config": _config,
    "put_channel": _put_channel,
    "put_package": _put_package,
    "put_tariff": _put_tariff,
    "billing_job": _billing_job,
}
