"""Splits a plan into batches, each bounded by count and by bytes.

>>> list(batch_starts([5, 5, 5, 50, 1], BatchLimits(count=2, bytes=10)))
[0, 2, 3, 4]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalog.model.plan import BatchLimits


def batch_starts(sizes: Iterable[int], limits: BatchLimits) -> Iterator[int]:
    """Yield the start of each batch; a file above the limit is a batch of its own."""
    count = total = 0
    for position, whole in enumerate(sizes):
        size = min(whole, limits.heaviest)
        if not position or count == limits.count or total + size > limits.bytes:
            yield position
            count = total = 0
        count += 1
        total += size
