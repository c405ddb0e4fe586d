"""Errors in the shape of the public API: a type, a code, and a list of reasons."""

from http import HTTPStatus
from typing import Any

from simulators.call import Reply, json_reply

_MESSAGES = {
    "invalid_api_usage": "Invalid API usage",
    "invalid_state": "The resource is in the wrong state",
    "validation_failed": "Validation failed",
    "gocardless": "Internal server error",
}


class ApiError(Exception):
    """A refusal."""

    def __init__(self, status: int, type_: str, reason: str, **more: Any) -> None:
        super().__init__(reason)
        self.status = status
        self.type = type_
        self.errors = [{"reason": reason, "message": reason.replace("_", " ").capitalize(), **more}]

    def reply(self) -> Reply:
        """Make the HTTP answer."""
        error = {
            "message": _MESSAGES[self.type],
            "errors": self.errors,
            "documentation_url": "https://developer.gocardless.com/api-reference",
            "type": self.type,
            "request_id": "00000000-0000-0000-0000-000000000000",
            "code": self.status,
        }
        return json_reply({"error": error}, self.status)


def usage(reason: str, status: int = HTTPStatus.BAD_REQUEST, **more: Any) -> ApiError:
    """Refuse a request that is no good whoever asks."""
    return ApiError(status, "invalid_api_usage", reason, **more)


def not_found() -> ApiError:
    """Refuse a resource that is not there."""
    return usage("resource_not_found", HTTPStatus.NOT_FOUND)


def state(reason: str, status: int = HTTPStatus.UNPROCESSABLE_ENTITY, **more: Any) -> ApiError:
    """Refuse what the state of things does not allow."""
    return ApiError(status, "invalid_state", reason, **more)


def validation(field: str, message: str, reason: str = "invalid_value") -> ApiError:
    """Refuse a field."""
    error = ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "validation_failed",
        reason,
        field=field,
        request_pointer=f"/{field}",
    )
    error.errors[0]["message"] = message
    return error
