"""/people: who may sign in, for the owner: add, disable, another password, end sign-ins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from app.identity import deeds, people
from app.identity.deeds import NewPerson
from app.identity.passwords import PASSWORD_CHARS_MIN
from app.identity.people import Person
from app.identity.roles import ROLES, TECHNICIAN, Right, about
from app.web.page.door import Secret, Typed
from app.web.page.fields import DoneQuery, WhyForm
from app.web.page.phone import Phone
from app.web.page.reply import see
from app.web.problem import problem_of
from app.web.route import Call, Form, Handler, Route
from runtime.store import Tx
from terms.errors import DomainError, Invalid

PATH = "/people"
SAID = {
    "disabled": "No longer let in; every sign-in is ended.",
    "enabled": "Let in again.",
    "revoked": "Ended.",
    "role": "The role is another one from now on.",
}

_ROLES = [(name, role.word) for name, role in ROLES.items()]
_FIELDS = {
    "name": "The sign-in name",
    "display": "The name that others see",
    "role": "The role",
    "password": "The password",
}
Deed = Callable[[Tx, Person, Call], Awaitable[object]]


class AddForm(Form):
    """Somebody new; without a password one is made."""

    name: Typed
    display: Typed = ""
    role: Typed = TECHNICIAN
    password: Secret = ""


class RoleForm(WhyForm):
    """What somebody is from now on."""

    role: Typed


class Staff:
    """The list, one person's page, and the forms on them."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.house = phone.house
        self.keeper = phone.house.keeper

    def routes(self) -> tuple[Route, ...]:
        """Declare them."""
        one, here = f"{PATH}/{{id}}", Right.MANAGE_PEOPLE
        return (
            Route(method="GET", path=PATH, policy=here, handler=self._list),
            Route(method="GET", path=one, policy=here, handler=self._show, query=DoneQuery),
            Route(method="POST", path=PATH, policy=here, handler=self._add, form=AddForm),
            self._button(f"{one}/password", self._new_password),
            self._button(f"{one}/disable", self._done(self._disable, "disabled")),
            self._button(f"{one}/enable", self._done(self._enable, "enabled")),
            self._button(f"{one}/role", self._done(self._set_role, "role"), RoleForm),
            self._button(f"{one}/revoke", self._done(self._revoke_all, "revoked")),
            self._button(f"{one}/sign-ins/{{sign_in}}/revoke", self._done(self._revoke, "revoked")),
        )

    def _button(
        self,
        path: str,
        handler: Handler,
        form: type[Form] = WhyForm,
    ) -> Route:
        here = Right.MANAGE_PEOPLE
        return Route(method="POST", path=path, policy=here, handler=handler, form=form)

    def _done(self, deed: Deed, word: str) -> Handler:
        """Do a deed on the person of the path; say so on that person's page, or why not."""

        async def handle(call: Call) -> web.Response:
            try:
                async with self.house.store.begin() as tx:
                    one = await people.get(tx, call.part("id"))
                    await deed(tx, one, call)
            except DomainError as error:
                return await self._page(call, _why(error), problem_of(error, call.id).status)
            return see(f"{PATH}/{one.id}?done={word}")

        return handle

    async def _disable(self, tx: Tx, one: Person, call: Call) -> None:
        await deeds.disable(self.keeper, tx, one, call.person.actor)

    async def _enable(self, tx: Tx, one: Person, call: Call) -> None:
        await deeds.enable(self.keeper, tx, one, call.person.actor)

    async def _set_role(self, tx: Tx, one: Person, call: Call) -> None:
        await deeds.set_role(self.keeper, tx, one, call.form.role, call.person.actor)

    async def _revoke_all(self, tx: Tx, one: Person, call: Call) -> None:
        await deeds.revoke_all(self.keeper, tx, one, call.person.actor)

    async def _revoke(self, tx: Tx, one: Person, call: Call) -> None:
        await deeds.revoke(self.keeper, tx, one, call.part("sign_in"), call.person.actor)

    async def _add(self, call: Call) -> web.Response:
        form: AddForm = call.form
        made = "" if form.password else self.keeper.passwords.make()
        try:
            new = NewPerson.read(name=form.name, role=form.role, display=form.display)
            kept = await deeds.hashed(self.keeper, form.password or made, new.name)
            async with self.house.store.begin() as tx:
                one = await deeds.add(self.keeper, tx, new, kept, call.person.actor)
        except DomainError as error:
            return await self._page_of_all(call, form, _why(error), problem_of(error, "").status)
        return await self._tell_password(call, one, made) if made else see(f"{PATH}/{one.id}")

    async def _new_password(self, call: Call) -> web.Response:
        made = self.keeper.passwords.make()
        kept = await self.keeper.passwords.hash(made)
        async with self.house.store.begin() as tx:
            one = await people.get(tx, call.part("id"))
            await deeds.set_password(self.keeper, tx, one, kept, call.person.actor)
        return await self._tell_password(call, one, made)

    async def _tell_password(self, call: Call, one: Person, made: str) -> web.Response:
        """Show a password once: on the answer itself, which nobody keeps."""
        return await self.phone.page(call, "shown_once", person=one, password=made)

    async def _list(self, call: Call) -> web.Response:
        return await self._page_of_all(call, AddForm(name=""))

    async def _show(self, call: Call) -> web.Response:
        return await self._page(call, SAID.get(call.query.done, ""))

    async def _page_of_all(
        self, call: Call, form: AddForm, said: str = "", status: int = 200
    ) -> web.Response:
        async with self.house.store.read() as tx:
            found = await people.listing(tx)
        return await self.phone.page(
            call,
            "people",
            said=said,
            tone="bad",
            status=status,
            people=[(one, about(one.role).word) for one in found],
            roles=_ROLES,
            form=form,
            chars_min=PASSWORD_CHARS_MIN,
        )

    async def _page(self, call: Call, said: str, status: int = 200) -> web.Response:
        now = self.keeper.clock.machine_now()
        async with self.house.store.read() as tx:
            one = await people.get(tx, call.part("id"))
            live = await self.keeper.sign_ins.live(tx, one.id, self.keeper.lasting, now)
        return await self.phone.page(
            call,
            "person",
            said=said,
            tone="good" if status < 400 else "bad",  # noqa: PLR2004 - where failure begins
            status=status,
            person=one,
            role=about(one.role).word,
            roles=_ROLES,
            sign_ins=live,
        )


def _why(error: DomainError) -> str:
    """Say why something was not done, a field by the word that stands above it."""
    if not isinstance(error, Invalid):
        return str(error)
    return f"{_FIELDS.get(error.field, error.field)}: {error.reason}"
