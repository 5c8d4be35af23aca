"""Contracts in a sync, as docs/contracts.md tells: good files arrive, bad ones do not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from catalog.catalog import Catalog
from catalog.errors import InvalidInput, RepositoryNotFound
from tests.flows.runs.test_events import Told, told
from tests.transfer.endpoints import tree

__all__ = ["told"]  # a fixture

PAGE = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text()
WRITTEN: list[str] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
MODULES: list[str] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def written(name: str) -> str:
    """Return the one contract of the page that bears a name."""
    (found,) = (one for one in WRITTEN if yaml.safe_load(one)["name"] == name)
    return found


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the modules of the page importable."""
    folder = tmp_path / "modules"
    folder.mkdir()
    for name, word in (("shop", "DataFrameModel"), ("house", "def no_drafts")):
        (source,) = (one for one in MODULES if word in one)
        (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    """Make a folder with a good and a bad file of each kind."""
    folder = tmp_path / "incoming"
    for name in ("prices", "orders"):
        (folder / name).mkdir(parents=True)
    head = "id,price,day\n"
    (folder / "prices" / "good.csv").write_text(f"{head}1,2.5,2024-02-29\n2,1,\n")
    (folder / "prices" / "may.csv").write_text(f"{head}1,2.5,\n2,1,\n3,-1,\n1,1,29.2.2024\n")
    pl.DataFrame({"id": [1, 2], "price": [1.0, 2.0]}).write_parquet(folder / "good.parquet")
    pl.DataFrame({"id": [1, 1], "price": [1.0, 0.0]}).write_parquet(folder / "bad.parquet")
    (folder / "good.jsonl").write_text('{"id": 1, "price": 1}\n')
    (folder / "orders" / "good.json").write_text('{"id": 1, "lines": ["one"]}')
    (folder / "orders" / "bad.jsonl").write_text('{"id": 1, "lines": ["one"]}\n{"id": 0}\n')
    (folder / "note.txt").write_text("one\nDRAFT of two\n")
    return folder


def shown(folder: Path) -> set[str]:
    return {name for name in tree(folder) if not name.startswith(".entrepot")}


@pytest.mark.prefect
@pytest.mark.usefixtures("modules")
def test_good_files_arrive_and_bad_ones_are_told_and_put_aside(
    incoming: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    told: Told,
) -> None:
    from cli.app import app  # noqa: PLC0415 - imports Prefect
    from flows.results.sync import SyncFailed  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    contracts = [written(name) for name in ("prices", "price models", "orders", "no drafts")]
    contracts[1] = contracts[1].replace('"*.jsonl"', '"/*.jsonl"')
    end = tmp_path / "end"

    with pytest.raises(SyncFailed) as failed:
        sync(str(incoming), [str(end)], contracts=contracts)

    result = failed.value.result
    assert (result.added, result.dropped, result.failed) == (5, 2, 1)
    assert shown(end) == {
        *("prices/good.csv", "good.parquet", "good.jsonl", "orders/good.json", "note.txt")
    }
    assert [one.path for one in result.failures] == ["bad.parquet"]
    drops = {one.path: one for one in result.drops}
    assert {one.error for one in drops.values()} == {"contract-broken"}
    assert drops["prices/may.csv"].message == (
        "breaks the contract 'prices': row 3, column price, greater_than(0), found '-1.0' "
        "(and 1 more)"
    )
    aside = tree(end / ".entrepot" / "quarantine")
    bad = [name for name in aside if name.endswith("/prices/may.csv")]
    assert [aside[name] for name in bad] == [(incoming / "prices" / "may.csv").read_bytes()]
    report = json.loads(aside[f"{bad[0]}.contract.json"])
    assert [one["row"] for one in report["cases"]] == [3, 4]

    catalog = Catalog.open()
    rows = catalog.sql(
        "SELECT contract, consequence, path, row_number, column_name FROM failure_cases"
        " WHERE run_id = $1 ORDER BY path, row_number NULLS FIRST, column_name",
        [result.run_id],
    )
    assert rows == [
        ("price models", "fail", "bad.parquet", 1, "id"),
        ("price models", "fail", "bad.parquet", 2, "id"),
        ("price models", "fail", "bad.parquet", 2, "price"),
        ("no drafts", "warn", "note.txt", 2, None),
        ("orders", "quarantine", "orders/bad.jsonl", 2, "$"),
        ("orders", "quarantine", "orders/bad.jsonl", 2, "$.id"),
        ("prices", "quarantine", "prices/may.csv", 3, "price"),
        ("prices", "quarantine", "prices/may.csv", 4, "day"),
    ]
    _shown_by_prefect()
    (event,) = told("entrepot.resource.quarantined", 1)
    assert event.resource["entrepot.address"] == result[0].address
    assert sorted(event.payload["paths"]) == ["orders/bad.jsonl", "prices/may.csv"]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        app()(["failures", result.run_id, "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert len(printed) == len(rows)

    (incoming / "bad.parquet").unlink()
    again = sync(str(incoming), [str(end)], contracts=contracts)
    assert (again.added, again.dropped, again.failed) == (0, 2, 0)
    assert set(tree(end / ".entrepot" / "quarantine")) == set(aside), "no second copy"


def _shown_by_prefect() -> None:
    """Look for the table of the run at Prefect's server."""
    from prefect import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey  # noqa: PLC0415

    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["entrepot-contract"]))
    with get_client(sync_client=True) as client:
        tables = client.read_artifacts(artifact_filter=wanted)
    paths = [{row["path"] for row in json.loads(str(table.data))} for table in tables]
    assert any(one >= {"prices/may.csv", "note.txt", "bad.parquet"} for one in paths)


@pytest.mark.prefect
def test_a_plan_keeps_its_contracts_and_a_stored_block_is_one(
    incoming: Path, tmp_path: Path
) -> None:
    from blocks.contract import Contract, contracts_of  # noqa: PLC0415 - imports Prefect
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415
    from flows.pull import pull  # noqa: PLC0415

    body = yaml.safe_load(written("prices"))
    aside = tmp_path / "aside"
    stored = Contract.model_validate({**body, "name": "", "quarantine": str(aside)})
    stored.save("stored-prices")
    reference: Any = {"$ref": str(stored._block_document_id)}  # pyright: ignore[reportPrivateUsage]
    (value,) = contracts_of("stored-prices")
    assert value.name == "stored-prices"
    end = tmp_path / "end"

    planned = plan(str(incoming), [str(end)], contracts=["stored-prices"])
    result = apply(planned.plan_id)
    assert (result.added, result.dropped) == (7, 1)
    assert not (end / "prices" / "may.csv").exists()
    assert not (end / ".entrepot" / "quarantine").exists()
    assert any(name.endswith("/prices/may.csv") for name in tree(aside))

    pulled = pull(str(incoming), [""], str(tmp_path / "here"), contracts=[reference])
    assert (pulled.added, pulled.dropped) == (7, 1)


@pytest.mark.parametrize(
    ("given", "kind", "found"),
    [
        ("name: [\n", InvalidInput, "is not valid YAML"),
        (
            "name: x\nincludes: []\n",
            InvalidInput,
            "has the unknown field 'includes'; known: rule, name",
        ),
        (
            "name: x\nrule: {}\n",
            InvalidInput,
            "expected a rule's type, one of pandera, .* found None",
        ),
        ("name: x\nrule: {type: pandera}\n", InvalidInput, "rule.text: Field required"),
        ("name: x\nthen: pray\nrule: {type: function, function: a}\n", InvalidInput, "then: "),
        ("rule: {type: function, function: 'os:getcwd'}\n", InvalidInput, "needs a name"),
        ("- 1\n- 2\n", InvalidInput, "must be a mapping, found int"),
        (
            "name: x\nrule: {type: function, function: 'no_such:thing'}\n",
            InvalidInput,
            "contract 'x': the function 'no_such:thing' cannot be imported",
        ),
        (
            written("prices") + "quarantine: no-such-place\n",
            RepositoryNotFound,
            "there is no repository block named 'no-such-place'",
        ),
        ("./no/such.yaml", InvalidInput, "cannot read the contract file"),
        ("no-such-block", RepositoryNotFound, "there is no contract block named 'no-such-block'"),
    ],
)
def test_a_contract_that_makes_no_sense_stops_a_run_before_anything_is_touched(
    given: str, kind: type[Exception], found: str
) -> None:
    from flows.forms.contracts import load_contracts  # noqa: PLC0415 - imports Prefect

    with pytest.raises(kind, match=found):
        load_contracts([given])


def test_contracts_are_refused_where_they_cannot_be_kept(incoming: Path, tmp_path: Path) -> None:
    from flows.forms.contracts import load_contracts  # noqa: PLC0415 - imports Prefect
    from flows.forms.options import StepSettings  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    with pytest.raises(InvalidInput, match="two contracts are named 'prices'"):
        load_contracts([written("prices"), written("prices")])
    leaving_out = StepSettings.model_validate({"at": "instead", "part": "validate"})
    with pytest.raises(InvalidInput, match="the step 'validate': it cannot be left out"):
        sync(
            str(incoming),
            [str(tmp_path / "end")],
            contracts=[written("prices")],
            steps=[leaving_out],
        )
    assert not (tmp_path / "end").exists()
