"""Which row of an account each box gets: one row per box; a bound box stays where it is. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What has to be done to the rows. `binds` are (login, MAC), with "" to unbind."""

    adds: tuple[str, ...] = ()
    binds: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.adds or self.binds or self.drops)


def moves_for(ref: str, held: Mapping[str, str], wanted: Collection[str]) -> Moves:
    """Compare rows (login to MAC) with the boxes wanted.

    Free rows are used again before new ones are made. One row always stays, even without a box:
    an account that is gone is not a blocked one.
    """
    kept: set[str] = set()
    free: list[str] = []
    for login, mac in held.items():
        if mac in wanted and mac not in kept:
            kept.add(mac)
        else:
            free.append(login)
    free.sort(key=lambda login: (login != ref, login))
    missing = sorted(set(wanted) - kept)
    used, spare = free[: len(missing)], free[len(missing) :]
    binds = list(zip(used, missing, strict=False))
    if spare and not kept and not binds:
        stays = spare.pop(0)
        if held[stays]:
            binds.append((stays, ""))
    return Moves(adds=tuple(missing[len(free) :]), binds=tuple(binds), drops=tuple(spare))


def free_logins(ref: str, taken: Collection[str]) -> Iterator[str]:
    """Name logins for new rows: the account number itself, then number-2, number-3.

    The hyphen keeps them apart from every other account number.
    """
    for login in (ref if number == 1 else f"{ref}-{number}" for number in count(1)):
        if login not in taken:
            yield login
