"""A browser as small as a technician's phone needs: pages, their forms, redirects, cookies.

No script runs in it. It fills in what a page asks for and sends what the page would send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from demo.client import Answer, Client
from demo.proof import StoryError

REDIRECTS_MAX = 5
_WRONG = 400
_CHOICES = frozenset({"radio", "checkbox"})


@dataclass(slots=True, kw_only=True)
class Form:
    """Where a form goes, and what it holds as the page was drawn."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Link:
    """Where a link leads, and what it says."""

    to: str
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is on the screen: its address, its links and its forms."""

    path: str
    links: Sequence[Link]
    forms: Sequence[Form]


class Phone:
    """One browser at one site."""

    def __init__(self, client: Client, url: str) -> None:
        self._client = client
        self._url = url
        self._cookies: dict[str, str] = {}

    async def open(self, path: str) -> Page:
        """Go to an address. Raises StoryError where the page says that something is wrong."""
        return await self._go("GET", path)

    async def follow(self, page: Page, towards: str, saying: str = "") -> Page:
        """Follow the one link that begins so and says that. Raises StoryError, as `open` does."""
        leading = [link for link in page.links if link.to.startswith(towards)]
        found = {link.to for link in leading if saying in link.says}
        if len(found) != 1:
            raise StoryError(f"the page {page.path} has {len(found)} links to {towards}")
        return await self._go("GET", found.pop())

    async def send(self, page: Page, action: str, **filled: str) -> Page:
        """Fill in a form of a page and send it. Raises StoryError, as `open` does."""
        forms = [form for form in page.forms if form.action == action]
        if len(forms) != 1 or not filled.keys() <= forms[0].fields.keys():
            asked = [f"{form.action} ({', '.join(form.fields)})" for form in page.forms]
            raise StoryError(f"the page {page.path} does not ask for that, but for {asked}")
        return await self._go(forms[0].method, action, forms[0].fields | filled)

    async def _go(self, method: str, path: str, fields: Mapping[str, str] | None = None) -> Page:
        """Ask, and follow where one is led."""
        answer = await self._ask(method, path, fields)
        for _ in range(REDIRECTS_MAX):
            if "Location" not in answer.headers:
                return _page(path, answer)
            path = urljoin(path, answer.headers["Location"])
            answer = await self._ask("GET", path, None)
        raise StoryError(f"the page {path} leads on without end")

    async def _ask(self, method: str, path: str, fields: Mapping[str, str] | None) -> Answer:
        kept = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        # A browser tells with every form which site's page it is from.
        headers = {"Cookie": kept} | ({} if method == "GET" else {"Origin": self._url})
        given = {"query" if method == "GET" else "form": fields}
        answer = await self._client.call(method, self._url + path, headers=headers, **given)
        self._cookies |= answer.cookies
        return answer


def _page(path: str, answer: Answer) -> Page:
    reading = _Reading()
    reading.feed(answer.text)
    said = " ".join("".join(reading.said).split())
    if answer.status >= _WRONG:
        raise StoryError(f"the page {path} says HTTP {answer.status}: {said or 'nothing'}")
    return Page(path=urlsplit(path).path, links=reading.links, forms=reading.forms)


class _Reading(HTMLParser):
    """Finds the links and forms of a page, and what it says in its own voice."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.forms: list[Form] = []
        self.said: list[str] = []
        self._form: Form | None = None
        self._select = ""
        self._is_said = False
        self._is_in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take up what begins."""
        given = {name: value or "" for name, value in attrs}
        if given.get("role") in {"status", "alert"}:
            self._is_said = True
        if tag == "a":
            self.links.append(Link(to=given.get("href", "")))
            self._is_in_link = True
        if tag == "form":
            method = given.get("method", "get").upper()
            self._form = Form(action=given.get("action", ""), method=method)
            self.forms.append(self._form)
        elif self._form is not None:
            self._take(self._form, tag, given)

    def _take(self, form: Form, tag: str, given: Mapping[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "input" and name:
            if given.get("type") not in _CHOICES or "checked" in given:
                form.fields[name] = value
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            is_first = self._select not in form.fields
            if is_first or "selected" in given:
                form.fields[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        """Leave what ends."""
        if tag == "form":
            self._form = None
        elif tag == "a":
            self._is_in_link = False
        elif tag == "select":
            self._select = ""
        elif tag == "p":
            self._is_said = False

    def handle_data(self, data: str) -> None:
        """Hear what is said."""
        if self._is_said:
            self.said.append(data)
        if self._is_in_link:
            self.links[-1].says += data
