"""The commands: their names, where they are defined, and a line of help for each.

The help is here as well as in the docstrings so that `entrepot --help` need not load Prefect, which
takes two seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

MOVE, RESOURCES, HISTORY, MAINTAIN = "Move", "Resources", "History", "Maintain"
QUERY, OPERATE = "Query", "Operate"
GROUPS = (MOVE, RESOURCES, HISTORY, MAINTAIN, QUERY, OPERATE)


class BlockUse(Enum):
    """Which stored blocks a verb reads."""

    NAMED = "named"
    """Those that its arguments name."""
    SEARCHED = "searched"
    """Any repository, since it may have bytes that are needed."""
    LISTED = "listed"
    """All repositories: they are what the verb is about."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command; `place` is `module:attribute`, for a verb that of its flow."""

    name: str
    place: str
    group: str
    help: str
    blocks: BlockUse = BlockUse.NAMED


VERBS = (
    Command("sync", "flows.sync:sync", MOVE, "Bring every destination up to date with a source."),
    Command("pull", "flows.pull:pull", MOVE, "Fetch chosen files and folders into a directory."),
    Command(
        "fetch",
        "flows.fetch:fetch",
        MOVE,
        "Download files that are catalogued but not stored.",
        BlockUse.SEARCHED,
    ),
    Command(
        "replicate",
        "flows.replicate:replicate",
        MOVE,
        "Copy every stored repository to one place.",
        BlockUse.LISTED,
    ),
    Command(
        "export-tree",
        "flows.export_tree:export_tree",
        MOVE,
        "Write a version as plain files.",
        BlockUse.SEARCHED,
    ),
    Command(
        "export-archive",
        "flows.export_archive:export_archive",
        MOVE,
        "Write versions as archives.",
        BlockUse.SEARCHED,
    ),
    Command(
        "import-archive",
        "flows.import_archive:import_archive",
        MOVE,
        "Import versions from an archive.",
        BlockUse.SEARCHED,
    ),
    Command("adopt", "flows.adopt:adopt", MOVE, "Record files that already exist."),
    Command(
        "rebuild", "flows.rebuild:rebuild", MOVE, "Rebuild a lost catalog by reading repositories."
    ),
    Command("plan", "flows.plan:plan", HISTORY, "Plan a sync without changing anything."),
    Command(
        "apply",
        "flows.apply:apply",
        HISTORY,
        "Apply a stored plan exactly, or refuse.",
        BlockUse.SEARCHED,
    ),
    Command(
        "plan-restore",
        "flows.plan_restore:plan_restore",
        HISTORY,
        "Plan a restore without changing anything.",
        BlockUse.SEARCHED,
    ),
    Command(
        "plan-modify",
        "flows.plan_modify:plan_modify",
        HISTORY,
        "Plan a modification without changing anything.",
        BlockUse.SEARCHED,
    ),
    Command("restore", "flows.restore:restore", HISTORY, "Restore any version.", BlockUse.SEARCHED),
    Command(
        "promote",
        "flows.promote:promote",
        HISTORY,
        "Copy one version to other repositories.",
        BlockUse.SEARCHED,
    ),
    Command(
        "modify",
        "flows.modify:modify",
        HISTORY,
        "Create a version by adding and removing files.",
        BlockUse.SEARCHED,
    ),
    Command("retain", "flows.retain:retain", HISTORY, "Set how many versions to keep."),
    Command(
        "delete-version", "flows.delete_version:delete_version", HISTORY, "Delete one version."
    ),
    Command(
        "provenance",
        "flows.provenance:provenance",
        HISTORY,
        "Write a statement of where a version came from.",
    ),
    Command(
        "verify",
        "flows.verify:verify",
        MAINTAIN,
        "Check the files of a repository against a version.",
    ),
    Command(
        "freshness",
        "flows.freshness:freshness",
        MAINTAIN,
        "Check that the expected files arrived.",
        BlockUse.LISTED,
    ),
    Command(
        "repair",
        "flows.repair:repair",
        MAINTAIN,
        "Replace damaged files from any good copy.",
        BlockUse.SEARCHED,
    ),
    Command(
        "repair-all",
        "flows.repair_all:repair_all",
        MAINTAIN,
        "Repair every stored repository.",
        BlockUse.LISTED,
    ),
    Command("prune", "flows.prune:prune", MAINTAIN, "Remove data that nothing needs any more."),
    Command(
        "reclaim",
        "flows.reclaim:reclaim",
        MAINTAIN,
        "Free space by removing files that can be fetched again.",
        BlockUse.SEARCHED,
    ),
    Command("purge", "flows.purge:purge", MAINTAIN, "Remove what was pulled into a directory."),
    Command(
        "check-catalog",
        "flows.check_catalog:check_catalog",
        MAINTAIN,
        "Check the catalog for inconsistencies.",
    ),
)
"""Commands generated from flows; they take the flows' parameters."""

