"""Draw a journey as one self-contained SVG, dark on light, in the reader's own fonts."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from idic.journey.program import phrases
from idic.journey.program.flow import in_order
from idic.journey.program.program import Program
from idic.picture import describe as words
from idic.picture.cards import MUTED, Card, TextLine, colors
from idic.picture.icons import icons
from idic.picture.layout import MARGIN, At, Drawing, Frame, Path, lay_out

_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_LINE = "#64748b"


def svg(program: Program) -> str:
    """The picture, as a document of its own that can also stand inside an HTML page."""
    drawing = lay_out(program)
    w, h = round(drawing.width), round(drawing.height)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" '
        f'aria-label={quoteattr(f"The journey {program.title}")} font-family="{_FONTS}" '
        'style="max-width:100%;height:auto;background:#fff">',
        f"<title>{escape(program.title)}</title>",
        f"<desc>{escape(describe(program))}</desc>",
        f'<rect width="{w}" height="{h}" fill="#fff"/>',
        *_heading(program, drawing),
    ]
    shapes = drawing.shapes
    parts += [_frame(shape) for shape in shapes if isinstance(shape, Frame)]
    parts += [_path(shape) for shape in shapes if isinstance(shape, Path)]
    parts += [_placed(shape) for shape in shapes if isinstance(shape, At)]
    return "\n".join([*parts, "</svg>", ""])


def describe(program: Program) -> str:
    """The journey in sentences, one for each step, for people who cannot see the picture."""
    said = words.entry(program.entry, program.zone)
    sentences = [f"Enters: {', '.join((said.title, *said.notes))}"]
    for step in (program.steps[name] for name in in_order(program)):
        told = step.describe()
        sentence = f"{step.id}: {', '.join((told.title, *told.notes))}"
        for way in words.ways(step):
            to = f"on to {way.target.step}" if way.target.step else f"exit {way.target.exit}"
            sentence += f"; {' or '.join(way.labels)}: {to}" if way.labels else f"; {to}"
        sentences.append(sentence)
    if program.goal:
        goal = words.goal(program.goal)
        sentences.append(f"Goal: {', '.join((goal.title, *goal.notes))}")
    if program.leave:
        sentences.append(f"Leaves at any step: {phrases.events(program.leave)}")
    return ". ".join(sentences) + "."


def _heading(program: Program, drawing: Drawing) -> list[str]:
    lines = [TextLine(text, MARGIN + 20 + 28 * number, 22, True) for number, text in enumerate(drawing.heading)]
    about = " · ".join(filter(None, (program.journey, program.purpose, program.topic)))
    lines.append(TextLine(about, MARGIN + 28 * len(drawing.heading) + 14, 12.5, color=MUTED))
    return [_text(line, MARGIN, 0) for line in lines]


def _placed(at: At) -> str:
    what, x, y = at
    if not isinstance(what, Card):
        rect = _rect(x, y, what.w, what.h, fill="#fff", stroke="#cbd5e1", rx=10.5)
        return rect + "".join(_text(line, x + what.w / 2, y, "middle") for line in what.lines)
    strong, light = colors()[what.kind]
    drawn = [f"<title>{escape(what.full)}</title>"]
    if what.kind == "exit":
        drawn.append(_rect(x, y, what.w, what.h, fill=light, stroke="#fca5a5", rx=8))
        last = next(line for line in what.lines if line.bold)
        drawn.append(_icon("exit", x + what.w - 22, y + last.y - 11, 13))
        drawn += [_text(line, x + 10, y) for line in what.lines]
    elif what.kind == "end":
        drawn.append(_rect(x, y, what.w, what.h, fill=light, stroke="#94a3b8", rx=15))
        drawn += [_text(line, x + what.w / 2, y, "middle") for line in what.lines]
    else:
        drawn.append(_rect(x, y, what.w, what.h, fill=light, stroke=strong, rx=9))
        drawn.append(_rect(x + 9, y + 10, 24, 24, fill="#fff", stroke=strong, rx=12))
        drawn.append(_icon(what.icons[0], x + 14, y + 15, 14, strong if len(what.icons) == 1 else colors()[what.icons[0]][0]))
        for number, name in enumerate(reversed(what.icons[1:])):
            drawn.append(_icon(name, x + what.w - 26 - 20 * number, y + 10, 14))
        drawn += [_text(line, x + 42, y) for line in what.lines]
    return "<g>" + "".join(drawn) + "</g>"


def _rect(x: float, y: float, w: float, h: float, *, fill: str, stroke: str, rx: float) -> str:
    place = f'x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{rx:g}"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}" stroke-width="1.2"/>'


def _icon(name: str, x: float, y: float, size: float, color: str | None = None) -> str:
    return (
        f'<g transform="translate({x:g} {y:g}) scale({size / 16:g})" fill="none" stroke="{color or colors()[name][0]}" '
        f'stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">{icons()[name]}</g>'
    )


def _text(line: TextLine, x: float, y: float, anchor: str = "start") -> str:
    style = f'font-size="{line.size:g}" fill="{line.color}"'
    style += ' font-weight="600"' if line.bold else ""
    style += ' font-style="italic"' if line.italic else ""
    style += f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:g}" y="{y + line.y:g}" {style}>{escape(line.text)}</text>'


def _path(path: Path) -> str:
    color = colors()["repeat"][0] if path.back else _LINE
    drawn = "M" + "L".join(f"{x:g} {y:g}" for x, y in path.points)
    line = f'<path d="{drawn}" fill="none" stroke="{color}" stroke-width="1.5" stroke-linejoin="round"/>'
    return line + _arrow(path, color) if path.arrow else line


def _arrow(path: Path, color: str) -> str:
    (x0, _), (x, y) = path.points[-2:]
    if x == x0:
        return f'<path d="M{x:g} {y:g}l-4.5-8h9Z" fill="{color}"/>'
    side = -8 if x > x0 else 8
    return f'<path d="M{x:g} {y:g}l{side}-4.5v9Z" fill="{color}"/>'


def _frame(frame: Frame) -> str:
    place = f'x="{frame.x:g}" y="{frame.y:g}" width="{frame.w:g}" height="{frame.h:g}" rx="14"'
    return f'<rect {place} fill="#f8fafc" fill-opacity=".8" stroke="{colors()["repeat"][0]}" stroke-dasharray="5 4"/>'
