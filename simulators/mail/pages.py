"""The page on which a person reads what was caught. Nothing in a mail becomes markup or script."""

from html import escape

import orjson
from aiohttp import web

from simulators.mail.box import Box, Mail
from simulators.page import STYLE_SOURCE, page

_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {STYLE_SOURCE}; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LOOK_AGAIN = '<meta http-equiv="refresh" content="3">'


class Pages:
    """The handlers of the page, and of the same as JSON."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def application(self) -> web.Application:
        """Make the web application."""
        app = web.Application()
        app.router.add_get("/", self.all)
        app.router.add_get("/mails.json", self.listed)
        app.router.add_get("/mails/{number:[0-9]{1,9}}", self.one)
        app.router.add_get("/mails/{number:[0-9]{1,9}}/raw", self.raw)
        return app

    async def all(self, request: web.Request) -> web.Response:
        """Show what was caught, newest first; perhaps only what went to one address."""
        mails = self._box.mails(request.query.get("to", ""))
        rows = "".join(_row(mail) for mail in mails)
        heads = "<tr><th>at</th><th>to</th><th>subject</th></tr>"
        table = f"<table>{heads}{rows}</table>" if mails else "<p>Nothing was caught yet.</p>"
        return _html("Caught mail", f"<h1>Caught mail</h1>{table}", _LOOK_AGAIN)

    async def one(self, request: web.Request) -> web.Response:
        """Show one mail."""
        mail = self._found(request)
        lines = "".join(
            f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
            for name, value in mail.headers.items()
        )
        back, raw = '<a href="/">all</a>', f'<a href="/mails/{mail.number}/raw">as it came</a>'
        body = f"<p>{back} · {raw}</p><h1>{escape(mail.subject)}</h1><dl>{lines}</dl>"
        return _html(mail.subject, f"{body}<pre>{escape(mail.text)}</pre>")

    async def raw(self, request: web.Request) -> web.Response:
        """Give every byte of one mail, as text."""
        mail = self._found(request)
        return web.Response(body=mail.raw, content_type="text/plain", headers=_HEADERS)

    async def listed(self, request: web.Request) -> web.Response:
        """Give what was caught as JSON."""
        mails = [mail.shown() for mail in self._box.mails(request.query.get("to", ""))]
        body = orjson.dumps({"mails": mails})
        return web.Response(body=body, content_type="application/json", headers=_HEADERS)

    def _found(self, request: web.Request) -> Mail:
        mail = self._box.find(int(request.match_info["number"]))
        if mail is None:
            raise web.HTTPNotFound
        return mail


def _row(mail: Mail) -> str:
    link = f'<a href="/mails/{mail.number}">{escape(mail.subject) or "(no subject)"}</a>'
    to = escape(", ".join(mail.to))
    return f"<tr><td>{mail.at:%F %T}</td><td>{to}</td><td>{link}</td></tr>"


def _html(title: str, body: str, more: str = "") -> web.Response:
    text = page(title, body, more)
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)
