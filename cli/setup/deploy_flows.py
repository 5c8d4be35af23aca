"""How `entrepot setup` deploys the flows of a prefect.yaml, and reports what changed.

It runs Prefect's own command, since a prefect.yaml may use everything that Prefect understands
(schedules, triggers, templates), and the functions behind that command are private.
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
from cli.setup.report import ChangeKind, SetupStep

PAGE = 200
HOME = "ENTREPOT_HOME"
VOLATILE_FIELDS = {
    "id", "created", "updated", "created_by", "updated_by", "last_polled", "status",
    "active_slots", "version_id", "version_info",
}  # fmt: skip
"""Fields that change although the deployment does not."""


class NotDeployed(CatalogError):
    """Prefect did not deploy the flows of a prefect.yaml."""


@dataclass(frozen=True, slots=True)
class FlowsFile:
    """A prefect.yaml: its path, its content, and the (name, entrypoint) of each deployment."""

    path: Path
    content: Mapping[str, Any]
    flows: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path) -> FlowsFile:
        """Read the file.

        Raises:
            InvalidInput: it cannot be read, or a deployment has no name or entrypoint.
        """
        try:
            content = yaml.safe_load(path.read_text())
            flows = tuple((item["name"], item["entrypoint"]) for item in content["deployments"])
        except (OSError, yaml.YAMLError) as error:
            raise InvalidInput(f"{path} cannot be read: {error}") from error
        except (KeyError, TypeError) as error:
            raise InvalidInput(
                f"{path}: expected `deployments` to be a list of entries with `name` and "
                f"`entrypoint`: {error}"
            ) from error
        return cls(path, content, flows)

    @property
    def pools(self) -> tuple[str, ...]:
        """Return the work pools that its deployments name."""
        pools = (item.get("work_pool") or {} for item in self.content["deployments"])
        return tuple(dict.fromkeys(pool["name"] for pool in pools if "name" in pool))

    def with_pool(self, pool: str) -> str:
        """Return its text with every deployment in the work pool `pool`."""
        deployments = [
            {**item, "work_pool": {**(item.get("work_pool") or {}), "name": pool}}
            for item in self.content["deployments"]
        ]
        return str(yaml.safe_dump({**self.content, "deployments": deployments}, sort_keys=False))


def set_up_flows(
    client: SyncPrefectClient, file: FlowsFile, pool: str | None, *, dry: bool
) -> Iterator[SetupStep]:
    """Deploy every flow of `file`, into `pool` if one is given.

    Raises:
        NotDeployed: Prefect's command failed; the error has the end of its output.
    """
    before = _deployed(client, file)
    if dry:
        for flow in file.flows:
            note = "" if flow not in before else "deployed; it may change"
            yield SetupStep(
                f"deployment {flow[0]}",
                ChangeKind.UNCHANGED if flow in before else ChangeKind.CREATED,
                note,
            )
        return
    _deploy(file, pool)
    after = _deployed(client, file)
    for flow in file.flows:
        if flow not in after:
            raise NotDeployed(f"{file.path}: {flow[0]} ({flow[1]}) was not deployed")
        if flow not in before:
            yield SetupStep(f"deployment {flow[0]}", ChangeKind.CREATED)
        else:
            same = before[flow] == after[flow]
            yield SetupStep(
                f"deployment {flow[0]}", ChangeKind.UNCHANGED if same else ChangeKind.CHANGED
            )


def _deployed(client: SyncPrefectClient, file: FlowsFile) -> dict[tuple[str, str], object]:
    """Return the server's deployments of the flows of `file`, without volatile fields."""
    names = DeploymentFilterName(any_=[name for name, _ in file.flows])
    query = DeploymentFilter(name=names)
    deployed: dict[tuple[str, str], object] = {}
    offset = 0
    while page := client.read_deployments(deployment_filter=query, limit=PAGE, offset=offset):
        for deployment in page:
            key = (deployment.name, deployment.entrypoint or "")
            deployed[key] = _without_volatile(deployment.model_dump())
        offset += len(page)
    return {flow: deployed[flow] for flow in file.flows if flow in deployed}


def _without_volatile(value: object) -> object:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return {
            name: _without_volatile(field)
            for name, field in fields.items()
            if name not in VOLATILE_FIELDS
        }
    if isinstance(value, list):
        return [_without_volatile(item) for item in cast("list[object]", value)]
    return value


def _deploy(file: FlowsFile, pool: str | None) -> None:
    home = file.path.absolute().parent
    environment = {
        HOME: str(home),
        **os.environ,
        **get_current_settings().to_environment_variables(exclude_unset=True),
    }
    with tempfile.TemporaryDirectory(prefix="entrepot-") as folder:
        path = file.path.absolute()
        if pool is not None:
            path = Path(folder) / "prefect.yaml"
            path.write_text(file.with_pool(pool))
        arguments = ["--no-prompt", "deploy", "--all", "--prefect-file", str(path)]
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "prefect", *arguments],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        printed = (done.stdout + done.stderr).strip()[-2000:]
        raise NotDeployed(f"`prefect deploy --all` failed for {file.path}:\n{printed}")
