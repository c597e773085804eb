"""Place the cards and lines of the picture.

A flow goes from top to bottom, branches stand side by side, exits at the right. Each branch has a column of its own, so no line
crosses a card or another line. Everything is placed around the line x = 0, on which a flow enters and leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from idic.journey.program.program import Program
from idic.picture.cards import (
    CARD,
    Card,
    Chip,
    chip,
    end_card,
    entry_card,
    exit_card,
    goal_card,
    leave_card,
    segments_card,
    step_card,
)
from idic.picture.nested_steps import NestedFlow, Node, Onward, WayOut, nested_flow
from idic.picture.text_width import wrap

_DOWN = 26.0
"""The distance from a card to the next."""
_ASIDE = 22.0
"""The distance between columns."""
_TURN = 14.0
"""The distance from a card to the turn of a line below it."""
MARGIN = 32.0


class At(NamedTuple):
    """A card or a chip, placed by its upper left corner."""

    what: Card | Chip
    x: float
    y: float


class Path(NamedTuple):
    """A line through points, with an arrow at its end or none."""

    points: tuple[tuple[float, float], ...]
    arrow: bool = False
    back: bool = False


class Frame(NamedTuple):
    """A frame around the steps of a repeat."""

    x: float
    y: float
    w: float
    h: float


Shape = At | Path | Frame


class Area(NamedTuple):
    """Placed shapes: ``left`` and ``right`` of x = 0, and ``height`` down. ``open``: a line goes on from (0, height)."""

    shapes: tuple[Shape, ...]
    left: float
    right: float
    height: float
    open: bool


class Drawing(NamedTuple):
    """The whole picture; ``heading`` are the lines of the title."""

    shapes: tuple[Shape, ...]
    width: float
    height: float
    heading: tuple[str, ...]


def lay_out(program: Program) -> Drawing:
    """The picture of a program."""
    return _Layout(program).whole()


def _moved(shapes: Sequence[Shape], dx: float, dy: float) -> list[Shape]:
    moved: list[Shape] = []
    for shape in shapes:
        if isinstance(shape, Path):
            moved.append(shape._replace(points=tuple((x + dx, y + dy) for x, y in shape.points)))
        else:
            moved.append(shape._replace(x=shape.x + dx, y=shape.y + dy))
    return moved


class _Layout:
    def __init__(self, program: Program) -> None:
        self.program = program

    def whole(self) -> Drawing:
        whole = nested_flow(self.program)
        head: list[Card] = [entry_card(self.program)]
        if (segments := segments_card(self.program)) is not None:
            head.append(segments)
        shapes: list[Shape] = []
        y = 0.0
        for number, one in enumerate(head):
            if number:
                shapes.append(Path(((0, y), (0, y + _DOWN)), True))
                y += _DOWN
            shapes.append(At(one, -one.w / 2, y))
            y += one.h
        flow = self.flow(whole)
        if flow.shapes:
            shapes.append(Path(((0, y), (0, y + _DOWN)), True))
            shapes += _moved(flow.shapes, 0, y + _DOWN)
            y += _DOWN + flow.height
        if whole.open:
            done = end_card("done")
            shapes += [Path(((0, y), (0, y + _DOWN)), True), At(done, -done.w / 2, y + _DOWN)]
            y += _DOWN + done.h
        left, right = max(flow.left, 150), max(flow.right, 150)
        band = [goal_card(self.program.goal)] if self.program.goal else []
        band += [leave_card(self.program.leave)] if self.program.leave else []
        across = sum(one.w for one in band) + _ASIDE * (len(band) - 1)
        inner = max(left + right, across, 420)
        heading = tuple(wrap(self.program.title, inner - 20, 22, True))
        top = MARGIN + 28 * len(heading) + 30
        placed: list[Shape] = []
        x = MARGIN
        for one in band:
            placed.append(At(one, x, top))
            x += one.w + _ASIDE
        top += max((one.h for one in band), default=0) + (_DOWN if band else 0)
        # In the middle of the page, if everything fits there.
        middle = MARGIN + max(left, inner - right if right > inner / 2 else inner / 2)
        placed += _moved(shapes, middle, top)
        return Drawing(tuple(placed), max(middle + right, MARGIN + inner) + MARGIN, top + y + MARGIN, heading)

    def flow(self, branch: NestedFlow) -> Area:
        shapes: list[Shape] = []
        left = right = y = 0.0
        for number, item in enumerate(branch.flow):
            block = self.item(item)
            if number:
                label = self.label(branch.flow[number - 1])
                y = self.joined(shapes, y, label)
                if label is not None:
                    left, right = max(left, label.w / 2), max(right, label.w / 2)
            shapes += _moved(block.shapes, 0, y)
            left, right, y = max(left, block.left), max(right, block.right), y + block.height
        last = branch.flow[-1] if branch.flow else None
        if branch.open and last is not None and (label := self.label(last)) is not None:
            # The line that goes on from here is drawn by the parent: only its words are placed here.
            shapes += [Path(((0, y), (0, y + _TURN))), At(label, -label.w / 2, y + _TURN)]
            left, right, y = max(left, label.w / 2), max(right, label.w / 2), y + _TURN + label.h
        return Area(tuple(shapes), left, right, y, branch.open)

    def label(self, item: Node | WayOut | Onward) -> Chip | None:
        return chip(item.label) if isinstance(item, Node) and item.label else None

    def joined(self, shapes: list[Shape], y: float, label: Chip | None) -> float:
        """Draws a line down to the next card; returns the y of that card."""
        if label is not None:
            shapes += [Path(((0, y), (0, y + _TURN))), At(label, -label.w / 2, y + _TURN)]
            y += _TURN + label.h
        shapes.append(Path(((0, y), (0, y + _DOWN)), True))
        return y + _DOWN

    def item(self, item: Node | WayOut | Onward) -> Area:
        match item:
            case WayOut(reason=reason, step=step):
                card = exit_card((), reason, step or "")
                return Area((At(card, -card.w / 2, 0),), card.w / 2, card.w / 2, card.h, False)
            case Onward(step=step):
                card = end_card(f"on at {step}")
                return Area((At(card, -card.w / 2, 0),), card.w / 2, card.w / 2, card.h, False)
            case Node():
                return self.node(item)

    def node(self, node: Node) -> Area:
        told = bool(node.exits or node.branches)
        card = step_card(self.program, node.step, told=told)
        block = self.with_exits(card, node)
        if node.body is not None:
            block = self.framed(block, node.body)
        if node.branches:
            block = self.parted(block, node.branches)
        return block

    def with_exits(self, card: Card, node: Node) -> Area:
        shapes: list[Shape] = [At(card, -card.w / 2, 0)]
        right, height = card.w / 2, card.h
        if node.exits:
            exits = [exit_card(labels, reason) for labels, reason in node.exits]
            bus, x, y = right + 13, right + 28, 0.0
            if len(exits) == 1:
                y = max(0.0, card.h / 2 - exits[0].h / 2)
            middles = []
            for one in exits:
                shapes.append(At(one, x, y))
                middles.append(y + one.h / 2)
                shapes.append(Path(((bus, middles[-1]), (x, middles[-1])), True))
                y += one.h + 8
            start = min(card.h - 12, max(middles[0], 12))
            shapes.append(Path(((right, start), (bus, start))))
            shapes.append(Path(((bus, min(start, middles[0])), (bus, max(start, middles[-1])))))
            right, height = x + exits[0].w, max(height, y - 8)
        if height > card.h:
            shapes.append(Path(((0, card.h), (0, height))))
        return Area(tuple(shapes), card.w / 2, right, height, True)

    def framed(self, block: Area, body: NestedFlow) -> Area:
        """The card of a repeat with its steps below, in a frame, and the way back to it at the left."""
        inner = self.flow(body)
        shapes = list(_moved(block.shapes, 0, 16))
        y = 16 + block.height
        shapes.append(Path(((0, y), (0, y + _DOWN)), True))
        y += _DOWN
        shapes += _moved(inner.shapes, 0, y)
        y += inner.height
        left, right = max(block.left, inner.left) + 38, max(block.right, inner.right) + 16
        if body.open:
            back = -left + 20
            y += 16
            shapes.append(Path(((0, y - 16), (0, y), (back, y), (back, 16 + 30), (-CARD / 2, 16 + 30)), True, True))
        y += 16
        return Area((Frame(-left, 0, left + right, y), *shapes), left, right, y, True)

    def parted(self, block: Area, branches: tuple[NestedFlow, ...]) -> Area:
        """The branches below a step, side by side; where they meet, the line goes on."""
        columns: list[tuple[Chip | None, Area]] = []
        for branch in branches:
            columns.append((chip(branch.labels) if branch.labels else None, self.flow(branch)))
        lefts = [max(flow.left, label.w / 2 if label else 0, 40) for label, flow in columns]
        rights = [max(flow.right, label.w / 2 if label else 0, 40) for label, flow in columns]
        places = [0.0]
        for number in range(1, len(columns)):
            places.append(places[-1] + rights[number - 1] + _ASIDE + lefts[number])
        middle = (places[0] + places[-1]) / 2
        places = [place - middle for place in places]
        shapes = list(block.shapes)
        bus = block.height + _TURN
        shapes.append(Path(((0, block.height), (0, bus))))
        shapes.append(Path(((places[0], bus), (places[-1], bus))))
        ends = []
        chips = max((label.h for label, _ in columns if label), default=0.0)
        for place, (label, flow) in zip(places, columns, strict=True):
            y = bus + 10
            shapes.append(Path(((place, bus), (place, y))))
            if label is not None:
                shapes.append(At(label, place - label.w / 2, y))
                shapes.append(Path(((place, y + label.h), (place, y + chips))))
            y += chips
            if flow.shapes:
                shapes.append(Path(((place, y), (place, y + _DOWN - 8)), True))
                y += _DOWN - 8
                shapes += _moved(flow.shapes, place, y)
                y += flow.height
            ends.append(y)
        height = max(ends)
        opened = [(place, end) for place, end, (_, flow) in zip(places, ends, columns, strict=True) if flow.open]
        if opened:
            meet = height + _TURN
            shapes += [Path(((place, end), (place, meet))) for place, end in opened]
            across = [*(place for place, _ in opened), 0.0]
            shapes.append(Path(((min(across), meet), (max(across), meet))))
            height = meet
        left = max(block.left, lefts[0] - places[0])
        right = max(block.right, rights[-1] + places[-1])
        return Area(tuple(shapes), left, right, height, bool(opened))
