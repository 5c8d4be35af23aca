"""Workflow files: what they may say, what it means, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from catalog.errors import InvalidInput

if TYPE_CHECKING:
    from blocks.repository import Repository
    from flows.workflows.file import Workflow, Workflows

EXAMPLE = Path(__file__).parent / "ingest-workflow.yaml"
ENDS = """
sources:
- {name: s, type: local, path: /in}
- {name: broken, type: noop, error: as told}
- {name: unused, type: noop, error: nobody asks}
destinations:
- {name: d, type: local, path: /out}
- {name: broken, type: noop, error: as told}
"""


def workflows(
    text: str, variables: Mapping[str, str] | None = None, *, strict: bool = True
) -> Workflows:
    from flows.workflows.file import build_workflows  # noqa: PLC0415 - imports Prefect
    from flows.workflows.syntax import expand_variables, parse_sections  # noqa: PLC0415

    return build_workflows(
        parse_sections(expand_variables(text, variables or {}), "file"), strict=strict
    )


def workflow(keys: str) -> Workflow:
    (one,) = workflows(
        f"{ENDS}\nworkflows:\n- {{name: w, source: s, destinations: [d], {keys}}}"
    ).workflows
    return one


def source(fields: str) -> Repository:
    text = f"sources:\n- {{name: s, {fields}}}\ndestinations:\n- {{name: d, type: noop}}\n"
    (one,) = workflows(text + "workflows:\n- {name: w, source: s, destinations: [d]}").workflows
    assert one.source.repository is not None
    return one.source.repository


def test_the_example_of_ingest_loads_unchanged() -> None:
    from catalog.model.plan import Strategy  # noqa: PLC0415
    from flows.forms.options import BatchSettings  # noqa: PLC0415
    from flows.workflows.file import read  # noqa: PLC0415
    from transfer.batch.delivery import CleanUp  # noqa: PLC0415

    found = read(EXAMPLE, {})
    (one,) = found.workflows
    assert (found.name, one.name, one.interval_s) == ("ingest-workflow", "foo_1-bar_1", 300.0)
    assert one.source.repository is not None
    assert one.source.repository.address == "s3+https://source.amazon.com/source/prefix"
    (end,) = one.destinations
    assert end.repository is not None
    assert end.repository.address == "s3+http://destination.amazon.com/destination/prefix1"
    assert end.repository.markers == "/meta"
    assert one.parameters == {
        "allow_empty": True,
        "strategy": Strategy.MARKER,
        "exclude": ["*/**"],
        "clean_up": CleanUp.REMOVE,
        "batches": BatchSettings(files=1),
    }
    assert one.webhook is not None
    assert not isinstance(one.webhook, str)
    assert one.webhook.url.get_secret_value() == "http://localhost:8080"


# ingest's own table (config_test.go), and what else it refuses
@pytest.mark.parametrize(
    ("source", "destination", "why"),
    [
        ("s", "d", ""),
        ("gone", "d", "there is no source 'gone'; known: s, broken, unused"),
        ("s", "gone", "there is no destination 'gone'; known: d, broken"),
        ("broken", "d", "source 'broken': its key `error` is set: as told"),
        ("s", "broken", "destination 'broken': its key `error` is set: as told"),
    ],
)
def test_a_bad_workflow_stops_all_or_is_skipped(source: str, destination: str, why: str) -> None:
    text = f"""{ENDS}
