"""The journal as others read it: every posting, page by page, as plain text accounting."""

from billing.reads.journal.formats import FORMATS, Format
from billing.reads.journal.pages import Span, Written, page

__all__ = ["FORMATS", "Format", "Span", "Written", "page"]
