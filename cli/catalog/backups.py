"""`entrepot catalog`: back up, restore, check and rebuild the catalog."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from catalog.backup.create import back_up
from catalog.backup.restore import restore as restore_backup
from cli.terminal.output import PLAIN, OutputOptions, open_catalog, show
from cli.terminal.table import Table

BACKUP_COLUMNS = ("backup", "created", "files", "size", "inconsistencies")
RESTORE_COLUMNS = ("catalog", "backup", "created", "previous", "queued_orders", "inconsistencies")
CHECK_HINT = "run `entrepot catalog check` to list the inconsistencies"

app = App(
    name="catalog",
    help="Back up, restore, check or rebuild the catalog.",
    help_format="plaintext",
)
app.command(
    "cli.flows.commands:check_catalog",
    name="check",
    help="Check the catalog for inconsistencies, as `check-catalog` does.",
)
app.command(
    "cli.flows.commands:rebuild",
    name="rebuild",
    help="Rebuild a lost catalog by reading repositories, as `rebuild` does.",
)


@app.command
def backup(to: Path, *, output: OutputOptions = PLAIN) -> None:
    """Back up the catalog while it is in use; the backup has everything recorded before it began.

    Args:
        to: The folder to create; it must not exist.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        created = back_up(catalog, to)
        row = (to, created.made_at, len(created.parts), created.size, created.contradictions)
        notes = [
            f"not included: {catalog.folder / name} holds file contents; back it up separately"
            for name in created.left_out
        ]
        notes += [CHECK_HINT] if created.contradictions else []
        counts = ("files", "inconsistencies")
        table = Table(BACKUP_COLUMNS, [row], ("backup",), counts, ("size",), notes=tuple(notes))
        show(table, output)


@app.command
def restore(
    source: Path,
    *,
    replace: Annotated[bool, Parameter(negative="")] = False,
    output: OutputOptions = PLAIN,
) -> None:
    """Restore the catalog from a backup; no run may be in progress.

    Args:
        source: The folder of the backup.
        replace: Move an existing catalog and its queued orders aside first; nothing is deleted.
        output: Output format.
    """
    with open_catalog(output) as catalog:
        done = restore_backup(catalog, source, replace=replace)
        row = (
            catalog.path,
            source,
            done.backup.made_at,
            done.aside,
            done.orders,
            done.audit.count,
        )
        notes = ["restart gateways, and sync or adopt repositories that changed after the backup"]
        notes += [CHECK_HINT] if done.audit.count else []
        text_columns = ("catalog", "backup", "previous")
        counts = ("queued_orders", "inconsistencies")
        show(Table(RESTORE_COLUMNS, [row], text_columns, counts, notes=tuple(notes)), output)
