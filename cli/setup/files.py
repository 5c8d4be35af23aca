"""Reads `limits.yaml` and `automations.yaml`: what they may hold, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast
from uuid import UUID

import yaml
from prefect.events.schemas.automations import AutomationCore
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from catalog.errors import InvalidInput
from tasks.concurrency_limit import PREFIX

Model = TypeVar("Model", bound=BaseModel)
Name = Annotated[str, Field(min_length=1)]
NOT_OURS = {"owner_resource"}  # the server refuses a change that names it
UNKNOWN_BLOCK = UUID(int=0)  # holds the place of a block's id until the server is asked for it


def read_template(path: Path) -> dict[str, Any]:
    """Read a work pool's base job template, YAML or JSON.

    Raises:
        InvalidInput: it cannot be read, or lacks one of its two parts.
    """
    name, content = _content(path, "")
    if not isinstance(content, dict) or content.keys() != {"job_configuration", "variables"}:
        raise InvalidInput(f"{name}: expected `job_configuration` and `variables`, no more or less")
    return cast("dict[str, Any]", content)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PoolLimit(_Strict):
    """How many runs of a work pool go on at once; None: as many as its workers take."""

    name: Name
    runs: Annotated[int, Field(ge=1)] | None


class SlotLimit(_Strict):
    """A global concurrency limit."""

    name: Name
    slots: Annotated[int, Field(ge=1)]
    per_second: Annotated[float, Field(ge=0)] = 0.0
    active: bool = True


class LimitsFile(_Strict):
    """All that `limits.yaml` may hold."""

    pools: list[PoolLimit] = []
    limits: list[SlotLimit] = []


class _AutomationsFile(_Strict):
    definitions: Any = None  # anchors
    automations: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class WantedAutomation:
    """An automation; `blocks` are the `type/name` that its actions use, by `(field, place)`."""

    core: AutomationCore
    blocks: Mapping[tuple[str, int], str]


def read_limits(path: Path | None) -> LimitsFile:
    """Read a limits file, by default the one that comes with Entrepot.

    Raises:
        InvalidInput: names the file and the key of everything that is wrong with it.
    """
    name, content = _content(path, "limits.yaml")
    found = _valid(LimitsFile, content, name, "")
    _once([one.name for one in found.pools], f"{name}: pools")
    _once([one.name for one in found.limits], f"{name}: limits")
    for place, one in enumerate(found.limits):
        if one.name.startswith(PREFIX):
            raise InvalidInput(
                f"{name}: limits.{place}.name: {one.name!r} is a repository's limit: "
                "set `limits` of its block instead"
            )
    return found


def read_automations(path: Path | None) -> tuple[WantedAutomation, ...]:
    """Read an automations file, by default the one that comes with Entrepot.

    Raises:
        InvalidInput: names the file and the key of everything that is wrong with it.
    """
    name, content = _content(path, "automations.yaml")
    found = _valid(_AutomationsFile, content, name, "").automations
    wanted = tuple(
        _automation(one, name, f"automations.{place}.") for place, one in enumerate(found)
    )
    _once([one.core.name for one in wanted], f"{name}: automations")
    return wanted


def _automation(given: dict[str, Any], file: str, where: str) -> WantedAutomation:
    blocks: dict[tuple[str, int], str] = {}
    plain = dict(given)
    for field in ("actions", "actions_on_trigger", "actions_on_resolve"):
        if not isinstance(plain.get(field), list):
            continue
        actions = [dict(one) if isinstance(one, dict) else one for one in plain[field]]
        for place, action in enumerate(actions):
            if isinstance(action, dict) and "block" in action:
                block = action.pop("block")
                if not isinstance(block, str) or len(block.split("/")) != 2:
                    raise InvalidInput(
                        f"{file}: {where}{field}.{place}.block: expected <type>/<name>, "
                        f"found {block!r}"
                    )
                blocks[field, place] = block
                action["block_document_id"] = UNKNOWN_BLOCK
        plain[field] = actions
    core = _valid(AutomationCore, plain, file, where)
    understood = core.model_dump(exclude=NOT_OURS)
    if unknown := list(_unknown(plain, understood, where)):
        raise InvalidInput(f"{file}: unknown: {', '.join(unknown)}")
    # All fields count as set from here on, for Prefect's client leaves the others out.
    return WantedAutomation(AutomationCore.model_validate(understood), blocks)


def _unknown(given: object, understood: object, where: str) -> Iterator[str]:
    """Return the keys of `given` that Prefect's model, which refuses none, has passed over."""
    if isinstance(given, dict) and isinstance(understood, dict):
        known = cast("dict[str, object]", understood)
        for key, value in cast("dict[str, object]", given).items():
            if key in known:
                yield from _unknown(value, known[key], f"{where}{key}.")
            else:
                yield f"{where}{key}"
    elif isinstance(given, list) and isinstance(understood, list):
        pairs = zip(cast("list[object]", given), cast("list[object]", understood), strict=False)
        for place, (one, other) in enumerate(pairs):
            yield from _unknown(one, other, f"{where}{place}.")


def _content(path: Path | None, shipped: str) -> tuple[str, object]:
    place = path or files("deployments") / shipped
    try:
        return str(place), yaml.safe_load(place.read_text("utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"{place} cannot be read: {error}") from error


def _valid(model: type[Model], content: object, file: str, where: str) -> Model:
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        lines = [
            f"{file}: {where}{'.'.join(map(str, one['loc']))}: {one['msg']}"
            for one in error.errors()
        ]
        raise InvalidInput("\n".join(lines)) from error


def _once(names: list[str], where: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"{where}: given more than once: {', '.join(map(repr, twice))}")
