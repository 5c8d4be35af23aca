"""Everything that a killed process needs, imported before it is forked off."""

from flows import (
    adopt,
    apply,
    delete_version,
    export_archive,
    export_tree,
    fetch,
    import_archive,
    modify,
    plan,
    promote,
    prune,
    pull,
    repair,
    repair_all,
    replicate,
    restore,
    retain,
    sync,
    verify,
)

MODULES = (
    *(adopt, apply, delete_version, export_archive, export_tree, fetch, import_archive, modify),
    *(plan, promote, prune, pull, repair, repair_all, replicate, restore, retain, sync, verify),
)
