"""What is done while it is killed: every kind of flow, in a small world of folders.

A world is a folder with a catalog of its own; `built` makes it, each deed changes one place of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

FIRST = {f"d{number % 3}/f{number:02}": b"first %d " % number * 2000 for number in range(12)}
SECOND = {
    **{path: data for path, data in FIRST.items() if path not in ("d0/f00", "d1/f01")},
    **{path: data + b"changed" for path, data in list(FIRST.items())[3:6]},
    "d3/new": b"new" * 9000,
}
THIRD = {**SECOND, "d0/f03": b"third" * 4000, "d4/third": b"third"}
FOUND = {"a": b"found", "b/c": b"found too" * 900}
BLOCK = "killed-end"
Tree = Mapping[str, bytes]


def laid(folder: Path, files: Tree) -> str:
    """Let a folder hold just these files; return its path."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return str(folder)


def built(world: Path) -> None:
    """Make a world: two versions at three places, an archive, and what is to be brought back."""
    from blocks.repository import Repository  # noqa: PLC0415 - each imports Prefect
    from catalog.model.plan import Mode, Policy  # noqa: PLC0415
    from flows.export_archive import export_archive  # noqa: PLC0415
    from flows.forms.options import GuardSettings  # noqa: PLC0415
    from flows.retain import retain  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415
    from providers.local.settings import LocalSettings  # noqa: PLC0415

    ends = [str(world / name) for name in ("end", "kept", "broken")]
    for files in (FIRST, SECOND):
        source = laid(world / "source", files)
        sync(source, ends, mode=Mode.MIRROR, guards=GuardSettings(removal_share=None))
    sync(source, [str(world / "lazy")], policy=Policy.ON_DEMAND)
    retain(str(world / "kept"), 1)
    export_archive(str(world / "end"), str(world / "archive"))
    (world / "broken" / "d0/f06").unlink()
    (world / "broken" / "d1/f07").write_bytes(b"damaged")
    laid(world / "found", FOUND)
    laid(world / "source3", THIRD)
    Repository(storage=LocalSettings(path=str(world / "end"))).save(BLOCK, overwrite=True)


@dataclass(frozen=True, slots=True)
class Deed:
    """A kind of flow: what is done, and what lies where when it is done."""

    act: Callable[[Path], object]
    place: str
    holds: Tree


def _sync(world: Path) -> object:
    from catalog.model.plan import Mode  # noqa: PLC0415
    from flows.sync import sync  # noqa: PLC0415

    return sync(str(world / "source3"), [str(world / "end")], mode=Mode.MIRROR)


def _pull(world: Path) -> object:
    from flows.pull import pull  # noqa: PLC0415

    return pull(str(world / "source"), ["d3/new", "d2/f02"], str(world / "pulled"))


def _apply(world: Path) -> object:
    from catalog.model.plan import Mode  # noqa: PLC0415
    from flows.apply import apply  # noqa: PLC0415
    from flows.plan import plan  # noqa: PLC0415

    made = plan(str(world / "source3"), [str(world / "end")], mode=Mode.MIRROR)
    return apply(made.plan_id)


def _restore(world: Path) -> object:
    from flows.restore import restore  # noqa: PLC0415

    return restore(str(world / "end"), version=1)


def _verify(world: Path) -> object:
    from flows.verify import Depth, verify  # noqa: PLC0415

    return verify(str(world / "end"), depth=Depth.DIGEST)


def _repair(world: Path) -> object:
    from flows.repair import repair  # noqa: PLC0415

    return repair(str(world / "broken"))


def _repair_all(world: Path) -> object:
    from flows.repair_all import repair_all  # noqa: PLC0415

    (world / "end" / "d0/f06").unlink(missing_ok=True)
    return repair_all(names=[BLOCK])


def _prune(world: Path) -> object:
    from flows.prune import prune  # noqa: PLC0415

    return prune(str(world / "kept"), protect_hours=0)


def _replicate(world: Path) -> object:
    from flows.replicate import replicate  # noqa: PLC0415

    return replicate(str(world / "replica"), names=[BLOCK])


def _adopt(world: Path) -> object:
    from flows.adopt import adopt  # noqa: PLC0415

    return adopt(str(world / "found"))


def _promote(world: Path) -> object:
    from flows.promote import promote  # noqa: PLC0415

    return promote(str(world / "end"), [str(world / "promoted")], version=1)


def _retain(world: Path) -> object:
    from flows.retain import retain  # noqa: PLC0415

    return retain(str(world / "end"), 1)


def _delete_version(world: Path) -> object:
    from catalog.catalog import Catalog  # noqa: PLC0415
    from flows.delete_version import delete_version  # noqa: PLC0415

    numbers = [one.number for one in Catalog.open().versions.all(f"file://{world}/end")]
    return delete_version(str(world / "end"), 1) if 1 in numbers else None


def _fetch(world: Path) -> object:
    from flows.fetch import fetch  # noqa: PLC0415

    return fetch(str(world / "lazy"))


def _modify(world: Path) -> object:
    from flows.modify import modify  # noqa: PLC0415

    return modify(str(world / "end"), remove=["d3/new"], base_version=2)


def _export_tree(world: Path) -> object:
    from flows.export_tree import export_tree  # noqa: PLC0415

    again = "tree again" if (world / "tree").exists() else "tree"  # it appeared before the kill
    shutil.rmtree(world / "tree again", ignore_errors=True)
    return export_tree(str(world / "end"), str(world / again))


def _export_archive(world: Path) -> object:
    from flows.export_archive import export_archive  # noqa: PLC0415

    name = f"second-{len(list(world.glob('second-*-toc.json')))}"  # the last may have been whole
    return export_archive(str(world / "end"), str(world / name))


def _import_archive(world: Path) -> object:
    from flows.import_archive import import_archive  # noqa: PLC0415

    return import_archive(str(world / "archive-toc.json"), str(world / "imported"))


MODIFIED = {path: data for path, data in SECOND.items() if not path.startswith("d3/")}
DEEDS: dict[str, Deed] = {
    "sync": Deed(_sync, "end", THIRD),
    "pull": Deed(_pull, "pulled", {"new": SECOND["d3/new"], "f02": SECOND["d2/f02"]}),
    "plan and apply": Deed(_apply, "end", THIRD),
    "restore": Deed(_restore, "end", FIRST),
    "verify": Deed(_verify, "end", SECOND),
    "repair": Deed(_repair, "broken", SECOND),
    "repair-all": Deed(_repair_all, "end", SECOND),
    "prune": Deed(_prune, "kept", SECOND),
    "replicate": Deed(_replicate, f"replica/{BLOCK}", SECOND),
    "adopt": Deed(_adopt, "found", FOUND),
    "promote": Deed(_promote, "promoted", FIRST),
    "retain": Deed(_retain, "end", SECOND),
    "delete-version": Deed(_delete_version, "end", SECOND),
    "fetch": Deed(_fetch, "lazy", SECOND),
    "modify": Deed(_modify, "end", MODIFIED),
    "export-tree": Deed(_export_tree, "tree", SECOND),
    "export-archive": Deed(_export_archive, "end", SECOND),
    "import-archive": Deed(_import_archive, "imported", SECOND),
}
