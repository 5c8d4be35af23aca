"""Which role each route takes, and of what: decided before anything is looked up.

A route says it by the type of its first argument. One that lists says `Some…`: whoever has the role
anywhere is let in, and it shows only what the caller may see.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from inspect import iscoroutinefunction
from typing import Annotated, Any

from fastapi import Depends, Request

from catalog.access.grants import OfRepository, OfResource, OfTenant, Role, Thing
from gateway.access.authentication import Caller
from gateway.access.context import Context, Gateway
from gateway.access.csrf import refuse_cross_site
from gateway.limits.slots import takes_slot
from gateway.resource_store.names import checked_name

Check = Callable[[Request, Caller], None]


def require_role(role: Role, thing: Callable[[Request], Thing]) -> Check:
    """Return what lets those on who have a role in the thing that a request is about."""

    def check(request: Request, caller: Caller) -> None:
        caller.check(role, thing(request))

    return check


def require_role_anywhere(role: Role) -> Check:
    """Return what lets those on who have a role in any part of the tenant."""

    def check(_: Request, caller: Caller) -> None:
        caller.check_somewhere(role)

    return check


def authorized_context(check: Check) -> Callable[[Request, str], AsyncGenerator[Context]]:
    """Return what makes a request's context, once `check` has let its caller on.

    A route that holds a thread has its tenant's slot meanwhile.
    """

    async def context(request: Request, tenant: str) -> AsyncGenerator[Context]:
        gateway: Gateway = request.app.state.gateway
        refuse_cross_site(request.method, request.headers)
        caller = await gateway.caller(request.scope, tenant)
        check(request, caller)
        found = Context(gateway, gateway.tenants[tenant], caller)
        endpoint = request.scope["endpoint"]
        if iscoroutinefunction(endpoint):  # it holds no thread of its own
            yield found
            return
        slots = gateway.slots if takes_slot(endpoint) else gateway.outside
        async with slots.slot(tenant):
            yield found

    return context


def _given(check: Check) -> Any:  # noqa: ANN401 - what FastAPI takes
    """Return the dependency of a route, which ends before its reply is sent."""
    return Depends(authorized_context(check), scope="function")


def tenant_of(_: Request) -> Thing:
    """Return the whole tenant."""
    return OfTenant()


def resource_of(request: Request) -> Thing:
    """Return the resource that a path names."""
    return OfResource(checked_name(request.path_params["name"]))


def repository_of(request: Request) -> Thing:
    """Return the repository that a path names."""
    return OfRepository(request.path_params["name"])


Admin = Annotated[Context, _given(require_role(Role.ADMIN, tenant_of))]
ResourceReader = Annotated[Context, _given(require_role(Role.READER, resource_of))]
ResourceWriter = Annotated[Context, _given(require_role(Role.WRITER, resource_of))]
RepositoryReader = Annotated[Context, _given(require_role(Role.READER, repository_of))]
RepositoryWriter = Annotated[Context, _given(require_role(Role.WRITER, repository_of))]
RepositoryAdmin = Annotated[Context, _given(require_role(Role.ADMIN, repository_of))]
SomeReader = Annotated[Context, _given(require_role_anywhere(Role.READER))]
SomeWriter = Annotated[Context, _given(require_role_anywhere(Role.WRITER))]
