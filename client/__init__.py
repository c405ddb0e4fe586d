"""A client of the HTTP API for programs of others: the standard library alone, nothing of ours."""

from client.calling import Client
from client.problems import Lost, Problem

__all__ = ["Client", "Lost", "Problem"]
