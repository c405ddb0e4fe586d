"""Has all stores of a test process share what is compiled for them: a fifth of their work.

An engine of SQLAlchemy compiles each statement once. Every test has a store of its own, and with it
engines that would compile all of them anew. What is shared is the dialect of one that has connected
already, and what was compiled with it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncEngine

from runtime.store import postgres, sqlite

_compiled: dict[type, tuple[Any, Any]] = {}


def share() -> None:
    """Begin to share; what a test starts as a process of its own shares nothing."""
    for module, name in ((sqlite, "create_engine"), (postgres, "create_async_engine")):
        vars(module)[name] = _sharing(vars(module)[name])


def _sharing(make: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(make)
    def made(*words: Any, **named: Any) -> Any:
        engine = make(*words, **named)
        _join(engine.sync_engine if isinstance(engine, AsyncEngine) else engine)
        return engine

    return made


def _join(engine: Engine) -> None:
    kind = type(engine.dialect)
    known = _compiled.get(kind)
    if known is None:
        own = engine.dialect, engine._compiled_cache
        event.listen(engine, "first_connect", lambda *_: _compiled.setdefault(kind, own))
    else:
        engine.dialect, engine._compiled_cache = known
        engine.pool._dialect = engine.dialect
