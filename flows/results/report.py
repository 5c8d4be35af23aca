"""The report of a run: what it did, with a picture, as Markdown for Prefect's UI."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from catalog.model.gap import GAP_ADVICE, FoundGap
from flows.results.chart import picture
from flows.results.sync import Failure, SyncResult, human
from transfer.workers.progress import Snapshot

NAMED = 20  # failures, and files that were dropped


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway that shows versions to people: its address, and the tenant that they are of."""

    url: str
    tenant: str

    def version(self, address: str, number: int) -> str:
        """Return where it shows a version of a repository.

        >>> Gateway("https://files.example/", "acme").version("file:///srv", 7)
        'https://files.example/browse/acme/version?address=file%3A%2F%2F%2Fsrv&number=7'
        """
        query = urlencode({"address": address, "number": number})
        return f"{self.url.rstrip('/')}/browse/{quote(self.tenant)}/version?{query}"


def report(
    result: SyncResult, points: Sequence[Snapshot], *, gateway: Gateway | None = None
) -> str:
    """Return the report of a run that did something; with a gateway, links to its versions."""
    rows = result.rows()
    rate = human(int(result.bytes / result.seconds)) if result.seconds > 0 else "0 B"
    ends = ", ".join(one.label for one in result.destinations)
    parts = [
        f"# {_plain(result.source)} → {_plain(ends)}",
        f"**{result.summary()}** in {result.seconds:.1f} s ({rate}/s).",
        picture(points, counts(result)),
        _table(rows),
    ]
    parts += _named("Failed", max(result.failed, len(result.failures)), result.failures)
    parts += _named("Dropped", result.dropped, result.drops)
    parts += _unseen("Not seen", GAP_ADVICE, result.gaps)
    parts += _unseen("Not seen, and accepted", "by `allow_gaps`", result.allowed_gaps)
    parts += [f"**Warning**: {one}" for one in result.untold[:NAMED]]
    parts += _versions(result, gateway)
    parts.append(_further(result))
    return "\n\n".join(parts) + "\n"


def counts(result: SyncResult) -> Mapping[str, int]:
    """Return how many files ended how, over all destinations."""
    return {
        "added": result.added,
        "replaced": result.replaced,
        "removed": result.removed,
        "catalogued": result.catalogued,
        "dropped": result.dropped,
        "failed": result.failed,
    }


def _named(title: str, count: int, failures: Sequence[Failure]) -> list[str]:
    if not failures:
        return []
    rows = [
        {
            "path": one.path,
            "destination": one.destination,
            "why": one.message,
            "expected": one.expected or "",
            "found": one.found or "",
        }
        for one in failures[:NAMED]
    ]
    shown = f", the first {NAMED} of them" if count > NAMED else ""
    return [f"## {title}: {count}{shown}", _table(rows)]


def _unseen(title: str, told: str, gaps: Sequence[FoundGap]) -> list[str]:
    """Return what could not be seen, each place once."""
    if not gaps:
        return []
    rows = [
        {
            "path": one.gap.path or "/",
            "below it": "unknown" if one.gap.below else "",
            "at": one.address,
            "why": one.gap.why,
        }
        for one in gaps[:NAMED]
    ]
    shown = f", the first {NAMED} of them" if len(gaps) > NAMED else ""
    return [f"## {title}: {len(gaps)}{shown}", told[0].upper() + told[1:] + ".", _table(rows)]


def _versions(result: SyncResult, gateway: Gateway | None) -> list[str]:
    made = [one for one in result.destinations if one.made]
    if gateway is None or not made:
        return []
    lines = [
        f"* [version {one.version} of {_plain(one.label)}]"
        f"({gateway.version(one.address, one.version)})"
        for one in made
    ]
    return ["## In the gateway", "\n".join(lines)]


def _further(result: SyncResult) -> str:
    lines = ["## Look closer", "```", f"entrepot runs {result.run_id}"]
    if result.plan_id is not None:
        lines.append(f"entrepot show-plan {result.plan_id}")
    lines += [
        f"entrepot explain {result.run_id} {shlex.quote(one.path)}"
        for one in (*result.failures, *result.drops)[:1]
        if one.path.isprintable()
    ]
    lines += [
        f"entrepot diff {shlex.quote(one.label)} {one.version - 1} {one.version}"
        for one in result.destinations
        if one.made and one.version > 1
    ]
    return "\n".join([*lines, "```"])


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a table without the columns in which nothing stands."""
    names = [name for name in rows[0] if any(row[name] not in ("", "0") for row in rows)]
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(_plain(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is, in one line."""
    one_line = " ".join(text.split())
    return "".join("\\" + one if one in "\\`*_{}[]<>#|~!" else one for one in one_line)
