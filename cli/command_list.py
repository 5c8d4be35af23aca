"""Which commands there are: their names, where they are made, and a sentence on each.

The sentences stand here, and not only where the commands are made, so that `entrepot --help` need
not load Prefect, which takes two seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

MOVE, RESOURCES, HISTORY, KEEP = "Move", "Resources", "History", "Keep well"
ASK, OPERATE = "Ask", "Operate"
GROUPS = (MOVE, RESOURCES, HISTORY, KEEP, ASK, OPERATE)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `place` is `module:attribute`; a verb's is its flow."""

    name: str
    place: str
    group: str
    help: str


VERBS = (
    Command("sync", "flows.sync:sync", MOVE, "Bring every destination up to date with a source."),
    Command("pull", "flows.pull:pull", MOVE, "Fetch chosen files and folders into a directory."),
    Command("fetch", "flows.fetch:fetch", MOVE, "Fetch bytes that are only catalogued."),
    Command("replicate", "flows.replicate:replicate", MOVE, "Copy every repository below a place."),
    Command(
        "export-tree", "flows.export_tree:export_tree", MOVE, "Write a version as plain files."
    ),
    Command(
        "export-archive", "flows.export_archive:export_archive", MOVE, "Write versions as archives."
    ),
    Command("import-archive", "flows.import_archive:import_archive", MOVE, "Read archives back."),
    Command("adopt", "flows.adopt:adopt", MOVE, "Catalogue files that are there already."),
    Command("rebuild", "flows.rebuild:rebuild", MOVE, "Learn anew what many repositories hold."),
    Command("plan", "flows.plan:plan", HISTORY, "Decide what a sync would do; touch nothing."),
    Command("apply", "flows.apply:apply", HISTORY, "Carry out a stored plan exactly, or refuse."),
    Command(
        "plan-restore",
        "flows.plan_restore:plan_restore",
        HISTORY,
        "Decide what a restore would do.",
    ),
    Command(
        "plan-modify", "flows.plan_modify:plan_modify", HISTORY, "Decide what modify would do."
    ),
    Command("restore", "flows.restore:restore", HISTORY, "Make any version stand again."),
    Command("promote", "flows.promote:promote", HISTORY, "Make a version stand elsewhere."),
    Command("modify", "flows.modify:modify", HISTORY, "Make a version by adding and removing."),
    Command("retain", "flows.retain:retain", HISTORY, "Say how many versions are kept."),
    Command(
        "delete-version", "flows.delete_version:delete_version", HISTORY, "Delete one version."
    ),
    Command("provenance", "flows.provenance:provenance", HISTORY, "State where a version is from."),
    Command("verify", "flows.verify:verify", KEEP, "Look whether every file is well."),
    Command("freshness", "flows.freshness:freshness", KEEP, "Look whether what should come came."),
    Command("repair", "flows.repair:repair", KEEP, "Mend what is damaged, from any good copy."),
    Command("repair-all", "flows.repair_all:repair_all", KEEP, "Mend every stored repository."),
    Command("prune", "flows.prune:prune", KEEP, "Remove what nothing needs any more."),
    Command("reclaim", "flows.reclaim:reclaim", KEEP, "Free bytes that can be fetched again."),
    Command("purge", "flows.purge:purge", KEEP, "Remove what was pulled into a directory."),
    Command(
        "check-catalog", "flows.check_catalog:check_catalog", KEEP, "Audit the catalog itself."
    ),
)
"""Commands made from flows: what the flow takes, they take."""

QUESTIONS = (
    Command("ls", "cli.catalog.queries:ls", ASK, "List repositories, or what a version holds."),
    Command("versions", "cli.catalog.queries:versions", ASK, "List the versions of a repository."),
    Command("diff", "cli.catalog.queries:diff", ASK, "Show what differs between two versions."),
    Command("runs", "cli.catalog.queries:runs", ASK, "List the last runs, or the failures of one."),
    Command("show-plan", "cli.catalog.queries:show_plan", ASK, "Show a stored plan."),
    Command(
        "explain", "cli.catalog.queries:explain", ASK, "Say why a run did what it did with a path."
    ),
    Command(
        "failures",
        "cli.catalog.queries:failures",
        ASK,
        "Show what contracts found in a run's files.",
    ),
    Command(
        "sql", "cli.catalog.queries:sql", ASK, "Ask the catalog in SQL; nothing can be written."
    ),
)
"""Commands that only read the catalog: no run, and no Prefect."""

UPLOADS = (
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
        "Record what lies elsewhere, uncopied.",
    ),
)
"""Commands about resources: of a gateway, or of the catalog itself, in the same words."""

OTHERS = (
    Command(
        "label", "cli.catalog.labels:label", HISTORY, "Write labels of a version, or show them."
    ),
    Command("protect", "cli.catalog.labels:protect", HISTORY, "Let nothing delete a version."),
    Command(
        "setup", "cli.setup.command:setup", OPERATE, "Make at Prefect's server what Entrepot needs."
    ),
    Command(
        "workflows", "cli.workflows.commands:app", OPERATE, "Check, apply or run a workflow file."
    ),
    Command("gateway", "cli.gateway:gateway", OPERATE, "Serve resources and content over HTTP."),
    Command(
        "catalog",
        "cli.catalog.backups:app",
        OPERATE,
        "Back up, restore, check, rebuild the catalog.",
    ),
    Command(
        "token", "cli.catalog.tokens:app", OPERATE, "Make, list or revoke tokens of a gateway."
    ),
    Command(
        "doctor", "cli.doctor.command:doctor", OPERATE, "Look for what would keep a run from going."
    ),
)

EVERY = (*VERBS, *UPLOADS, *QUESTIONS, *OTHERS)
