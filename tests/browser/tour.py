"""The pages that are pictured in the docs, and what anybody must be able to do on each of them."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Page, ViewportSize

PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)

# What is wrong on a page for those who see, point or hear less well; one sentence each.
_FAULTS = """() => {
  const all = (query) => [...document.querySelectorAll(query)];
  const found = [];
  if (!document.documentElement.lang) found.push("the page names no language");
  if (!document.title.trim()) found.push("the page has no title");
  if (all("h1").length !== 1) found.push(`${all("h1").length} headings of the first level`);
  for (const one of all("input:not([type=hidden], [hidden]), select, textarea")) {
    const labels = [...one.labels].map((label) => label.textContent);
    const name = one.getAttribute("aria-label") || labels.join("");
    if (!name.trim()) found.push(`${one.name || one.id} has no label`);
  }
  for (const one of all("button, a[href], summary")) {
    const name = one.getAttribute("aria-label") || one.textContent;
    if (!name.trim()) found.push(`${one.outerHTML.slice(0, 80)} has no name`);
  }
  const ids = all("[id]").map((one) => one.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) {
    found.push(`two things have the id ${id}`);
  }
  for (const one of all("a[href], button, input:not([type=hidden]), select, summary")) {
    if (!one.checkVisibility()) continue;
    one.focus();
    const style = getComputedStyle(one);
    if (document.activeElement === one
        && (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)) {
      found.push(`${one.outerHTML.slice(0, 80)} does not show that it has the focus`);
    }
  }
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`${scrollWidth - clientWidth} px run out of the page`);
  return found;
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One page of the product: whose it is, and its address with the names of what it is of."""

    who: str
    path: str


SIGHTS = {
    "overview": Sight(who="owner", path="/console/"),
    "household": Sight(who="owner", path="/console/accounts/{contract}"),
    "search": Sight(who="owner", path="/console/search?q={serial}"),
    "work": Sight(who="owner", path="/console/work"),
    "waiting": Sight(who="owner", path="/console/waiting"),
    "accounts": Sight(who="owner", path="/console/accounts"),
    "history": Sight(who="owner", path="/console/accounts/{contract}/history"),
    "statement": Sight(who="owner", path="/console/accounts/{contract}/statement"),
    "audit": Sight(who="owner", path="/console/audit"),
    "stock": Sight(who="owner", path="/field/stock"),
    "jobs": Sight(who="owner", path="/field/jobs"),
    "people": Sight(who="owner", path="/people"),
    "me": Sight(who="owner", path="/me"),
    "field": Sight(who="technician", path="/field/"),
    "field-job": Sight(who="technician", path="/field/jobs/{job}"),
    "field-register": Sight(who="technician", path="/field/register?job={job}"),
    "field-check": Sight(who="technician", path="/field/register?job={job}&serial={new}"),
    "field-box": Sight(who="technician", path="/field/box?serial={new}"),
    "portal-home": Sight(who="subscriber", path="/portal/"),
    "portal-shop": Sight(who="subscriber", path="/portal/shop"),
    "portal-invoice": Sight(who="subscriber", path="/portal/invoices/{invoice}"),
    "portal-invoices": Sight(who="subscriber", path="/portal/invoices"),
    "portal-statement": Sight(who="subscriber", path="/portal/statement"),
    "portal-me": Sight(who="subscriber", path="/portal/me"),
    "portal-boxes": Sight(who="subscriber", path="/portal/boxes"),
    "portal-sign-in": Sight(who="", path="/portal/sign-in"),
    "sign-in": Sight(who="", path="/sign-in"),
}


async def faults(page: Page) -> list[str]:
    """Say what is wrong with an open page for whoever sees, points or hears less well."""
    await page.keyboard.press("Tab")  # from now on the focus is shown as to one with a keyboard
    found: list[str] = await page.evaluate(_FAULTS)
    return found
