"""What a storage says of itself, once, so that nobody has to try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a storage can do, declared once."""

    writable: bool = True
    tree: bool = True  # a name cannot be both a file and a folder
    sizes: bool = True  # a listing says each file's exact size
    etags: bool = False  # a listing's etag changes when the content does, and only then
    ranges: bool = True  # `read` starts in the middle without reading what is before
    pinned_reads: bool = False
    """The storage itself refuses a read when the etag is no longer the planned one."""
    digests: tuple[str, ...] = ()  # algorithms that a listing, stat or fetch may declare
    copy: bool = False  # it moves bytes inside itself without sending them here
    links: bool = False
    """`copy` makes links, as the repository asks: it is always preferred to writing."""
    atomic_rename: bool = False  # a finished file appears by rename
    random_access: bool = False  # `open_file` gives a file that is read at any place
    conditional_put: bool = False
    """A write can demand that nothing stands at the name yet."""
    long_round_trip: bool = False  # worth more threads than usual
    raw_names: bool = False  # of any bytes, in the form of `providers.shared.raw_names`
    read_buffer: int = 2 * 2**20  # bytes of memory that one reading takes
    write_buffer: int = 2**20  # bytes of memory that one `Writer` takes
    parts: int | None = None  # of which a large file has at most so many, all in these buffers
    part: int = 0  # bytes of one, unless there would be too many

    def writing(self, size: int | None) -> int:
        """Return how many bytes of memory the writer of a file of `size` takes at most."""
        if size is None or self.parts is None:
            return self.write_buffer
        return int(self.write_buffer * max(1.0, size / (self.parts * self.part)))


OBJECTS = Capabilities(tree=False, etags=True, pinned_reads=True)
"""What object stores have in common."""
