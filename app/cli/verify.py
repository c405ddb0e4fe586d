"""`boxoffice verify`: whether what always holds does hold, asked of the live database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.speak import FAILED, Json, check_word, look, say, tell

if TYPE_CHECKING:
    from app.desk.verifying import Judged
    from app.wiring import House


def add_to(cli: typer.Typer) -> None:
    """Add the commands of this file."""
    cli.command("verify")(verify)


def verify(
    *,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only this invariant, like I1; repeatable.")
    ] = None,
    show: Annotated[
        int, typer.Option(min=1, max=10_000, help="At most so many keys of what breaks a rule.")
    ] = 20,
    as_json: Json = False,
) -> None:
    """Check the books, beside a running product too. Exit code 1 where a rule is broken."""
    from app.desk import verifying

    for code in rule or ():
        check_word("--rule", code, verifying.known_codes())

    async def story(house: House) -> list[Judged]:
        rules = verifying.rules_of(rule or ())
        return await verifying.verify(
            house, rules, (lambda _: None) if as_json else _say, offences_max=show
        )

    found = look(story)
    broken = sum(not one.verdict.holds for one in found)
    if as_json:
        tell({"holds": not broken, "rules": found})
    else:
        say(f"{len(found)} rules, {broken} broken")
    if broken:
        raise typer.Exit(FAILED)


def _say(one: Judged) -> None:
    verdict = one.verdict
    word = "ok    " if verdict.holds else "BROKEN"
    many = "" if verdict.holds else f": {verdict.count} break it"
    say(f"{word} {verdict.code:6} {verdict.says}{many} ({one.took_s:.1f} s)")
    for each in verdict.offences:
        say(f"         {each.key}  {each.told}")
    if verdict.count > len(verdict.offences):
        say(f"         ... and {verdict.count - len(verdict.offences)} more (--show)")
