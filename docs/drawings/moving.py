"""A recorded terminal as an SVG that moves: keyframes of CSS, no script, no font or picture from elsewhere.

Every stretch of time in which a line of the screen stays as it is becomes one text, visible then.  What is visible at
the end is so without animation as well: to a reader who asks for less motion, on paper, and where nothing can move.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

CELL, LINE, MARGIN, BAR = 8.4, 19.0, 14.0, 34.0  # of one character, its line, around the screen and its title; pixels
HOLD = 10.0  # seconds for which the end stays
GROUND = 'fill="#fff" stroke="#8c959f"'
READABLE = 4.5  # contrast of letters
# on white ground; the site turns pictures over for a dark page
COLOURS = {
    "default": "#24292f",
    "black": "#24292f",
    "red": "#b3261e",
    "green": "#116329",
    "brown": "#7d4e00",
    "blue": "#0550ae",
    "magenta": "#8250df",
    "cyan": "#1b6b75",
    "white": "#57606a",
}

Run = tuple[int, str, str]  # first column, colour with a * if bold, text
Line = tuple[Run, ...]


@dataclass(frozen=True)
class Frame:
    """The screen from a moment on.

    Attributes
    ----------
    shown : float
        When in the picture, seconds.
    true : float
        When in the recording.
    lines : tuple of Line
    """

    shown: float
    true: float
    lines: tuple[Line, ...]


def line_of(characters) -> Line:
    """Runs of one style among the characters of a line, as `pyte` has them; blanks at its end left out."""
    runs: list[Run] = []
    for column, character in enumerate(characters):
        style = character.fg + "*" * character.bold
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0], style, runs[-1][2] + character.data)
        else:
            runs.append((column, style, character.data))
    while runs and not runs[-1][2].strip():
        runs.pop()
    if runs:
        runs[-1] = (*runs[-1][:2], runs[-1][2].rstrip())
    return tuple(run for run in runs if run[2].strip())


def stretches(values: list) -> list[tuple[int, int, object]]:
    """``(first, end, value)`` of what stays, of one value for each frame."""
    found: list[tuple[int, int, object]] = []
    for i, value in enumerate(values):
        if found and found[-1][2] == value:
            found[-1] = (found[-1][0], i + 1, value)
        else:
            found.append((i, i + 1, value))
    return found


def moving_picture(frames: list[Frame], title: str, columns: int) -> str:
    """The SVG.

    Parameters
    ----------
    frames : list of Frame
        By time; the last has the whole transcript.
    title : str
    columns : int
        Of the terminal.
    """
    rows = max(len(frame.lines) for frame in frames)
    total = frames[-1].shown + HOLD
    width, height = columns * CELL + 2 * MARGIN, rows * LINE + 2 * MARGIN + BAR
    spans: dict[tuple[int, int], str] = {}
    texts = []
    for row in range(-1, rows):
        if row < 0:
            values = [f"{int(frame.true) // 60}:{int(frame.true) % 60:02d}" for frame in frames]
        else:
            values = [frame.lines[row] if row < len(frame.lines) else () for frame in frames]
        for first, end, value in stretches(values):
            if not value:
                continue
            classes = [] if end == len(frames) else ["gone"]
            if first or end < len(frames):
                classes.append(spans.setdefault((first, end), f"s{len(spans)}"))
            words = f' class="{" ".join(classes)}"' if classes else ""
            if row < 0:
                texts.append(f'<text{words} x="{width - MARGIN:g}" y="24" text-anchor="end">real time {value}</text>')
            else:
                texts.append(f"<g{words}>{_drawn(value, BAR + MARGIN + (row + 0.75) * LINE)}</g>")
    keys = [_keyframes(name, *span, frames, total) for span, name in spans.items()]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">',
            f"<title>{escape(title)}</title>",
            "<style>",
            "text{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre;fill:#24292f}",
            *(f".{name}{{fill:{value}}}" for name, value in COLOURS.items() if name != "default"),
            ".b{font-weight:bold}.gone{visibility:hidden}",
            "@media (prefers-reduced-motion: no-preference){",
            *keys,
            "}",
            "</style>",
            f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="8" {GROUND}/>',
            f'<path d="M0.5 {BAR:g}H{width - 0.5:g}" stroke="#d0d7de"/>',
            f'<text x="{width / 2:g}" y="24" text-anchor="middle">{escape(title)}</text>',
            *texts,
            "</svg>\n",
        ]
    )


def _drawn(line: Line, y: float) -> str:
    """The runs of a line; their width is told, so that columns hold in any font."""
    found = []
    for column, style, text in line:
        colour, bold = style.rstrip("*"), "*" in style
        classes = " ".join(["b"] * bold + [colour] * (colour in COLOURS and colour != "default"))
        words = f' class="{classes}"' if classes else ""
        if colour not in COLOURS:
            words += f' style="fill:{on_white(colour)}"'
        x, length = MARGIN + column * CELL, len(text) * CELL
        found.append(f'<text{words} x="{x:.5g}" y="{y:.5g}" textLength="{length:.5g}">{escape(text)}</text>')
    return "".join(found)


def on_white(colour: str) -> str:
    """A colour that programs choose for a black ground (six hexadecimal digits): greys turned over, others darkened
    until letters can be read."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (0, 2, 4))
    if red == green == blue:
        return f"#{255 - red:02x}" + 2 * f"{255 - red:02x}"
    rgb = [red, green, blue]
    while contrast_with_white(rgb) < READABLE:
        rgb = [int(0.95 * value) for value in rgb]
    return "#" + "".join(f"{value:02x}" for value in rgb)


def contrast_with_white(rgb) -> float:
    """Of the Web Content Accessibility Guidelines: 1 for white, 21 for black."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (value / 255 for value in rgb)]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def _keyframes(name: str, first: int, end: int, frames: list[Frame], total: float) -> str:
    """Visible from one frame to another, or to the end."""
    steps = {0.0: "hidden"}
    steps[100 * frames[first].shown / total] = "visible"
    if end < len(frames):
        steps[100 * frames[end].shown / total] = "hidden"
    inner = "".join(f"{at:.5g}%{{visibility:{value}}}" for at, value in sorted(steps.items()))
    last = inner[inner.rindex("{") :]
    return f"@keyframes {name}{{{inner}100%{last}}}.{name}{{animation:{name} {total:.4g}s step-end infinite}}"