workflows:
- {{name: good, source: s, destinations: [d]}}
- {{name: other, source: {source}, destinations: [{destination}]}}
"""
    if not why:
        assert len(workflows(text).workflows) == 2
        return
    with pytest.raises(InvalidInput) as caught:
        workflows(text)
    assert str(caught.value) == f"workflow 'other': {why}"
    found = workflows(text, strict=False)
    assert [one.name for one in found.workflows] == ["good"]
    assert list(map(str, found.skipped)) == [f"workflow 'other': {why}"]


def test_what_no_workflow_uses_may_be_anything() -> None:
    text = f"{ENDS}\nworkflows:\n- {{name: w, source: s, destinations: [d]}}"
    unused = ("source 'broken'", "source 'unused'", "destination 'broken'")
    assert workflows(text).unused == unused


def test_one_name_may_be_a_source_and_a_destination() -> None:
    text = "sources: [{name: x, type: noop}]\ndestinations: [{name: x, type: noop}]\n"
    (one,) = workflows(f"{text}workflows: [{{name: x, source: x, destinations: [x]}}]").workflows
    assert one.source.identity != one.destinations[0].identity


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "the file: expected a mapping, found list"),
        ("sources: {}", "sources: expected a list, found dict"),
        ("sauces: []", "the file: unknown keys: 'sauces'; allowed: name, sources,"),
        ("sources: [a]", "sources, entry 1: expected a mapping, found str"),
        ("sources: [{type: noop}]", "sources, entry 1: expected `name` to be a text, found None"),
        ("sources: [{name: a}, {name: a}]", "sources: the name 'a' is given more than once"),
        ("destinations: [{name: a}, {name: a}]", "destinations: the name 'a' is given more"),
        ("workflows: [{name: a}, {name: a}]", "workflows: the name 'a' is given more than once"),
        ("a: b\nkey: secret: x", "line 2: not valid YAML: mapping values are not allowed here"),
        ("name: []", r"name: expected a text, found \[\]"),
    ],
)
def test_what_is_no_workflow_file_is_refused_either_way(text: str, why: str) -> None:
    for strict in (True, False):
        with pytest.raises(InvalidInput, match=why):
            workflows(text, strict=strict)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("300s", 300.0),
        ("1h30m", 5400.0),
        ("250ms", 0.25),
        ("0", 0.0),
        (0, 0.0),
        ("1.5h", 5400.0),
        (300_000_000_000, 300.0),
        (1e9, 1.0),
    ],
)
def test_a_duration_is_text_of_go_or_nanoseconds(given: object, seconds: float) -> None:
    from flows.workflows.syntax import seconds_of  # noqa: PLC0415

    assert seconds_of(given, "interval") == seconds


@pytest.mark.parametrize("given", ["5 minutes", "", "5", "-5s", -1, True, [], 300, 0.5])
def test_another_duration_is_refused_by_its_key(given: object) -> None:
    from flows.workflows.syntax import seconds_of  # noqa: PLC0415

    with pytest.raises(InvalidInput, match=r"^interval: "):
        seconds_of(given, "interval")


def test_variables_are_replaced_before_anything_is_read() -> None:
    from flows.workflows.syntax import expand_variables  # noqa: PLC0415

    text = "a: $A\nb: ${A}$A-\n# $NONE of this\nc: '^x$'\nd: cost $$5 $1\n"
    assert expand_variables(text, {"A": "1: 2"}) == (
        "a: 1: 2\nb: 1: 21: 2-\n# $NONE of this\nc: '^x$'\nd: cost $5 $1\n"
    )


def test_every_variable_that_is_missing_is_named() -> None:
    from flows.workflows.syntax import expand_variables  # noqa: PLC0415

    with pytest.raises(InvalidInput) as caught:
        expand_variables("a: $A\n\nb: ${B}$C\n", {"C": ""})
    assert str(caught.value).splitlines() == [
        "line 1: the environment variable 'A' is not set",
        "line 3: the environment variable 'B' is not set",
    ]


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ("type: s3, bucket: b", "s3://b"),
        ("type: s3, bucket: b, endpoint: s3.amazonaws.com, region: eu-west-1", "s3://b"),
        ("type: s3, bucket: b, endpoint: 'h:9000', insecure: true", "s3+http://h:9000/b"),
        ("type: s3, bucket: b, endpoint: h, prefix: /p/q/", "s3+https://h/b/p/q"),
        ("type: s3, bucket: b, endpoint: 'http://h'", "s3+http://h/b"),
        ("type: sftp, host: h, username: u, path: /in, password: x", "sftp://u@h/in"),
        ("type: http, url: 'https://h/a', labels: {tier: gold}", "https://h/a"),
        ("type: repository, repository: /srv/data", "file:///srv/data"),
        ("type: noop", "memory://noop/source/s"),
    ],
)
def test_a_source_is_of_any_type_of_ours_by_its_own_keys(fields: str, address: str) -> None:
    assert source(fields).address == address


def test_a_stored_block_is_named() -> None:
    text = "sources: [{name: s, type: repository, repository: s3-archive}]\ndestinations: "
    text += "[{name: d, type: noop}]\nworkflows: [{name: w, source: s, destinations: [d]}]"
    assert workflows(text).workflows[0].source.place == "s3-archive"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ("bucket: b", "source 's': expected `type` to be a text, found None"),
        ("type: s3, bukket: b", "source 's': unknown keys: 'bukket'; allowed: bucket, prefix,"),
        ("type: s3", "source 's': bucket: Field required"),
        ("type: s3, bucket: b, metafilesPrefix: m", "source 's': unknown keys: 'metafilesPrefix'"),
        (
            "type: s3, bucket: b, recursive: often",
            "source 's': expected `recursive` to be true or false",
        ),
        (
            "type: s3, bucket: b, insecure: 1",
            "source 's': expected `insecure` to be true or false, found 1",
        ),
        ("type: s3, bucket: b, accessKeyID: k", "secret_access_key is missing"),
        ("type: s3, bucket: b, endpoint: 'https://h', insecure: true", "`insecure` means http://"),
        ("type: sftp, hoost: h", "unknown keys: 'hoost'; allowed: "),
        ("type: drive, folder: f", "package gdrive-fsspec, see docs/workflows.md"),
        ("type: punch", "there is no type 'punch'; known: api, azure, "),
        ("type: repository", "expected `repository` to be a text, found None"),
        ("type: repository, repository: 's3://u:hunter2@b'", "address contains a password"),
        ("type: sftp, host: h, password: {hunter2: 1}", "password: Input should be a valid str"),
    ],
)
def test_what_cannot_be_a_source_is_named_with_its_key(fields: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        source(fields)
    assert why in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("prefix", "meta", "path", "markers"),
    [
        ("p/", "meta/", "p", "/meta"),
        ("", "meta", "", "meta"),
        ("p", "p/meta/", "p", "meta"),
        ("p", "pq", "p", "/pq"),
    ],
)
def test_metafiles_lie_below_the_bucket(prefix: str, meta: str, path: str, markers: str) -> None:
    text = f"""sources: [{{name: s, type: noop}}]
