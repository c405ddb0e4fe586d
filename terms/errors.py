"""Every error the product raises on purpose. The class is the decision; nobody parses messages.

    BoxofficeError
     |- DomainError            the request is at fault; app.web maps these to HTTP in one table
     |   |- NotFound           no such thing
     |   |- Invalid            a value is wrong; `field` names it
     |   |- InvalidTransition  the state machine does not allow this step
     |   |- Duplicate          it exists already, with other content
     |   `- Forbidden          this actor may not
     `- TargetError            something outside us answered badly, or not at all
         |- Unreachable        nobody answered: the target's breaker opens, attempts are not counted
         |- Retryable          "not now": back-off, up to N, then parked
         |   `- Throttled      ... and it said when
         |- Conflict           the world moved or the key is taken: observe and plan once more
         `- Permanent          "never": parked with the reason until something newer is wished
             |- Unauthorized   our credentials: the whole target is parked
             `- Unsupported    the wish cannot be expressed there

An error of any other class is a bug of ours: three tries, then parked with its traceback.

Whether a request had an effect is another question than what to do next: `is_untouched` answers
it, and nobody may take it for answered where it is not set.
"""

from __future__ import annotations

from typing import TypeVar


class BoxofficeError(Exception):
    """Base of all errors raised on purpose."""


class DomainError(BoxofficeError):
    """The request is at fault; `field` names the value that is, where one is."""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NotFound(DomainError):
    """No such thing."""


class Invalid(DomainError):
    """A value is wrong; `field` names which."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}", field=field)
        self.reason = reason


class InvalidTransition(DomainError):
    """The state machine does not allow this step."""


class Duplicate(DomainError):
    """It exists already, with other content."""


class Forbidden(DomainError):
    """This actor may not."""


class TargetError(BoxofficeError):
    """Something outside us answered badly, or not at all.

    `is_untouched` says that for certain nothing happened there. Unless whoever raises the error
    knows that, the request may have been carried out.
    """

    is_untouched: bool = False


E = TypeVar("E", bound=TargetError)


def untouched(error: E) -> E:
    """Say of an error that for certain nothing happened there: refused, or never sent."""
    error.is_untouched = True
    return error


class Unreachable(TargetError):
    """Nobody answered: refused, no name, time-out, 502, 503, 504."""


class Retryable(TargetError):
    """It answered "not now"."""


class Throttled(Retryable):
    """It answered "not now" and said when; `retry_after_s` is already clamped by the caller."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Conflict(TargetError):
    """The world moved, or the key is taken by somebody else."""


class Permanent(TargetError):
    """It answered "never"."""


class Unauthorized(Permanent):
    """Our credentials are refused, which comes before anything is done."""

    is_untouched = True


class Unsupported(Permanent):
    """The wish cannot be expressed at this target, so that nothing is sent."""

    is_untouched = True
