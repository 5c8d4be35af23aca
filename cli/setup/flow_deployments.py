"""How `entrepot setup` deploys the flows of a prefect.yaml, and tells what that changed.

Prefect's own program does it, since a prefect.yaml may hold all that Prefect understands
(schedules, triggers, templates) and the functions behind the program are private.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.settings import get_current_settings

from catalog.errors import CatalogError, InvalidInput
from cli.setup.steps import ChangeKind, SetupStep

PAGE = 200
HOME = "ENTREPOT_HOME"
PASSING = {
    "id", "created", "updated", "created_by", "updated_by", "last_polled", "status",
    "active_slots", "version_id", "version_info",
}  # fmt: skip
"""What differs from one look to the next while a deployment is the same."""


class NotDeployed(CatalogError):
    """Prefect did not deploy what prefect.yaml holds."""


@dataclass(frozen=True, slots=True)
class FlowsFile:
    """A prefect.yaml: its place, its content, and the (name, entrypoint) of what it deploys."""

    path: Path
    content: Mapping[str, Any]
    flows: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path) -> FlowsFile:
        """Read it.

        Raises:
            InvalidInput: it cannot be read, or a deployment lacks its name or entrypoint.
        """
        try:
            content = yaml.safe_load(path.read_text())
            flows = tuple((one["name"], one["entrypoint"]) for one in content["deployments"])
        except (OSError, yaml.YAMLError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}") from error
        except (KeyError, TypeError) as error:
            raise InvalidInput(
                f"{path}: `deployments` is to be a list, each with `name` and `entrypoint`: {error}"
            ) from error
        return cls(path, content, flows)

    @property
    def pools(self) -> tuple[str, ...]:
        """The work pools that its deployments name."""
        named = (one.get("work_pool") or {} for one in self.content["deployments"])
        return tuple(dict.fromkeys(pool["name"] for pool in named if "name" in pool))

    def into(self, pool: str) -> str:
        """Return its text with every deployment in the work pool `pool`."""
        every = [
            {**one, "work_pool": {**(one.get("work_pool") or {}), "name": pool}}
            for one in self.content["deployments"]
        ]
        return str(yaml.safe_dump({**self.content, "deployments": every}, sort_keys=False))


def set_up_flows(
    client: SyncPrefectClient, file: FlowsFile, pool: str | None, *, dry: bool
) -> Iterator[SetupStep]:
    """Deploy every flow of `file`, into `pool` where one is given.

    Raises:
        NotDeployed: Prefect's program failed; its last words are in the error.
    """
    before = _deployed(client, file)
    if dry:
        for flow in file.flows:
            why = "" if flow not in before else "deployed; whether it would change is not known"
            yield SetupStep(
                f"deployment {flow[0]}", ChangeKind.KEPT if flow in before else ChangeKind.MADE, why
            )
        return
    _deploy(file, pool)
    after = _deployed(client, file)
    for flow in file.flows:
        if flow not in after:
            raise NotDeployed(f"{file.path}: {flow[0]} ({flow[1]}) was not deployed")
        if flow not in before:
            yield SetupStep(f"deployment {flow[0]}", ChangeKind.MADE)
        else:
            same = before[flow] == after[flow]
            yield SetupStep(
                f"deployment {flow[0]}", ChangeKind.KEPT if same else ChangeKind.CHANGED
            )


def _deployed(client: SyncPrefectClient, file: FlowsFile) -> dict[tuple[str, str], object]:
    """Return what the server holds of each flow of `file`, without what passes."""
    names = DeploymentFilterName(any_=[name for name, _ in file.flows])
    wanted = DeploymentFilter(name=names)
    found: dict[tuple[str, str], object] = {}
    offset = 0
    while page := client.read_deployments(deployment_filter=wanted, limit=PAGE, offset=offset):
        for one in page:
            found[one.name, one.entrypoint or ""] = _lasting(one.model_dump())
        offset += len(page)
    return {flow: found[flow] for flow in file.flows if flow in found}


def _lasting(value: object) -> object:
    if isinstance(value, dict):
        known = cast("dict[str, object]", value)
        return {name: _lasting(held) for name, held in known.items() if name not in PASSING}
    if isinstance(value, list):
        return [_lasting(one) for one in cast("list[object]", value)]
    return value


def _deploy(file: FlowsFile, pool: str | None) -> None:
    home = file.path.absolute().parent
    environment = {
        HOME: str(home),
        **os.environ,
        **get_current_settings().to_environment_variables(exclude_unset=True),
    }
    with tempfile.TemporaryDirectory(prefix="entrepot-") as folder:
        used = file.path.absolute()
        if pool is not None:
            used = Path(folder) / "prefect.yaml"
            used.write_text(file.into(pool))
        words = ["--no-prompt", "deploy", "--all", "--prefect-file", str(used)]
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "prefect", *words],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        told = (done.stdout + done.stderr).strip()[-2000:]
        raise NotDeployed(f"`prefect deploy --all` failed for {file.path}:\n{told}")