destinations: [{{name: d, type: s3, bucket: b, prefix: {prefix!r}, metafilesPrefix: {meta!r}}}]
workflows: [{{name: w, source: s, destinations: [d]}}]
"""
    end = workflows(text).workflows[0].destinations[0].repository
    assert end is not None
    assert (end.path, end.markers) == (path, markers)


def test_metafiles_above_the_files_are_refused() -> None:
    text = """sources: [{name: s, type: noop}]
destinations: [{name: d, type: s3, bucket: b, prefix: a/b, metafilesPrefix: a}]
workflows: [{name: w, source: s, destinations: [d]}]
"""
    with pytest.raises(InvalidInput, match="the markers folder 'a' contains the files"):
        workflows(text)


def test_a_workflow_takes_what_a_sync_takes() -> None:
    from catalog.model.plan import Mode  # noqa: PLC0415
    from flows.forms.options import BatchSettings, GuardSettings  # noqa: PLC0415

    given = workflow(
        "mode: mirror, exclude: ['*.tmp'], guards: {removals: 3}, interval: 0, concurrency: 4"
    )
    assert given.interval_s == 0
    assert given.parameters["mode"] is Mode.MIRROR
    assert given.parameters["exclude"] == ["*.tmp"]
    assert given.parameters["guards"] == GuardSettings(removals=3)
    assert given.parameters["batches"] == BatchSettings(threads=4)
    assert workflow("allow_empty: false").parameters["allow_empty"] is False
    assert (workflow("").interval_s, workflow("").webhook) == (300.0, None)


def test_a_webhook_is_a_url_a_name_or_a_table() -> None:
    assert workflow("webhook: listener").webhook == "listener"
    hook: Any = workflow(
        "webhook: {url: 'https://h/x', body: full, secret: whsec_c2VjcmV0}"
    ).webhook
    assert (hook.body, hook.receiver().secret) == ("full", b"secret")


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("modus: mirror", "unknown keys: 'modus'; allowed: source, destinations, cleanUp,"),
        ("clean_up: true", "unknown keys: 'clean_up'"),
        ("mode: mirrored", "mode: Input should be 'additive' or 'mirror'"),
        ("cleanUp: 3", "cleanUp: Input should be a valid boolean"),
        ("cleanUp: true, mode: mirror", "a mirror would then empty the destinations"),
        ("batchSize: none", "batchSize: Input should be a valid integer"),
        ("batchSize: 0", "batchSize, concurrency: files: Input should be greater than or equal"),
        ("interval: soon", "interval: expected a duration"),
        ("webhook: 'ftp://h'", "webhook: url: Value error, expected a webhook's URL with http"),
        ("webhook: 'localhost:80'", "webhook: url: Value error, expected a webhook's URL with"),
        ("webhook: {uri: x}", "webhook: unknown keys: 'uri'; allowed: url, secret, body,"),
        ("destinations: []", "expected `destinations` to be a list of names"),
        ("destinations: [d, d]", "one destination is given twice: 'd'"),
    ],
)
def test_what_a_workflow_cannot_be_told_is_named(keys: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        workflow(keys)
    assert why in str(caught.value)


def test_a_source_that_others_read_is_not_cleaned_up() -> None:
    text = f"""{ENDS}
workflows:
- {{name: one, source: s, destinations: [d]}}
- {{name: two, source: s, destinations: [d], cleanUp: true}}
"""
    with pytest.raises(
        InvalidInput, match=r"'two': cleanUp would remove files of 's' that the workflow 'one'"
    ):
        workflows(text)
    assert [one.name for one in workflows(text, strict=False).workflows] == ["one"]


def test_errors_begin_with_the_file_s_name(tmp_path: Path) -> None:
    from flows.workflows.file import read  # noqa: PLC0415

    file = tmp_path / "some.yaml"
    file.write_text("sources: [{name: $A}]")
    with pytest.raises(InvalidInput, match=r"some\.yaml: line 1: .* 'A' is not set"):
        read(file, {})
    with pytest.raises(InvalidInput, match=r"none\.yaml cannot be read"):
        read(tmp_path / "none.yaml", {})
