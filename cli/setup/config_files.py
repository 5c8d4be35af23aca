"""Read and validate `limits.yaml`, `automations.yaml` and job templates."""

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
READ_ONLY_FIELDS = {"owner_resource"}  # the server refuses a change that names it
UNKNOWN_BLOCK = UUID(int=0)  # stands for a block's id until the server is asked for it


def read_template(path: Path) -> dict[str, Any]:
    """Read a work pool's base job template, YAML or JSON.

    Raises:
        InvalidInput: it cannot be read, or does not have exactly its two keys.
    """
    name, content = _read(path, "")
    if not isinstance(content, dict) or content.keys() != {"job_configuration", "variables"}:
        raise InvalidInput(f"{name}: expected exactly the keys `job_configuration` and `variables`")
    return cast("dict[str, Any]", content)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PoolLimit(_Strict):
    """How many runs of a work pool may run at once; None for no limit."""

    name: Name
    runs: Annotated[int, Field(ge=1)] | None


class SlotLimit(_Strict):
    """A global concurrency limit."""

    name: Name
    slots: Annotated[int, Field(ge=1)]
    per_second: Annotated[float, Field(ge=0)] = 0.0
    active: bool = True


class LimitsFile(_Strict):
    """The content of `limits.yaml`."""

    pools: list[PoolLimit] = []
    limits: list[SlotLimit] = []


class _AutomationsFile(_Strict):
    definitions: Any = None  # anchors
    automations: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class WantedAutomation:
    """An automation; `blocks` are the `type/name` that its actions use, by (field, index)."""

    core: AutomationCore
    blocks: Mapping[tuple[str, int], str]


def read_limits(path: Path | None) -> LimitsFile:
    """Read a limits file, by default the one that comes with Entrepot.

    Raises:
        InvalidInput: the file is invalid; the error names it and every wrong key.
    """
    name, content = _read(path, "limits.yaml")
    limits = _validate(LimitsFile, content, name, "")
    _refuse_duplicates([pool.name for pool in limits.pools], f"{name}: pools")
    _refuse_duplicates([limit.name for limit in limits.limits], f"{name}: limits")
    for index, limit in enumerate(limits.limits):
        if limit.name.startswith(PREFIX):
            raise InvalidInput(
                f"{name}: limits.{index}.name: {limit.name!r} is the limit of a repository: "
                "set `limits` of its block instead"
            )
    return limits


def read_automations(path: Path | None) -> tuple[WantedAutomation, ...]:
    """Read an automations file, by default the one that comes with Entrepot.

    Raises:
        InvalidInput: the file is invalid; the error names it and every wrong key.
    """
    name, content = _read(path, "automations.yaml")
    entries = _validate(_AutomationsFile, content, name, "").automations
    automations = tuple(
        _parse_automation(entry, name, f"automations.{index}.")
        for index, entry in enumerate(entries)
    )
    _refuse_duplicates([automation.core.name for automation in automations], f"{name}: automations")
    return automations


def _parse_automation(entry: dict[str, Any], file: str, where: str) -> WantedAutomation:
    blocks: dict[tuple[str, int], str] = {}
    plain = dict(entry)
    for field in ("actions", "actions_on_trigger", "actions_on_resolve"):
        if not isinstance(plain.get(field), list):
            continue
        actions = [dict(item) if isinstance(item, dict) else item for item in plain[field]]
        for index, action in enumerate(actions):
            if isinstance(action, dict) and "block" in action:
                block = action.pop("block")
                if not isinstance(block, str) or len(block.split("/")) != 2:
                    raise InvalidInput(
                        f"{file}: {where}{field}.{index}.block: expected <type>/<name>, "
                        f"found {block!r}"
                    )
                blocks[field, index] = block
                action["block_document_id"] = UNKNOWN_BLOCK
        plain[field] = actions
    core = _validate(AutomationCore, plain, file, where)
    understood = core.model_dump(exclude=READ_ONLY_FIELDS)
    if unknown := list(_unknown_keys(plain, understood, where)):
        raise InvalidInput(f"{file}: unknown keys: {', '.join(unknown)}")
    # Validated again so that all fields count as set: Prefect's client omits those that are not.
    return WantedAutomation(AutomationCore.model_validate(understood), blocks)


def _unknown_keys(value: object, understood: object, where: str) -> Iterator[str]:
    """Yield the keys of `value` that Prefect's model ignored; the model itself refuses none."""
    if isinstance(value, dict) and isinstance(understood, dict):
        known = cast("dict[str, object]", understood)
        for key, inner in cast("dict[str, object]", value).items():
            if key in known:
                yield from _unknown_keys(inner, known[key], f"{where}{key}.")
            else:
                yield f"{where}{key}"
    elif isinstance(value, list) and isinstance(understood, list):
        pairs = zip(cast("list[object]", value), cast("list[object]", understood), strict=False)
        for index, (item, understood_item) in enumerate(pairs):
            yield from _unknown_keys(item, understood_item, f"{where}{index}.")


def _read(path: Path | None, shipped: str) -> tuple[str, object]:
    source = path or files("deployments") / shipped
    try:
        return str(source), yaml.safe_load(source.read_text("utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"{source} cannot be read: {error}") from error


def _validate(model: type[Model], content: object, file: str, where: str) -> Model:
    try:
        return model.model_validate({} if content is None else content)
    except ValidationError as error:
        lines = [
            f"{file}: {where}{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise InvalidInput("\n".join(lines)) from error


def _refuse_duplicates(names: list[str], where: str) -> None:
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise InvalidInput(f"{where}: given more than once: {', '.join(map(repr, duplicates))}")