QUERIES = (
    Command("ls", "cli.catalog.queries:ls", QUERY, "List repositories, or what a version holds."),
    Command(
        "versions", "cli.catalog.queries:versions", QUERY, "List the versions of a repository."
    ),
    Command("diff", "cli.catalog.queries:diff", QUERY, "Show what differs between two versions."),
    Command(
        "runs", "cli.catalog.queries:runs", QUERY, "List the last runs, or the failures of one."
    ),
    Command("show-plan", "cli.catalog.queries:show_plan", QUERY, "Show a stored plan."),
    Command(
        "explain",
        "cli.catalog.queries:explain",
        QUERY,
        "Explain what a run did with a path, and why.",
    ),
    Command(
        "failures",
        "cli.catalog.queries:failures",
        QUERY,
        "Show what contracts found in a run's files.",
    ),
    Command("sql", "cli.catalog.queries:sql", QUERY, "Query the catalog in SQL, read-only."),
)
"""Commands that only read the catalog, without a run and without Prefect."""

RESOURCE_COMMANDS = (
    Command(
        "put", "cli.resources.commands:put", RESOURCES, "Store a file as a resource's next version."
    ),
    Command("get", "cli.resources.commands:get", RESOURCES, "Save a resource as a file, verified."),
    Command("cp", "cli.resources.commands:cp", RESOURCES, "Copy a resource to another name."),
    Command("mv", "cli.resources.commands:mv", RESOURCES, "Move a resource to another name."),
    Command(
        "rm", "cli.resources.commands:rm", RESOURCES, "Delete a resource, or one version of it."
    ),
    Command(
        "register",
        "cli.resources.commands:register",
        RESOURCES,
        "Record a file at a URL as a resource, without copying it.",
    ),
)
"""Commands for resources, at a gateway or in the local catalog."""

OTHER_COMMANDS = (
    Command("label", "cli.catalog.labels:label", HISTORY, "Set or show the labels of a version."),
    Command("protect", "cli.catalog.labels:protect", HISTORY, "Protect a version from deletion."),
    Command("setup", "cli.setup.command:setup", OPERATE, "Set up the Prefect server for Entrepot."),
    Command(
        "workflows", "cli.workflows.commands:app", OPERATE, "Check, apply or run a workflow file."
    ),
    Command("gateway", "cli.gateway:gateway", OPERATE, "Serve resources and content over HTTP."),
    Command(
        "catalog",
        "cli.catalog.backups:app",
        OPERATE,
        "Back up, restore, check or rebuild the catalog.",
    ),
    Command("token", "cli.catalog.tokens:app", OPERATE, "Create, list or revoke gateway tokens."),
    Command(
        "doctor", "cli.doctor.command:doctor", OPERATE, "Check for problems that would stop a run."
    ),
)

COMMANDS = (*VERBS, *RESOURCE_COMMANDS, *QUERIES, *OTHER_COMMANDS)
