"""What the product tells about itself: log lines to standard error and metrics to be fetched.

Every line passes the redaction, whoever wrote it: our own, a library's, a crash's last words.
A log that cannot be written is lost and counted; it never stops the work.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, BinaryIO, Literal, TypeAlias

import orjson

from runtime.memory import unadorned
from runtime.metrics import Counter, Gauge, Histogram, counter, gauge, histogram, metrics
from runtime.redaction import redact

with unadorned("rich"):
    import structlog
    from structlog.contextvars import bound_contextvars

__all__ = [
    "Counter",
    "Gauge",
    "Histogram",
    "Style",
    "bound",
    "configure",
    "counter",
    "gauge",
    "get_log",
    "histogram",
    "metrics",
]

Style: TypeAlias = Literal["auto", "json", "console"]
EventDict: TypeAlias = MutableMapping[str, Any]

# `with bound(order="01K...", service="..."):` puts the ids on every line of the block.
bound = bound_contextvars

lines_lost = counter("boxoffice_log_lines_lost", "Log lines that could not be written")


def get_log() -> structlog.typing.FilteringBoundLogger:
    """Return the log: `log.info("work.applied", key=...)`."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log


def configure(
    *, level: str = "info", style: Style = "auto", stream: BinaryIO | None = None
) -> None:
    """Say once per process what is logged, how, and where to (standard error by default).

    Takes over the standard library's logging and the last words of a crash, too. `level` is one
    of debug, info, warning, error; other libraries are heard from warning up. The style "auto" is
    "console" where a person sits at a terminal.
    """
    _set_up(level, style, stream)
    root = logging.getLogger()
    root.handlers = [_Foreign()]
    root.setLevel(logging.WARNING)
    sys.excepthook = _last_words
    threading.excepthook = _last_words_of_thread


def _set_up(level: str, style: Style, stream: BinaryIO | None) -> None:
    lines = _Lines(stream)
    is_for_people = style == "console" or (style == "auto" and lines.is_terminal)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _redacted,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _ConsoleLine(lines) if is_for_people else _json_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        # A later configuration is heard by every logger; it costs 2 us a line.
        cache_logger_on_first_use=False,
    )


class _Lines:
    """Writes finished lines; the logger that structlog calls in the end."""

    def __init__(self, stream: BinaryIO | None) -> None:
        self._stream = stream

    def msg(self, line: bytes) -> None:
        """Write one line, or lose it: a full disk must not stop the billing."""
        try:
            # Asked for every time, since standard error may be replaced.
            stream = self._stream or sys.stderr.buffer
            stream.write(line + b"\n")
            stream.flush()
        except (OSError, ValueError, AttributeError):  # full, closed, or no such thing
            lines_lost.inc()

    debug = info = warning = error = critical = exception = msg

    @property
    def is_terminal(self) -> bool:
        """Say whether a person sits at the other end."""
        stream = self._stream or sys.stderr
        return stream is not None and stream.isatty()


class _ConsoleLine:
    """Renders a line for a person, coloured on a terminal."""

    def __init__(self, lines: _Lines) -> None:
        self._render = structlog.dev.ConsoleRenderer(colors=lines.is_terminal)

    def __call__(self, logger: Any, method: str, event: EventDict) -> bytes:
        return str(self._render(logger, method, event)).encode("utf-8", "backslashreplace")


class _Foreign(logging.Handler):
    """Brings lines written through the standard library into our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a line of ours."""
        try:
            text = record.getMessage()
        except Exception as error:  # noqa: BLE001 - a library's wrong format string
            text = f"{record.msg} ({type(error).__name__})"
        get_log().log(
            min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL),
            "library.said",
            logger=record.name,
            text=text,
            exc_info=record.exc_info or None,
        )


def _redacted(_logger: Any, _method: str, event: EventDict) -> EventDict:
    clean: EventDict = redact(event)
    return clean


def _json_line(_logger: Any, _method: str, event: EventDict) -> bytes:
    try:
        return orjson.dumps(event)
    except (TypeError, ValueError):
        # Integers beyond 64 bits and half surrogate pairs are fine for the standard library.
        return json.dumps(event, default=str, ensure_ascii=False).encode("utf-8", "replace")


def _last_words(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if not issubclass(kind, Exception):
        sys.__excepthook__(kind, error, trace)  # Ctrl-C is no crash
        return
    get_log().critical("process.crashed", exc_info=(kind, error, trace))


def _last_words_of_thread(said: threading.ExceptHookArgs) -> None:
    if said.exc_value is not None:
        _last_words(said.exc_type, said.exc_value, said.exc_traceback)


# Until the process has said otherwise: the same pipeline, so that nothing goes out unredacted.
_set_up("info", "json", None)
