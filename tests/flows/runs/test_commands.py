"""Every command takes what its flow takes, and nothing else."""

from __future__ import annotations

import inspect
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest

from catalog.errors import InvalidInput
from cli.app import app
from cli.command_list import VERBS, Command


def flow_of(command: Command) -> Any:  # noqa: ANN401 - any flow
    module, _, name = command.place.partition(":")
    return getattr(import_module(module), name)


def enums(hint: object) -> list[type[Enum]]:
    """Return every enumeration inside a type."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [hint]
    return [one for inner in get_args(hint) for one in enums(inner)]


@pytest.mark.parametrize("command", VERBS, ids=lambda one: one.name)
def test_a_command_has_the_parameters_of_its_flow(command: Command) -> None:
    from cli.flows.commands import create_command  # noqa: PLC0415

    made = inspect.signature(create_command(command)).parameters
    theirs = inspect.signature(flow_of(command).fn).parameters
    assert [*made] == [*theirs, "output"]
    assert all(made[name].default == one.default for name, one in theirs.items())
    assert all(made[name].kind == one.kind for name, one in theirs.items())


@pytest.mark.parametrize("command", VERBS, ids=lambda one: one.name)
def test_a_choice_is_called_what_it_is_called_everywhere(command: Command) -> None:
    from cli.flows.parameters import command_signature  # noqa: PLC0415

    for one in command_signature(flow_of(command).fn).parameters.values():
        for choices in enums(one.annotation):
            for choice in choices:
                shown = choice.name.lower().replace("_", "-")
                assert str(choice.value).replace("_", "-") == shown, choices


def test_what_is_no_plain_text_is_given_as_json() -> None:
    from cli.flows.parameters import command_signature, parse_json_arguments  # noqa: PLC0415
    from flows.export_archive import export_archive  # noqa: PLC0415

    hints = command_signature(export_archive.fn)
    given = {
        "repository": '{"books": "/srv/books"}',
        "archive": "{x}",
        "versions": ['{"books": [2]}'],
    }
    assert parse_json_arguments(export_archive.fn, given) == {
        "repository": {"books": "/srv/books"},
        "archive": "{x}",  # a path, whatever it looks like
        "versions": {"books": [2]},
    }
    assert hints.parameters["repository"].annotation is str
    assert parse_json_arguments(export_archive.fn, {"versions": [3, 4]}) == {"versions": [3, 4]}
    assert parse_json_arguments(export_archive.fn, {"repository": "./{x}"}) == {
        "repository": "./{x}"
    }


@pytest.mark.parametrize("command", VERBS, ids=lambda one: one.name)
def test_every_parameter_can_be_given(command: Command) -> None:
    from cli.flows.parameters import command_signature  # noqa: PLC0415

    for name, parameter in command_signature(flow_of(command).fn).parameters.items():
        assert parameter.annotation not in {None, type(None)}, name


@pytest.mark.parametrize("text", ["tier=gold,place=a=b", '{"tier": "gold", "place": "a=b"}'])
def test_a_mapping_is_given_as_pairs_or_json(text: str) -> None:
    from cli.flows.parameters import parse_json_arguments  # noqa: PLC0415
    from flows.repair_all import repair_all  # noqa: PLC0415

    parsed = parse_json_arguments(repair_all.fn, {"labels": text, "names": None})
    assert parsed == {"labels": {"tier": "gold", "place": "a=b"}, "names": None}


@pytest.mark.parametrize("text", ["gold", "tier=gold,", "=gold"])
def test_a_mapping_without_a_key_or_value_is_refused(text: str) -> None:
    from cli.flows.parameters import parse_json_arguments  # noqa: PLC0415
    from flows.repair_all import repair_all  # noqa: PLC0415

    with pytest.raises(InvalidInput, match="labels: expected key=value or a JSON object"):
        parse_json_arguments(repair_all.fn, {"labels": text})


def test_json_that_is_none_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app()(["export-archive", '{"books": ', str(tmp_path / "archive")])
    assert ended.value.code == 2
    assert "begins like JSON but is not valid" in capsys.readouterr().err


def test_a_target_may_be_json_too() -> None:
    from cli.flows.parameters import parse_json_arguments  # noqa: PLC0415
    from flows.pull import pull  # noqa: PLC0415

    target = '{"remotePath": "a", "localPath": "b/"}'
    assert parse_json_arguments(pull.fn, {"targets": [target]}) == {
        "targets": [{"remotePath": "a", "localPath": "b/"}]
    }
    assert parse_json_arguments(pull.fn, {"targets": ["a", "b"]}) == {"targets": ["a", "b"]}
