"""Contracts and one file: what is found, in which row, and what no file may do."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import Cancelled, InvalidInput
from transfer.contracts.check_file import check_contract, check_file
from transfer.contracts.check_table import check_table
from transfer.contracts.contract import (
    Contract,
    CsvOptions,
    Format,
    Kind,
    OwnChecks,
    Rows,
    Rule,
)
from transfer.contracts.findings import MAX_CASES, Findings, Report
from transfer.workers.stop import StopFlag

MODELS = "tests.transfer.contracts.models"
SCHEMA = """
columns:
  id: {dtype: int64, unique: true, checks: {greater_than_or_equal_to: 0}}
  name: {dtype: string, nullable: true}
"""
PRICES = Contract("prices", Rule(Kind.PANDERA, SCHEMA))
DOCUMENT = """{"type": "object", "required": ["id"], "properties":
 {"id": {"type": "integer", "minimum": 0}, "day": {"type": "string", "format": "date"}}}"""


def cases(contract: Contract, path: str, content: bytes | Path) -> list[str]:
    return [str(one) for one in check_file(contract, path, content).cases]


def in_chunks(contract: Contract, form: Format, content: bytes, size: int) -> Report:
    findings = Findings()
    check_table(contract, form, content, findings, StopFlag(), size=size)
    return findings.report()


def parquet(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file)
    return file.getvalue()


ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "a"},
    {"id": -2, "name": None},
    {"id": 3, "name": "c"},
]
WELL: list[dict[str, Any]] = [{"id": 1, "name": "a"}, {"id": 2, "name": None}]
WRITTEN: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "a.csv": lambda rows: pl.DataFrame(rows).write_csv().encode(),
    "a.parquet": lambda rows: parquet(pl.DataFrame(rows)),
    "a.jsonl": lambda rows: pl.DataFrame(rows).write_ndjson().encode(),
}


@pytest.mark.parametrize("path", WRITTEN)
def test_a_bad_value_is_told_with_row_and_column_in_every_format(path: str) -> None:
    assert check_file(PRICES, path, WRITTEN[path](WELL)) == Report(0, ())
    assert cases(PRICES, path, WRITTEN[path](ROWS)) == [
        "row 2, column id, greater_than_or_equal_to(0), found '-2'"
    ]


@pytest.mark.parametrize("path", WRITTEN)
def test_a_file_on_disk_is_checked_as_one_in_memory(path: str, tmp_path: Path) -> None:
    file = tmp_path / path
    file.write_bytes(WRITTEN[path](ROWS))
    assert cases(PRICES, path, file) == cases(PRICES, path, WRITTEN[path](ROWS))


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("a.csv", b"", "a header, found 'an empty file'"),
        ("a.csv", b"id,id\n1,2\n", "column id, each column once in the header"),
        ("a.csv", b"id\n1\n", "column_in_dataframe, found 'name'"),
        ("a.csv", b"id,name\n1\n", "row 1, 2 cells, found '1 cells'"),
        ("a.csv", b"id,name\n1,a,b\n", "row 1, 2 cells, found '3 cells'"),
        ("a.csv", b"id,name\n1,\xff\n", "row 1, column name, text in utf-8, found '\\\\udcff'"),
        ("a.csv", b"id,name\n,a\n", "row 1, column id, not_nullable"),
        (
            "a.csv",
            b"id,name\n\n1.5,a\n",
            "row 1, column id, a value of type Int64, found '1.5'",
        ),
        (
            "a.csv",
            b'id,name\n1,a\n2,"b',
            "row 2, a row that can be read: unexpected end of data",
        ),
        (
            "a.jsonl",
            b'{"id": "1", "name": "a"}',
            "row 1, column id, a value of type Int64, found '1'",
        ),
        ("a.jsonl", b'\n{"name": "a"}\n', "row 2, column id, not_nullable"),
        ("a.jsonl", b'{"id": 1}\n', "column_in_dataframe, found 'name'"),
        ("a.jsonl", b"[]\n", "row 1, an object, found '[]'"),
        (
            "a.jsonl",
            b'{"id": NaN, "name": ""}\n',
            "row 1, JSON, found 'NaN is not JSON'",
        ),
        (
            "a.parquet",
            b"PAR1 and no more",
            "a Parquet file that can be read, found "
            + repr("parquet: File out of specification: The file must end with PAR1 or PARE"),
        ),
        (
            "a.parquet",
            parquet(pl.DataFrame({"id": ["1"], "name": ["a"]})),
            "column id, dtype('Int64'), found 'String'",
        ),
        (
            "a.pdf",
            b"",
            "a format that pandera can check: csv or parquet or jsonl, found 'a.pdf'",
        ),
    ],
)
def test_what_cannot_be_read_or_has_another_shape_is_a_case(
    path: str, content: bytes, found: str
) -> None:
    assert cases(PRICES, path, content) == [found]


def test_a_truncated_parquet_file_is_a_case() -> None:
    whole = parquet(pl.DataFrame({"id": range(10_000), "name": ["a"] * 10_000}))
    for kept in (0, 4, len(whole) // 2, len(whole) - 1):
        assert check_file(PRICES, "a.parquet", whole[:kept]).count == 1


def test_text_becomes_every_type_that_csv_can_hold() -> None:
    types = {
        "whole": ("int16", "-7", "70000"),
        "part": ("float64", "1e5", "x"),
        "truth": ("bool", "TRUE", "yes"),
        "day": ("date", "2024-02-29", "2023-02-29"),
        "moment": ("datetime", "2024-02-29T12:00:00.5", "2024-02-29"),
        "zoned": (
            "Datetime(time_unit='us', time_zone='UTC')",
            "2024-02-29 12:00:00+02:00",
            "2024-02-29 12:00:00",
        ),
        "hour": ("time", "12:00:00", "25:00:00"),
        "sort": ("Enum(categories=['a', 'b'])", "b", "c"),
        "money": ("Decimal(precision=10, scale=2)", "1.20", "1,20"),
    }
    columns = "".join(f'  {name}: {{dtype: "{one[0]}"}}\n' for name, one in types.items())
    contract = Contract(
        "types", Rule(Kind.PANDERA, f"columns:\n{columns}"), csv=CsvOptions(delimiter=";")
    )
    lines = [";".join(types), *(";".join(one[n] for one in types.values()) for n in (1, 2))]
    found = check_file(contract, "a.csv", "\n".join(lines).encode())
    assert {(one.row, one.column) for one in found.cases} == {(2, name) for name in types}
    assert found.count == len(types)


def test_moments_in_the_checks_of_a_schema_are_moments() -> None:
    schema = "columns: {at: {dtype: datetime, checks: {greater_than: '2024-01-01 00:00:00'}}}"
    rule = Rule(Kind.PANDERA, schema)
    content = b"at\n2024-01-02T00:00:00\n2023-01-01T00:00:00\n"
    report = check_file(Contract("moments", rule), "a.csv", content)
    assert [one.row for one in report.cases] == [2]


def test_a_column_without_a_declared_type_is_text() -> None:
    rule = Rule(
        Kind.PANDERA,
        "columns: {id: {nullable: true}, 'x.*': {regex: true, dtype: int64, nullable: true}}",
    )
    contract = Contract("loose", rule)
    assert not check_file(contract, "a.jsonl", b'{"id": 1, "x1": 2}\n{"id": "a"}\n')
    assert cases(contract, "a.jsonl", b'{"id": [1], "x1": "2"}\n') == [
        "row 1, column x1, a value of type Int64, found '2'"
    ]
    assert cases(contract, "a.csv", b"id,x1\n7,b\n") == [
        "row 1, column x1, a value of type Int64, found 'b'"
    ]


def test_csv_options_say_how_a_file_is_written() -> None:
    options = CsvOptions("|", "'", header=False, encoding="utf-16", nulls=("NA",))
    contract = replace(PRICES, csv=options)
    assert cases(contract, "a.csv", "1|'a|b'\nNA|NA\n".encode("utf-16")) == [
        "row 2, column id, not_nullable"
    ]


def test_a_sample_looks_at_no_other_row() -> None:
    content = b"id,name\n" + b"".join(b"%d,a\n" % -n for n in range(1, 11))
    every = check_file(replace(PRICES, rows=Rows.EVERY, step=3), "a.csv", content)
    assert [one.row for one in every.cases] == [1, 4, 7, 10]
    first = check_file(replace(PRICES, rows=Rows.FIRST, step=2), "a.csv", content + b"\xff,,,\n")
    assert [one.row for one in first.cases] == [1, 2]
    for path, rows in (("a.parquet", Rows.EVERY), ("a.jsonl", Rows.EVERY)):
        made = WRITTEN[path]([{"id": -n, "name": "a"} for n in range(1, 11)])
        found = check_file(replace(PRICES, rows=rows, step=3), path, made)
        assert [one.row for one in found.cases] == [1, 4, 7, 10]


values = st.one_of(st.integers(-2, 4).map(str), st.sampled_from(["", "x", "1.5"]))
records = st.lists(st.tuples(values, st.sampled_from(["", "a", "b"])), max_size=12)


@settings(max_examples=25, deadline=None)
@given(records=records, size=st.integers(1, 5), told=st.sampled_from(["all", "exclude_first"]))
def test_any_chunks_find_what_one_chunk_finds(
    records: list[tuple[str, str]], size: int, told: str
) -> None:
    schema = SCHEMA.replace("unique: true", f"unique: true, report_duplicates: {told}")
    contract = Contract("prices", Rule(Kind.PANDERA, schema + "unique: [id, name]\n"))
    content = b"id,name\n" + b"".join(f"{a},{b}\n".encode() for a, b in records)
    lines = b"".join(
        json.dumps({"id": int(a) if a.lstrip("-").isdigit() else a or None, "name": b}).encode()
        + b"\n"
        for a, b in records
    )
    for form, data in ((Format.CSV, content), (Format.JSONL, lines)):
        whole = in_chunks(contract, form, data, 1000)
        parts = in_chunks(contract, form, data, size)
        assert parts.count == whole.count
        assert parts.cases == whole.cases


def test_the_rows_of_parquet_keep_their_numbers_over_chunks_and_row_groups() -> None:
    file = io.BytesIO()
    ids = [-n if n % 97 == 0 else n % 300 for n in range(1, 1001)]
    frame = pl.DataFrame({"id": ids, "name": ["a"] * 1000})
    frame.write_parquet(file, row_group_size=50)
    plain = Contract("plain", Rule(Kind.PANDERA, SCHEMA.replace("unique: true, ", "")))
    for size in (7, 64, 500, 10_000):
        found = in_chunks(plain, Format.PARQUET, file.getvalue(), size)
        assert [one.row for one in found.cases] == list(range(97, 1000, 97))
        doubles = in_chunks(PRICES, Format.PARQUET, file.getvalue(), size)
        assert doubles == in_chunks(PRICES, Format.PARQUET, file.getvalue(), 10_000)


def test_the_first_cases_are_kept_and_all_are_counted() -> None:
    content = b"id,name\n" + b"".join(b"%d,a\n" % -n for n in range(1, 5001))
    for size in (70, 1000, 10_000):
        found = in_chunks(PRICES, Format.CSV, content, size)
        assert found.count == 5000
        assert [one.row for one in found.cases] == list(range(1, MAX_CASES + 1))


def test_a_long_value_is_cut() -> None:
    (found,) = check_file(PRICES, "a.csv", b"id,name\n" + b"x" * 5000 + b",a\n").cases
    assert found.value is not None
    assert len(found.value) == 200


@pytest.mark.parametrize("model", ["Price"])
def test_a_model_of_a_module_is_a_contract(model: str) -> None:
    contract = Contract("model", Rule(Kind.MODEL, f"{MODELS}:{model}"))
    check_contract(contract)
    assert cases(contract, "a.csv", b"id,name\n-1,\n") == [
        "row 1, column id, greater_than_or_equal_to(0), found '-1'"
    ]


def test_a_check_of_a_whole_column_sees_the_whole_column() -> None:
    contract = Contract("mean", Rule(Kind.MODEL, f"{MODELS}:MEAN"))
    content = b"id\n1\n2\n9\n"
    assert not in_chunks(contract, Format.CSV, content, 1)
    assert in_chunks(contract, Format.CSV, b"id\n1\n2\n3\n", 1).count == 1
    assert in_chunks(replace(contract, own_checks=OwnChecks.ROWS), Format.CSV, content, 1).count


def test_a_table_too_large_for_a_check_of_whole_columns_says_so() -> None:
    contract = Contract("mean", Rule(Kind.MODEL, f"{MODELS}:MEAN"))
    findings = Findings()
    content = b"id\n" + b"9\n" * 1000
    check_table(contract, Format.CSV, content, findings, StopFlag(), size=100, max_bytes=4000)
    assert [one.check for one in findings.report().cases] == [
        "a table of at most 4000 bytes in memory, for it is needed whole by the check mean above 2"
    ]
    even = Contract("even", Rule(Kind.MODEL, f"{MODELS}:EVEN"))
    other = Findings()
    check_table(even, Format.CSV, content, other, StopFlag(), size=100, max_bytes=4000)
    assert other.report().count == 1000


def test_the_depth_of_pandera_cannot_be_lowered_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PANDERA_VALIDATION_ENABLED", "False")
    monkeypatch.setenv("PANDERA_VALIDATION_DEPTH", "SCHEMA_ONLY")
    assert check_file(PRICES, "a.csv", b"id,name\n-1,a\n").count == 1


@pytest.mark.parametrize("path", WRITTEN)
def test_a_stop_asked_for_ends_the_look_at_a_file(path: str) -> None:
    stop = StopFlag()
    stop.set()
    with pytest.raises(Cancelled):
        check_file(PRICES, path, WRITTEN[path](WELL), stop)


def test_a_json_schema_holds_documents_and_lines() -> None:
    contract = Contract("docs", Rule(Kind.JSON_SCHEMA, DOCUMENT))
    assert not check_file(contract, "a.json", b'{"id": 1, "day": "2024-02-29"}')
    assert cases(contract, "a.json", b'{"id": -1, "day": "x"}') == [
        "column $.id, minimum: 0, found '-1'",
        "column $.day, format: \"date\", found 'x'",
    ]
    assert cases(contract, "a.jsonl", b'{"id": 1}\n\n{}\nx\n') == [
        "row 3, column $, required: [\"id\"], found '{}'",
        "row 4, JSON, found 'Expecting value: line 1 column 1 (char 0)'",
    ]
    assert check_file(contract, "a.json", b"[" * 100_000).count == 1


def test_a_function_of_your_own_is_a_contract() -> None:
    contract = Contract("own", Rule(Kind.FUNCTION, f"{MODELS}:no_drafts"))
    assert not check_file(contract, "a.txt", b"one\ntwo\n")
    assert cases(contract, "draft.txt", b"one\nDRAFT\n") == [
        "draft.txt is a draft",
        "row 2, no draft",
    ]
    refusing = Contract("own", Rule(Kind.FUNCTION, f"{MODELS}:refusing"))
    assert cases(refusing, "a.txt", b"one") == ["a.txt of 3 bytes is not wanted"]
    with pytest.raises(InvalidInput, match=r"must yield failure cases or sentences, found 7"):
        check_file(Contract("own", Rule(Kind.FUNCTION, f"{MODELS}:broken")), "a", b"")


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        (Kind.PANDERA, "columns: [", "the pandera schema is not YAML"),
        (Kind.PANDERA, "[]", "needs a mapping `columns`"),
        (Kind.PANDERA, "columns: {a: 3}", "the column 'a' of a pandera schema must be a mapping"),
        (Kind.PANDERA, "columns: {a: {dtype: quux}}", "cannot be used.*quux"),
        (Kind.PANDERA, "columns: {a: {checks: {quux: 1}}}", "no attribute 'quux'"),
        (Kind.PANDERA, "columns: {a: {checks: {in_range: 1}}}", "max_value"),
        (Kind.MODEL, "Price", "must have the form module:Name"),
        (Kind.MODEL, "nowhere:Price", "cannot be imported"),
        (Kind.MODEL, f"{MODELS}:no_drafts", "must be a DataFrameModel"),
        (Kind.MODEL, f"{MODELS}:NOTHING", "is no"),
        (Kind.JSON_SCHEMA, "{", "is not JSON"),
        (Kind.JSON_SCHEMA, "7", "must be an object"),
        (Kind.JSON_SCHEMA, '{"type": 3}', "cannot be used"),
        (Kind.JSON_SCHEMA, '{"$ref": "https://x.example/y"}', "which it does not contain"),
        (Kind.FUNCTION, "no_drafts", "must have the form module:function"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_before_any_file(
    kind: Kind, text: str, found: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"(?s)contract 'mine': .*{found}"):
        check_contract(Contract("mine", Rule(kind, text)))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"include": ("",)}, "a pattern is empty"),
        ({"format": Format.JSON}, "cannot check json"),
        ({"step": 0}, "a step of 1 or more"),
        ({"csv": CsvOptions(delimiter=";;")}, "cannot read CSV with the delimiter ';;'"),
        ({"csv": CsvOptions(delimiter="'", quote="'")}, "different characters"),
        ({"csv": CsvOptions(encoding="zlib")}, "unknown text encoding 'zlib'"),
        ({"csv": CsvOptions(encoding="klingon")}, "unknown text encoding 'klingon'"),
    ],
)
def test_options_that_make_no_sense_are_refused_too(change: dict[str, object], found: str) -> None:
    with pytest.raises(InvalidInput, match=found):
        check_contract(replace(PRICES, **change))  # type: ignore[arg-type]
