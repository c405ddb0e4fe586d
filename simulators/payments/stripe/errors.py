"""Errors in the shape of Stripe's public API: {"error": {"type", "code", "message", ...}}."""

from http import HTTPStatus
from typing import Any

from simulators.call import Reply, json_reply


class ApiError(Exception):
    """A refusal; `is_final` ones are remembered under the idempotency key."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(error.get("message", ""))
        self.status = status
        self.error = error

    @property
    def is_final(self) -> bool:
        """Whether the request had begun to act, as a declined card has."""
        return self.status == HTTPStatus.PAYMENT_REQUIRED

    def reply(self) -> Reply:
        """Make the HTTP answer."""
        return json_reply({"error": self.error}, self.status)


def invalid(message: str, *, param: str = "", code: str = "", status: int = 400) -> ApiError:
    """Make an invalid_request_error."""
    error: dict[str, Any] = {"message": message, "type": "invalid_request_error"}
    if param:
        error["param"] = param
    if code:
        error["code"] = code
    return ApiError(status, error)


def missing(param: str) -> ApiError:
    """Make the error of a parameter that must be there."""
    return invalid(f"Missing required param: {param}.", param=param, code="parameter_missing")


def unknown_object(kind: str, number: str, *, param: str = "id") -> ApiError:
    """Make the error of an object that does not exist: 404 in a path, 400 in a parameter."""
    return invalid(
        f"No such {kind}: '{number}'",
        param=param,
        code="resource_missing",
        status=404 if param == "id" else 400,
    )


def idempotency(message: str, *, status: int, code: str = "") -> ApiError:
    """Make an idempotency_error."""
    error = {"message": message, "type": "idempotency_error"}
    if code:
        error["code"] = code
    return ApiError(status, error)
