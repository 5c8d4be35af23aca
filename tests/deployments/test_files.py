"""What the files for operators name is there: settings, folders, commands, pools.

No container is built or started; test_compose.py starts what would run in them.
"""

from __future__ import annotations

import re
import shlex
from importlib.metadata import entry_points
from inspect import getsource
from typing import Any

import yaml

from catalog.settings import Settings
from tests.deployments.conftest import ROOT
from tests.test_layout import PACKAGES

PLACE = ROOT / "deployments"
COMPOSE: dict[str, Any] = yaml.safe_load((PLACE / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENCRYPTION = "PREFECT_SERVER_ENCRYPTION_KEY"
OF_THE_IMAGE = {"PATH", "PYTHONUNBUFFERED", "DO_NOT_TRACK", "ENTREPOT_HOME"}


def instructions() -> list[tuple[str, list[str]]]:
    """Return the instructions of the Dockerfile: the word, and its arguments."""
    text = (PLACE / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, shlex.split(rest)) for word, _, rest in (line.partition(" ") for line in lines)]


def settings() -> set[str]:
    """Return every environment variable that Prefect or Entrepot reads."""
    from prefect.server.utilities import encryption  # noqa: PLC0415 - reads it by itself
    from prefect.settings.legacy import (  # noqa: PLC0415 - imports Prefect
        _get_settings_fields,  # pyright: ignore[reportPrivateUsage]
    )
    from prefect.settings.models.root import Settings as Prefects  # noqa: PLC0415

    ours = {f"ENTREPOT_{field.upper()}" for field in Settings.model_fields}
    settled = {name for name in _get_settings_fields(Prefects) if name.isupper()}
    return ours | settled | {key for key in (ENCRYPTION,) if key in getsource(encryption)}


def test_every_variable_is_a_setting() -> None:
    known = settings()
    for name, service in SERVICES.items():
        if "build" in service:
            assert service["environment"].keys() <= known, name
    given = {one.split("=")[0] for word, words in instructions() if word == "ENV" for one in words}
    assert given - OF_THE_IMAGE <= known
    assert given >= OF_THE_IMAGE


def test_the_server_has_the_settings_that_are_measured() -> None:
    from orchestration.server_environment import SERVER_ENVIRONMENT  # noqa: PLC0415 - imports Prefect

    assert SERVICES["server"]["environment"].items() >= SERVER_ENVIRONMENT.items()


def test_every_program_of_a_service_is_one_that_the_image_installs() -> None:
    installed = {one.name for one in entry_points(group="console_scripts")}
    for service in SERVICES.values():
        if "build" in service:
            assert service["command"][0] in installed
    assert (ROOT / "deployments" / SERVICES["server"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / SERVICES["server"]["build"]["dockerfile"]).samefile(PLACE / "Dockerfile")


def test_services_wait_for_services_that_are_there() -> None:
    for name, service in SERVICES.items():
        assert service.get("depends_on", {}).keys() <= SERVICES.keys() - {name}
        used = {one.partition(":")[0] for one in service.get("volumes", [])}
        assert used <= COMPOSE["volumes"].keys()


def test_the_image_has_every_package_and_nothing_that_is_not_there() -> None:
    copied = [
        words[:-1] for word, words in instructions() if word == "COPY" and "--from" not in words[0]
    ]
    sources = {source for one in copied for source in one}
    assert not [source for source in sources if not (ROOT / source).exists()]
    assert sources >= {*PACKAGES, "pyproject.toml", "constraints.txt", "prefect.yaml"}


def test_the_image_is_nobody_s_registry_s_and_does_not_run_as_root() -> None:
    said = instructions()
    images = [words[0] for word, words in said if word == "FROM"]
    images += [words[0].partition("=")[2] for word, words in said if word == "ARG"]
    images += [service["image"] for service in SERVICES.values()]
    assert not [image for image in images if "/" in image]
    last = max(place for place, (word, _) in enumerate(said) if word == "FROM")
    assert ("USER", ["entrepot"]) in said[last:]


def test_the_kubernetes_template_declares_every_variable_that_it_uses() -> None:
    template = yaml.safe_load((PLACE / "kubernetes-work-pool.yaml").read_text())
    declared: dict[str, Any] = template["variables"]["properties"]

    def used(value: object) -> set[str]:
        if isinstance(value, dict):
            return set[str]().union(*map(used, value.values()))
        if isinstance(value, list):
            return set[str]().union(*map(used, value))
        return set(re.findall(r"{{ (\w+) }}", str(value)))

    assert used(template["job_configuration"]) == declared.keys()
