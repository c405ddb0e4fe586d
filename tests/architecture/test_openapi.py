"""The API's own description is whole, valid, and the one that stands in the reference."""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.web.api.routes import API
from app.web.openapi import document, noun_of, statuses_of, text
from app.web.route import SAFE_METHODS

FROZEN = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"


@cache
def told() -> dict[str, Any]:
    """Describe all routes, once for all tests."""
    return document(API)


def problems(described) -> list[str]:
    """Return what the validator has to say."""
    return [one.message for one in OpenAPIV31SpecValidator(described).iter_errors()]


def test_the_frozen_description_is_what_the_routes_declare():
    """docs/reference/openapi.json is written from the routes: no change goes unseen."""
    assert FROZEN.read_text("utf-8") == text(), (
        "write it again: .venv/bin/python -m app.web.openapi > docs/reference/openapi.json"
    )


def test_the_description_is_valid():
    """A validator of others finds nothing wrong, and finds what is put wrong."""
    assert problems(told()) == []
    broken = copy.deepcopy(told())
    broken["paths"]["/api/v1/accounts/{contract}"]["get"]["parameters"][0]["in"] = "nowhere"
    assert problems(broken)


def test_every_route_is_described_by_a_name_of_its_own():
    """Each route has its operation, its words and one tag; no two have the same name."""
    ways = [way for by_method in told()["paths"].values() for way in by_method.values()]
    assert len(ways) == len(API)
    assert len({way["operationId"] for way in ways}) == len(ways)
    for way in ways:
        assert way["summary"]
        assert way["tags"] == [way["operationId"].partition(".")[0]]
    assert [one["name"] for one in told()["tags"]] == list(dict.fromkeys(map(noun_of, API)))


def test_every_shape_has_a_name_of_its_own():
    """No two shapes share a name, so that none is called after its module."""
    assert [name for name in told()["components"]["schemas"] if "__" in name] == []


@pytest.mark.parametrize("route", API, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_tells_all_it_takes_and_answers(route):
    """Parts, query, body, key and each status stand in the operation; every part has a pattern."""
    way = told()["paths"][route.path][route.method.lower()]
    given = [one for one in way["parameters"] if "name" in one]
    assert {one["name"] for one in given if one["in"] == "path"} == route.named_parts
    assert all("pattern" in one["schema"] for one in given if one["in"] == "path")
    assert {one["name"] for one in given if one["in"] == "query"} == set(route.query.model_fields)
    changes = route.method not in SAFE_METHODS
    assert ("#/components/parameters/Idempotency-Key" in json.dumps(way)) == changes
    assert ("requestBody" in way) == (route.body is not None) == changes
    assert set(map(int, way["responses"])) == statuses_of(route)
