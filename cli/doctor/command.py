"""`entrepot doctor`: check for problems that would stop a run, before one is started."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from pydantic import ValidationError

from catalog.settings import Settings
from cli.doctor.diagnosis import Diagnosis, DoctorReport, Health
from cli.doctor.local_checks import check_catalog, check_credentials, check_disk
from cli.terminal.exit_codes import ExitCode
from cli.terminal.output import PLAIN, OutputOptions, show
from cli.terminal.quiet_prefect import load_quietly


def doctor(
    *,
    connect: bool = True,
    free: bool = False,
    output: OutputOptions = PLAIN,
) -> None:
    """Check for problems that would stop a run: settings, catalog, disk, Prefect, repositories.

    Exits with 1 if a check finds an error.

    Args:
        connect: Connect to every stored repository and start to list it.
        free: Free slots of Entrepot's concurrency limits that are held while nothing runs.
        output: Output format.
    """
    report = DoctorReport.of(_run_checks(connect=connect, free=free))
    show(report, output)
    if not report:
        sys.exit(ExitCode.FAILED)


def _run_checks(*, connect: bool, free: bool) -> Iterator[Diagnosis]:
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "ENTREPOT_" + ".".join(map(str, problem["loc"])).upper()
            yield Diagnosis("settings", Health.ERROR, f"{name}: {problem['msg']}", "see README.md")
        return
    yield check_catalog(settings)
    yield from check_disk(settings)
    yield check_credentials(settings)
    load_quietly()
    from cli.doctor.prefect_checks import check_prefect  # noqa: PLC0415 - it needs Prefect

    yield from check_prefect(connect=connect, free=free)
