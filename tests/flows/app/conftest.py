"""What tests of the whole product may ask for."""

from collections.abc import Iterator
from functools import cache

import pytest
from typer.main import get_command

from tests.flows.app.commands import boxoffice, harbour_files
from tests.flows.app.counter import counter
from tests.flows.app.served import (
    ENVIRONMENT,
    HARBOUR,
    at_work,
    data_folder,
    harbour,
    harbour_folder,
    house,
    rest,
    served,
)
from tests.flows.app.simulated import portal, provider, running_portal, running_provider

__all__ = [
    "ENVIRONMENT",
    "HARBOUR",
    "at_work",
    "boxoffice",
    "counter",
    "data_folder",
    "harbour",
    "harbour_files",
    "harbour_folder",
    "house",
    "portal",
    "provider",
    "rest",
    "running_portal",
    "running_provider",
    "served",
]


@pytest.fixture(scope="session", autouse=True)
def commands_built_once() -> Iterator[None]:
    """Have the runner of command lines build all commands once, not anew for each line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(get_command))
        yield
