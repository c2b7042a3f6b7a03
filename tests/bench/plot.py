"""Draws how the times of one case are distributed, as SVG."""

import math
from xml.sax.saxutils import escape

import report

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 56, 48
COLOURS = {"native": "#6b7280", "intercepted": "#2563eb", "bwrap": "#c2410c", "script": "#047857"}
TICKS = [200, 500, 1000, 2000, 5000, 10000, 20000, 50000]


class Axes:
    """Times on a logarithmic axis from left to right, shares from bottom to top."""

    def __init__(self, times):
        self.least, self.most = min(times) * 0.9, max(times) * 1.1

    def x(self, microseconds):
        share = math.log(microseconds / self.least) / math.log(self.most / self.least)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    @staticmethod
    def y(percent):
        return round(HEIGHT - BOTTOM - percent / 100 * (HEIGHT - TOP - BOTTOM), 1)

    def grid(self):
        for percent in (0, 25, 50, 75, 100):
            y = self.y(percent)
            yield f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#e5e7eb"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{percent} %</text>'
        for tick in TICKS:
            if self.least < tick < self.most:
                x = self.x(tick)
                text = f"{tick / 1000:g} ms" if tick >= 1000 else f"{tick} µs"
                yield f'<path d="M{x} {TOP}V{HEIGHT - BOTTOM}" stroke="#e5e7eb"/>'
                yield f'<text x="{x}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{text}</text>'


def curve(axes, name, figures, row):
    """One means: how many per cent of its starts took at most that long."""
    colour = COLOURS.get(name, "#111827")
    points = [(axes.x(us), axes.y(int(percent)))
              for percent, us in sorted(figures["percentiles_us"].items(), key=lambda p: int(p[0]))]
    path = "M" + "L".join(f"{x} {y}" for x, y in points)
    yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    x, y = LEFT + 12, TOP + 20 + 18 * row
    yield f'<path d="M{x} {y - 4}h18" stroke="{colour}" stroke-width="3"/>'
    label = f"{name}, median {figures['p50_us']:.0f} µs"
    yield f'<text x="{x + 26}" y="{y}" fill="{colour}">{escape(label)}</text>'


def svg(case, machine):
    """The whole picture."""
    times = [us for figures in case["means"].values() for us in figures["percentiles_us"].values()]
    axes = Axes(times)
    title = f"How long a start takes: {report.condition(case)}"
    words = f"share of starts that took at most that long; {machine['model']}, Linux {machine['kernel']}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#374151">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" fill="#111827">{escape(title)}</text>',
        f'<text x="{LEFT}" y="42">{escape(words)}</text>', *axes.grid()]
    for row, (name, figures) in enumerate(case["means"].items()):
        lines += curve(axes, name, figures, row)
    return "\n".join([*lines, "</svg>", ""])
