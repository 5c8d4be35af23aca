"""The role that each route requires, checked before anything is looked up.

A route declares it by the type of its first argument. Lists use `Some…`: a caller with the role for
anything has access, and sees only what it may see.
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
    """Return a check that requires a role for the thing that a request is about."""

    def check(request: Request, caller: Caller) -> None:
        caller.check(role, thing(request))

    return check


def require_role_anywhere(role: Role) -> Check:
    """Return a check that requires a role for any part of the tenant."""

    def check(_: Request, caller: Caller) -> None:
        caller.check_somewhere(role)

    return check


def authorized_context(check: Check) -> Callable[[Request, str], AsyncGenerator[Context]]:
    """Return a dependency that creates a request's context after `check` has passed.

    A route that occupies a thread also holds a slot of its tenant.
    """

    async def context(request: Request, tenant: str) -> AsyncGenerator[Context]:
        gateway: Gateway = request.app.state.gateway
        refuse_cross_site(request.method, request.headers)
        caller = await gateway.authenticate(request.scope, tenant)
        check(request, caller)
        found = Context(gateway, gateway.tenants[tenant], caller)
        endpoint = request.scope["endpoint"]
        if iscoroutinefunction(endpoint):  # it occupies no thread
            yield found
            return
        slots = gateway.slots if takes_slot(endpoint) else gateway.external_slots
        async with slots.slot(tenant):
            yield found

    return context


def _dependency(check: Check) -> Any:  # noqa: ANN401 - what FastAPI takes
    """Return a route's dependency, which ends before its response is sent."""
    return Depends(authorized_context(check), scope="function")


def tenant_of(_: Request) -> Thing:
    """Return the whole tenant."""
    return OfTenant()


def resource_of(request: Request) -> Thing:
    """Return the resource named in a path."""
    return OfResource(checked_name(request.path_params["name"]))


def repository_of(request: Request) -> Thing:
    """Return the repository named in a path."""
    return OfRepository(request.path_params["name"])


Admin = Annotated[Context, _dependency(require_role(Role.ADMIN, tenant_of))]
ResourceReader = Annotated[Context, _dependency(require_role(Role.READER, resource_of))]
ResourceWriter = Annotated[Context, _dependency(require_role(Role.WRITER, resource_of))]
RepositoryReader = Annotated[Context, _dependency(require_role(Role.READER, repository_of))]
RepositoryWriter = Annotated[Context, _dependency(require_role(Role.WRITER, repository_of))]
RepositoryAdmin = Annotated[Context, _dependency(require_role(Role.ADMIN, repository_of))]
SomeReader = Annotated[Context, _dependency(require_role_anywhere(Role.READER))]
SomeWriter = Annotated[Context, _dependency(require_role_anywhere(Role.WRITER))]
