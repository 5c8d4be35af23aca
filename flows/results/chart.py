"""The chart of a run: bytes and files over time, and files by outcome, as SVG.

It is drawn without a plotting library, which would cost a run half a second, and embedded in the
text, since Prefect's UI loads no images.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence

from catalog.formats.quantities import format_bytes
from transfer.workers.progress import Snapshot

WIDTH, HEIGHT = 720, 300  # the SVG's units, as in all that follows
LEFT, RIGHT, TOP, BOTTOM = 80, 640, 36, 200  # edges of the plot
BAR, BAR_HEIGHT = 240, 18  # the bar of outcomes
BYTES, FILES = "#2563eb", "#ea580c"
COLOURS = {
    "added": "#16a34a",
    "replaced": "#0891b2",
    "removed": "#9333ea",
    "catalogued": "#64748b",
    "dropped": "#ca8a04",
    "failed": "#dc2626",
}


def chart_image(points: Sequence[Snapshot], outcomes: Mapping[str, int]) -> str:
    """Return the chart as an image embedded in Markdown."""
    encoded = base64.b64encode(chart_svg(points, outcomes).encode()).decode()
    return f"![bytes and files over time, and by outcome](data:image/svg+xml;base64,{encoded})"


def chart_svg(points: Sequence[Snapshot], outcomes: Mapping[str, int]) -> str:
    """Return an SVG of a run's progress over time and of the outcomes of its files.

    `outcomes` counts files by the names of `COLOURS`; others are not drawn.
    """
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>',
        *_plot(points),
        *_outcome_bar(outcomes),
        "</svg>",
    ]
    return "".join(parts)


def _plot(points: Sequence[Snapshot]) -> list[str]:
    end_s = max((point.elapsed_s for point in points), default=0.0) or 1.0
    most_bytes = max((point.bytes for point in points), default=0) or 1
    most_files = max((point.files for point in points), default=0) or 1
    return [
        *_grid(end_s),
        *_axis(LEFT - 8, "end", BYTES, lambda share: format_bytes(int(share * most_bytes))),
        *_axis(RIGHT + 8, "start", FILES, lambda share: f"{share * most_files:,.0f}"),
        _text(LEFT, TOP - 16, "bytes read", BYTES),
        _text(RIGHT, TOP - 16, "files done", FILES, "end"),
        _line([(point.elapsed_s / end_s, point.bytes / most_bytes) for point in points], BYTES),
        _line([(point.elapsed_s / end_s, point.files / most_files) for point in points], FILES),
    ]


def _grid(end_s: float) -> list[str]:
    lines = [
        f'<line x1="{LEFT}" x2="{RIGHT}" y1="{_y(share)}" y2="{_y(share)}" stroke="#e2e8f0"/>'
        for share in (0.0, 0.5, 1.0)
    ]
    times = [
        _text(_x(share), BOTTOM + 16, _time(share * end_s), "#475569", "middle")
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    return lines + times


def _axis(x: float, anchor: str, colour: str, label: Callable[[float], str]) -> list[str]:
    return [_text(x, _y(share) + 4, label(share), colour, anchor) for share in (0.0, 0.5, 1.0)]


def _line(shares: Sequence[tuple[float, float]], colour: str) -> str:
    drawn = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in shares)
    return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _outcome_bar(outcomes: Mapping[str, int]) -> list[str]:
    shown = [(name, outcomes.get(name, 0)) for name in COLOURS if outcomes.get(name, 0) > 0]
    total = sum(count for _, count in shown)
    parts: list[str] = []
    x = float(LEFT)
    for name, count in shown:
        width = (RIGHT - LEFT) * count / total
        parts.append(
            f'<rect x="{x:.1f}" y="{BAR}" width="{width:.1f}" height="{BAR_HEIGHT}" '
            f'fill="{COLOURS[name]}"/>'
        )
        x += width
    step = (RIGHT - LEFT) / max(1, len(shown))
    for index, (name, count) in enumerate(shown):
        parts.append(_text(LEFT + index * step, BAR + 38, f"{name} {count:,}", COLOURS[name]))
    return parts


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    attributes = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {attributes}>{html.escape(text)}</text>"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _x(share: float) -> float:
    return LEFT + share * (RIGHT - LEFT)


def _y(share: float) -> float:
    return BOTTOM - share * (BOTTOM - TOP)
