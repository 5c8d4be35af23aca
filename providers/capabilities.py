"""What a storage declares about itself, so that callers need not probe."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a storage can do."""

    writable: bool = True
    tree: bool = True  # a name cannot be both a file and a folder
    sizes: bool = True  # a listing has each file's exact size
    etags: bool = False  # a listing has etags that change exactly when the content does
    ranges: bool = True  # `read` can start in the middle without reading what comes before
    pinned_reads: bool = False
    """The storage itself refuses to read a file whose etag is not the expected one."""
    digests: tuple[str, ...] = ()  # algorithms whose digests a listing, stat or fetch may have
    copy: bool = False  # it can copy server-side
    links: bool = False
    """`copy` creates links, as the repository is configured: always preferred to writing."""
    atomic_rename: bool = False  # a finished file appears by rename
    random_access: bool = False  # `open_file` returns a file that can be read at any offset
    conditional_put: bool = False
    """A write can be made conditional on the name not existing yet."""
    long_round_trip: bool = False  # use more threads than usual
    raw_names: bool = False  # names may be any bytes, encoded as in `providers.shared.raw_names`
    read_buffer: int = 2 * 2**20  # bytes of memory for one reader
    write_buffer: int = 2**20  # bytes of memory for one `Writer`
    parts: int | None = None  # the most parts a large file may have
    part: int = 0  # bytes of a part, unless that makes too many parts

    def writing(self, size: int | None) -> int:
        """Return the most memory in bytes that writing a file of `size` takes."""
        if size is None or self.parts is None:
            return self.write_buffer
        return int(self.write_buffer * max(1.0, size / (self.parts * self.part)))


OBJECTS = Capabilities(tree=False, etags=True, pinned_reads=True)
"""Capabilities shared by object stores."""
