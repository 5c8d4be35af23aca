"""Profiles of a running gateway."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse

from gateway.access.authorization import Admin
from gateway.limits.slots import without_slot
from gateway.ops.profiling import profile

router = APIRouter(prefix="/v1/{tenant}", tags=["operate"])


@router.get("/profile", response_class=PlainTextResponse)
@without_slot
def profiled(
    context: Admin,
    seconds: Annotated[float, Query(gt=0, le=60, description="Duration in seconds.")] = 5.0,
) -> str:
    """Profile the gateway, and return one collapsed stack per line, for a flame graph."""
    del context
    return profile(seconds)
