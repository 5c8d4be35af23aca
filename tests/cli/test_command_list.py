"""The commands: which there are, and that asking for help loads nothing."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from cli.command_list import COMMANDS, VERBS, Command

ROOT = Path(__file__).parents[2]
WITHOUT_PREFECT = """
import sys
sys.argv = {words!r}
from cli.app import main
try:
    main()
finally:
    print("loaded:", "prefect" in sys.modules, file=sys.stderr)
"""


def said(*words: str) -> str:
    """Return what `entrepot` prints, and whether it loaded Prefect."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PREFECT.format(words=["entrepot", *words])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_every_deployed_flow_has_a_command_of_its_name() -> None:
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    places = {one["name"]: one["entrypoint"] for one in deployed}
    # `explain` only reads: on the command line it is a question, for which no run is started.
    commands = {one.name: one.place.replace(":", ".") for one in VERBS}
    assert {name: place for name, place in places.items() if name != "explain"} == commands


def test_names_are_given_once() -> None:
    assert len({one.name for one in COMMANDS}) == len(COMMANDS)


def test_help_names_every_command_and_loads_no_prefect() -> None:
    text = said("--help")
    assert not [one.name for one in COMMANDS if f" {one.name} " not in text]
    assert text.rstrip().endswith("loaded: False")


def test_the_version_is_the_package_s() -> None:
    from importlib.metadata import version  # noqa: PLC0415

    assert version("entrepot") in said("--version")


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one not in VERBS], ids=lambda one: one.name
)
def test_every_other_command_is_where_the_table_says(command: Command) -> None:
    module, _, name = command.place.partition(":")
    assert callable(getattr(import_module(module), name))
