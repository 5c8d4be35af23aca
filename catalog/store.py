"""The catalog: what lies where, what was planned, what became of it, and every version.

>>> catalog = Catalog(Path("catalog.duckdb"))                   # doctest: +SKIP
>>> catalog.latest("s3://bucket/models").total                  # doctest: +SKIP
1289

What may be asked of it is in `catalog.questions`; what may be recorded is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import cast

from catalog.breach import Breach
from catalog.fold import BREACHES, OUTCOMES
from catalog.glob import regex
from catalog.outcome import Outcome
from catalog.page import write_breaches, write_outcomes
from catalog.plan import Plan, PlanRequest
from catalog.request import request_to_json
from catalog.run import Run
from catalog.serving import Serving
from catalog.spool import Listing, Spool
from catalog.version import Version

BACKLOG = 100  # orders that may wait before whoever adds one more lends a hand
ORDER = 20_000  # outcomes in one order, so that folding it needs little memory


class Catalog(Serving):
    """One catalog file and the folder beside it, `<file>.d`; safe to share between threads."""

    __slots__ = ()

    def spool(self) -> Spool:
        """Begin a listing; it enters the catalog by `record_listing` or `make_plan`."""
        return Spool(self._folder / "spool")

    def record_listing(
        self,
        repository: str,
        listing: Listing,
        *,
        run_id: str | None = None,
        label: str | None = None,
    ) -> Version:
        """Compare a full listing with the repository's latest version; return the one it is."""
        body = {"repository": repository, "listing": listing.listing_id}
        result = self._ask("listing", {**body, "run_id": run_id, "label": label})
        return self._holder(repository, cast("int", result["number"]))

    def make_plan(self, request: PlanRequest) -> Plan:
        """Decide and store what a sync will do; raise `InvalidInput` where it cannot be done."""
        for patterns in (request.selection.include, request.selection.exclude):
            regex(patterns)
        self._ask("plan", request_to_json(request))
        return self.plan(request.plan_id)

    def recheck(self, request: PlanRequest) -> tuple[int, tuple[str, ...]]:
        """Compare a stored plan with fresh listings; return how many rows moved, and the first.

        `request` is the plan's own, with fresh listings of its source and targets.
        """
        result = self._ask("recheck", request_to_json(request))
        return cast("int", result["count"]), tuple(cast("list[str]", result["moved"]))

    def record_outcomes(self, run_id: str, plan_id: str, outcomes: Sequence[Outcome]) -> str:
        """Hand over outcomes: durable when this returns, seen by whoever reads next."""
        batch = ""
        for start in range(0, max(len(outcomes), 1), ORDER):
            rows = outcomes[start : start + ORDER]
            write = partial(write_outcomes, run_id=run_id, plan_id=plan_id, outcomes=rows)
            batch = self._inbox.submit_file(f"{OUTCOMES}.parquet", write)
        if self._inbox.count() > BACKLOG:
            self._settle([batch], self._turnstile)  # whoever hands over faster than all fold, folds
        return batch

    def record_breaches(self, run_id: str, breaches: Sequence[Breach]) -> None:
        """Hand over what contracts found: durable when this returns."""
        write = partial(write_breaches, run_id=run_id, breaches=breaches)
        self._inbox.submit_file(f"{BREACHES}.parquet", write)

    def record_versions(
        self, run_id: str, plan_id: str, *, allow_partial: bool = False
    ) -> tuple[Version | None, ...]:
        """Make the next version of each target of a plan; None where nothing changed.

        A target with failed or unfinished items gets None too, unless `allow_partial`.
        """
        result = self._ask(
            "version", {"run_id": run_id, "plan_id": plan_id, "allow_partial": allow_partial}
        )
        targets = self.plan(plan_id).tallies
        return tuple(
            None if number is None else self._holder(target.address, number)
            for target, number in zip(
                targets, cast("list[int | None]", result["numbers"]), strict=True
            )
        )

    def delete_version(self, address: str, number: int) -> bool:
        """Delete a version; say whether it was there still. Its number is never used again.

        What it changed goes into the next version, so that every other keeps its exact content.
        With the latest, its content leaves the history, and the one before is the latest. No file
        is touched, and the catalog still knows what lies at a destination: its next sync moves
        nothing again, and what it finds there and keeps enters the version that it makes. Only
        what the deleted version had removed is listed again, until a sync copies it back. Of a
        source, the next listing tells everything anew.

        Raises:
            NotRecorded: there never was such a version.
            InvalidInput: it is protected, or the only one.
        """
        body = {"repository": address, "number": number}
        return bool(self._ask("squash", body)["deleted"])

    def retain(self, address: str, versions: int | None) -> tuple[int, ...]:
        """Keep so many of the newest versions, now and after each new one; None keeps all.

        Protected versions stay and do not count. Return the numbers that were deleted.
        """
        result = self._ask("retain", {"repository": address, "versions": versions})
        return tuple(cast("list[int]", result["deleted"]))

    def protect(self, address: str, number: int, reason: str) -> None:
        """Let nothing delete a version as long as there is this reason."""
        self._ask("protect", {"repository": address, "number": number, "reason": reason})

    def unprotect(self, address: str, number: int, reason: str | None = None) -> None:
        """Take one reason away, or all; the version stays until retention is next applied."""
        self._ask("unprotect", {"repository": address, "number": number, "reason": reason})

    def label_version(self, address: str, number: int, labels: Mapping[str, str | None]) -> Version:
        """Write labels of a version; None takes one away, those not named stay."""
        body = {"repository": address, "number": number, "labels": dict(labels)}
        self._ask("label", body)
        return self._version(address, number)

    def mend(self) -> int:
        """Mend what `audit` finds and the rest of the catalog tells; return how much it was."""
        return cast("int", self._ask("mend", {})["mended"])

    def forget(self, before: datetime, *, dry_run: bool = False) -> int:
        """Delete what plans and runs that ended before a moment say file by file; return how many.

        Versions stay, with the run and the plan that made each; `dry_run` only counts.
        """
        before_us = int(before.timestamp() * 1e6)
        result = self._ask("forget", {"before_us": before_us, "dry": dry_run})
        return cast("int", result["plan_rows"]) + cast("int", result["outcomes"])

    def start_run(self, run: Run) -> None:
        """Remember that a run began."""
        body = asdict(run)
        for name in ("started", "ended"):
            moment = body.pop(f"{name}_at")
            body[f"{name}_us"] = None if moment is None else int(moment.timestamp() * 1e6)
        self._inbox.submit("run-start", body)

    def end_run(
        self, run_id: str, state: str, message: str | None = None, *, plan_id: str | None = None
    ) -> None:
        """Remember how a run ended."""
        body = {"run_id": run_id, "state": state, "message": message, "plan_id": plan_id}
        self._inbox.submit("run-end", body)
