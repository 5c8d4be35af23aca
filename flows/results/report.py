"""The report of a run: what it did, with a chart, as Markdown for Prefect's UI."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from catalog.formats.quantities import format_bytes
from catalog.model.gap import GAP_ADVICE, FoundGap
from flows.results.chart import chart_image
from flows.results.sync import Failure, SyncResult
from transfer.workers.progress import Snapshot

MAX_ROWS = 20  # of a table


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    """The gateway whose pages show versions: its address, and the tenant of the versions."""

    url: str
    tenant: str

    def version_url(self, address: str, number: int) -> str:
        """Return the URL of the page that shows a version of a repository.

        >>> GatewayAddress("https://files.example/", "acme").version_url("file:///srv", 7)
        'https://files.example/browse/acme/version?address=file%3A%2F%2F%2Fsrv&number=7'
        """
        query = urlencode({"address": address, "number": number})
        return f"{self.url.rstrip('/')}/browse/{quote(self.tenant)}/version?{query}"


def report(
    result: SyncResult, points: Sequence[Snapshot], *, gateway: GatewayAddress | None = None
) -> str:
    """Return the report of a run that changed something; a gateway adds links to its versions."""
    rows = result.rows()
    rate = format_bytes(int(result.bytes / result.seconds)) if result.seconds > 0 else "0 B"
    destinations = ", ".join(row.label for row in result.destinations)
    parts = [
        f"# {_escape(result.source)} → {_escape(destinations)}",
        f"**{result.summary()}** in {result.seconds:.1f} s ({rate}/s).",
        chart_image(points, outcome_counts(result)),
        _table(rows),
    ]
    parts += _failure_section("Failed", max(result.failed, len(result.failures)), result.failures)
    parts += _failure_section("Dropped", result.dropped, result.drops)
    parts += _gap_section("Not seen", GAP_ADVICE, result.gaps)
    parts += _gap_section("Not seen, and accepted", "by `allow_gaps`", result.allowed_gaps)
    parts += [f"**Warning**: {line}" for line in result.webhook_failures[:MAX_ROWS]]
    parts += _version_links(result, gateway)
    parts.append(_commands(result))
    return "\n\n".join(parts) + "\n"


def outcome_counts(result: SyncResult) -> Mapping[str, int]:
    """Return the number of files by outcome, over all destinations."""
    return {
        "added": result.added,
        "replaced": result.replaced,
        "removed": result.removed,
        "catalogued": result.catalogued,
        "dropped": result.dropped,
        "failed": result.failed,
    }


def _failure_section(title: str, count: int, failures: Sequence[Failure]) -> list[str]:
    if not failures:
        return []
    rows = [
        {
            "path": failure.path,
            "destination": failure.destination,
            "why": failure.message,
            "expected": failure.expected or "",
            "found": failure.found or "",
        }
        for failure in failures[:MAX_ROWS]
    ]
    shown = f", the first {MAX_ROWS} of them" if count > MAX_ROWS else ""
    return [f"## {title}: {count:,}{shown}", _table(rows)]


def _gap_section(title: str, note: str, gaps: Sequence[FoundGap]) -> list[str]:
    """Return a section with the places that could not be seen."""
    if not gaps:
        return []
    rows = [
        {
            "path": found.gap.path or "/",
            "below it": "unknown" if found.gap.below else "",
            "at": found.address,
            "why": found.gap.why,
        }
        for found in gaps[:MAX_ROWS]
    ]
    shown = f", the first {MAX_ROWS} of them" if len(gaps) > MAX_ROWS else ""
    return [f"## {title}: {len(gaps):,}{shown}", note[0].upper() + note[1:] + ".", _table(rows)]


def _version_links(result: SyncResult, gateway: GatewayAddress | None) -> list[str]:
    created = [row for row in result.destinations if row.new_version]
    if gateway is None or not created:
        return []
    lines = [
        f"* [version {row.version} of {_escape(row.label)}]"
        f"({gateway.version_url(row.address, row.version)})"
        for row in created
    ]
    return ["## In the gateway", "\n".join(lines)]


def _commands(result: SyncResult) -> str:
    lines = ["## More details", "```", f"entrepot runs {result.run_id}"]
    if result.plan_id is not None:
        lines.append(f"entrepot show-plan {result.plan_id}")
    lines += [
        f"entrepot explain {result.run_id} {shlex.quote(failure.path)}"
        for failure in (*result.failures, *result.drops)[:1]
        if failure.path.isprintable()
    ]
    lines += [
        f"entrepot diff {shlex.quote(row.label)} {row.version - 1} {row.version}"
        for row in result.destinations
        if row.new_version and row.version > 1
    ]
    return "\n".join([*lines, "```"])


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table without empty columns."""
    names = [name for name in rows[0] if any(row[name] not in ("", "0") for row in rows)]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_escape(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _escape(text: str) -> str:
    """Return text in one line, escaped so that Markdown shows it as it is."""
    line = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~!" else char for char in line)
