"""`prefect.yaml` deploys every flow there is, by its module."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def verbs() -> dict[str, str]:
    """Return the entrypoint of every flow, by its name."""
    from orchestration.verb import Verb  # noqa: PLC0415 - imports Prefect

    found: dict[str, str] = {}
    for path in sorted((ROOT / "flows").glob("*.py")):
        module = importlib.import_module(f"flows.{path.stem}")
        for name, value in vars(module).items():
            if isinstance(value, Verb) and value.fn.__module__ == module.__name__:  # pyright: ignore[reportUnknownMemberType]
                found[value.name] = f"flows.{path.stem}.{name}"
    return found


def test_every_flow_has_a_deployment_with_a_description() -> None:
    text: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    deployed = {one["name"]: one["entrypoint"] for one in text["deployments"]}

    assert deployed == verbs()
    assert all(one["description"].endswith(".") for one in text["deployments"])
