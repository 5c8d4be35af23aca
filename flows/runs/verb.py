"""A verb: what a person runs, as a Prefect flow or directly.

It refuses secrets in addresses before a run exists, and takes a provider's mapping for a repository
where it is called directly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from blocks.resolve import repository
from orchestration.verb import Verb
from orchestration.verb_settings import Arguments
from providers.registry import registered_providers, scheme_of
from providers.shared.url import parse_url

P = ParamSpec("P")
R = TypeVar("R")


def verb(name: str, run_name: Callable[[], str]) -> Callable[[Callable[P, R]], Verb[P, R]]:
    """Create a verb from a function; `run_name` names each run in Prefect's UI."""

    def decorate(function: Callable[P, R]) -> Verb[P, R]:
        return Verb.create(function, name, run_name, _prepare)

    return decorate


def _prepare(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    refuse_secrets([*args, *kwargs.values()])
    return (
        tuple(map(_resolve_mappings, args)),
        {name: _resolve_mappings(value) for name, value in kwargs.items()},
    )


def _resolve_mappings(value: Any) -> Any:  # noqa: ANN401 - any parameter
    """Replace each mapping that has a provider's `type` by a repository.

    Only direct calls have such mappings; in a form a repository is picked or named.
    """
    if isinstance(value, list):
        return [_resolve_mappings(item) for item in value]
    if isinstance(value, Mapping) and value.get("type") in registered_providers():
        return repository(value)
    return value


def refuse_secrets(values: list[object]) -> None:
    """Raise `SecretInUrl` if an address among `values` contains a password."""
    for value in values:
        if isinstance(value, str) and scheme_of(value) is not None:
            parse_url(value)
        elif isinstance(value, list | tuple):
            refuse_secrets(list(value))
        elif isinstance(value, Mapping):
            refuse_secrets(list(value.values()))
