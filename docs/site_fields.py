"""Pages of the reference that are made from providers, blocks, flows and the command line."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from importlib import import_module

from pydantic import BaseModel
from site_text import default, fields, first_sentences, kind, table

from cli.app import app
from cli.command_list import VERBS
from providers.registry import SCHEMES, provider, registered_providers

PROVIDERS = """# Fields of providers

The storage of a `Repository` block, by its type. What each can do and how far it was proven is in
[Providers](../providers.md). Secret text never shows in logs, names, parameters, errors or URLs.
"""

BLOCKS = """# Fields of blocks

What Prefect stores. `entrepot setup` makes the types known to a server, and so does
`prefect block register -m blocks`.
"""

GATEWAY = """# Configuration of the gateway

The YAML that `entrepot gateway --config` reads. `$VAR` and `${VAR}` stand for the environment's.
[The gateway](../gateway.md) has an example.
"""

FLOWS = """# Flows

What each takes, from Python, in a deployment and in the form of a run alike; the same on the
command line is in [Commands](commands.md). A repository is the name of a stored block, a path, a
URL or a `Repository`.
"""


def providers_page() -> str:
    """Return the page of each provider's fields."""
    parts = [PROVIDERS]
    for name in registered_providers():
        model = provider(name)
        schemes = ", ".join(f"`{one}://`" for one, serves in SCHEMES.items() if serves == name)
        parts.append(
            f"## `{name}`\n\n{first_sentences(model.__doc__)}"
            + (f" URLs: {schemes}.\n\n" if schemes else "\n\n")
            + fields(model)
        )
    return "\n".join(parts)


def blocks_page() -> str:
    """Return the page of the blocks that Prefect stores, and of the models inside them."""
    import blocks  # noqa: PLC0415 - imports Prefect

    parts = [BLOCKS]
    for name in blocks.__all__:
        block = getattr(blocks, name)
        parts.append(f"## `{name}`\n\n{first_sentences(block.__doc__)}\n\n" + fields(block))
        parts += [
            f"### `{model.__name__}`\n\n{first_sentences(model.__doc__)}\n\n" + fields(model)
            for model in _inside(block)
            if not model.__module__.startswith("providers.")
        ]
    return "\n".join(parts)


def _inside(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the models that a model's fields hold, each once, those below them too."""
    found: dict[type[BaseModel], None] = {}
    for field in model.model_fields.values():
        for one in _models(field.annotation):
            found |= dict.fromkeys([one, *_inside(one)])
    yield from found


def _models(hint: object) -> Iterator[type[BaseModel]]:
    if inspect.isclass(hint) and not typing.get_args(hint) and issubclass(hint, BaseModel):
        yield hint
    for one in typing.get_args(hint):
        yield from _models(one)


def gateway_page() -> str:
    """Return the page of the gateway's configuration."""
    from gateway.config import GatewayConfig  # noqa: PLC0415 - imports Prefect

    parts = [GATEWAY, fields(GatewayConfig)]
    parts += [
        f"## `{model.__name__}`\n\n{first_sentences(model.__doc__)}\n\n" + fields(model)
        for model in _inside(GatewayConfig)
    ]
    return "\n".join(parts)


def flows_page() -> str:
    """Return the page of each flow's parameters."""
    parts = [FLOWS]
    forms: dict[type[BaseModel], None] = {}
    for command in VERBS:
        module, _, name = command.place.partition(":")
        flow = getattr(import_module(module), name)
        told = flow.parameters.properties
        hints = typing.get_type_hints(flow.fn)
        rows = []
        for one in inspect.signature(flow.fn).parameters.values():
            hint = hints[one.name]
            forms |= dict.fromkeys(_models(hint))
            given = "**required**" if one.default is one.empty else default(one.default)
            rows.append((f"`{one.name}`", told[one.name].get("description", ""), kind(hint), given))
        parts.append(
            f"## `{name}`\n\n`from {module} import {name}`: {first_sentences(flow.fn.__doc__)}\n\n"
            + table(("parameter", "what", "type", "default"), rows)
        )
    parts += [
        f"## `{form.__name__}`\n\n`{form.__module__}`: {first_sentences(form.__doc__)}\n\n"
        + fields(form)
        for form in forms
        if form.__module__.startswith(("flows.", "transfer."))
    ]
    return "\n".join(parts)


def commands_page() -> str:
    """Return what cyclopts writes of the command line, as one page."""
    text: str = app().generate_docs(output_format="markdown", heading_level=1)
    return text.replace("# entrepot\n", "# Commands\n", 1)
