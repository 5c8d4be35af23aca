"""What an operator asks of a running gateway beyond its metrics."""

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
    seconds: Annotated[float, Query(gt=0, le=60, description="For how long to look.")] = 5.0,
) -> str:
    """Return where the gateway spends its time, a collapsed stack a line, for a flame graph."""
    del context
    return profile(seconds)
