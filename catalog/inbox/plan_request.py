"""Converts a plan's request to the JSON of an order, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import cache

from pydantic import TypeAdapter

from catalog.model.plan import PlanRequest


@cache
def _adapter() -> TypeAdapter[PlanRequest]:
    return TypeAdapter(PlanRequest)


def request_to_json(request: PlanRequest) -> dict[str, object]:
    """Return the request as a JSON object."""
    return asdict(request)


def request_from_json(body: Mapping[str, object]) -> PlanRequest:
    """Return the request in a JSON object."""
    return _adapter().validate_python(dict(body))
