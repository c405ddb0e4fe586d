"""The look of the few pages of simulators that a person opens: readable, and plainly no product."""

from base64 import b64encode
from hashlib import sha256
from html import escape

STYLE = """
body { max-width: 48rem; margin: 0 auto; padding: 1rem; }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1d2126; }
h1 { font-size: 1.4rem; line-height: 1.25; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.4rem 0.8rem 0.4rem 0; overflow-wrap: anywhere; }
tr { border-bottom: 1px solid #ccc; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.1rem 1rem; }
dl { font-size: 0.875rem; }
dt { color: #5d6670; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { font-size: 0.8rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; background: #f3f3f3; }
.amount { font-size: 1.6rem; font-weight: 600; margin: 0; }
.note { color: #b3261e; }
form { display: grid; gap: 0.8rem; max-width: 24rem; }
label, input { display: block; width: 100%; box-sizing: border-box; }
input, button { font: inherit; padding: 0.6rem; min-height: 2.75rem; }
"""
# CSP level 3, 2.3.1: a style whose text has this hash is let in, and no other.
STYLE_SOURCE = f"'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"


def page(title: str, body: str, head: str = "") -> str:
    """Write a page; the title is text, body and head are markup."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>{head}</head>"
        f"<body>{body}</body></html>"
    )
