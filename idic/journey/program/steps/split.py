"""The step ``split``: customers are parted by chance, each for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from idic.frozen import Frozen
from idic.journey.definition.definition import SplitDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way
from idic.journey.program.steps.step_kind import Follow, StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import BOTH, NEEDS_IF, step_schema
from idic.journey.program.values import Target
from idic.journey.yaml_source.nodes import Mapping, Node, Scalar
from idic.problems import did_you_mean
from idic.schema_parts import NAME, Schema, named, ref, whole


class Share(Frozen):
    """``percent`` of the customers go on with ``then``."""

    name: str
    percent: int
    then: Target


class Split(Step):
    """Draws one of the ``shares`` for each customer; their percent add up to 100."""

    kind: Literal["split"] = "split"
    shares: tuple[Share, ...]

    def ways(self) -> Iterator[Way]:
        """A way for each share."""
        yield from (Way(f"{share.name} · {share.percent} %", share.then) for share in self.shares)
        yield from self._if_not()

    @property
    def default(self) -> Target:
        """Where those go who are not split."""
        return self.otherwise

    def describe(self) -> Description:
        """``split by chance``"""
        return Description("split by chance", self._if())


class SplitKind(StepKind[SplitDefinition, Split]):
    """The row of ``split``."""

    keyword = "split"
    step = Split
    summary = "by fixed shares, drawn once for ever"
    other_names: ClassVar = {"ab_test": "split:", "test": "split:"}
    icon = '<path d="M8 14.5V9L3 4M8 9l5-5M3 7.5V4h3.5M13 7.5V4H9.5"/>'
    colors = ("#0f766e", "#f0fdfa")
    mermaid_box = ('{"', '"}')

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> SplitDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("split", "do", "then", "otherwise"))
        value, do, shares = fields["split"], fields.get("do"), []
        branches: dict[str, tuple[Scalar, Node]] = {}
        if isinstance(do, Mapping):
            branches = {key.value: (key, branch) for key, branch in do.entries}
        elif do is not None:
            reader.problems.error(do.mark, f"{label}: do has a branch for each share", "write do: {plain: …, offer: …}")
        if not isinstance(value, Mapping):
            reader.problems.error(value.mark, f"{label}: split consists of shares", "write split: {plain: 20, offer: 80}")
            return SplitDefinition(*reader.common(fields, id_, kind))
        sound = True
        for name, text in value.entries:
            percent = self._percent(reader, text, f"{label}: {name.value}")
            sound = reader.shapes.name(name, "share", field=True) and percent is not None and sound
            branch = reader.branch(branches[name.value][1]) if name.value in branches else None
            shares.append((name, percent or 0, branch))
        total = sum(percent for _, percent, _ in shares)
        if sound and total != 100:
            reader.problems.error(value.mark, f"{label}: the shares add up to {total}", "make them add up to 100")
        names = [name.value for name, _, _ in shares]
        for key, _ in branches.values():
            if key.value not in names:
                hint = did_you_mean(key.value, names)
                reader.problems.error(key.mark, f"{label}: there is no share {key.value}", hint)
        reader.needs_if(fields, label)
        return SplitDefinition(*reader.common(fields, id_, kind), shares=tuple(shares))

    def _percent(self, reader: StepReader, node: Node, what: str) -> int | None:
        """A whole number of percent."""
        if not isinstance(node, Scalar):
            hint = "write a whole number of percent, such as 20; what its share does stands under do:"
            reader.problems.error(node.mark, f"{what} is a share", hint)
            return None
        text = reader.shapes.text(node, what)
        if text is None:
            return None
        if text.value.isdecimal() and 0 < int(text.value) <= 100:
            return int(text.value)
        reader.problems.error(text.mark, f"{what} cannot be {text.value}", "write a whole number of percent, such as 20")
        return None

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        shares = named(whole("Percent.", 100), {"pattern": NAME}, examples=[{"plain": 20, "offer": 80}])
        do = named(ref("branch"), {"pattern": NAME}, "A branch for each share; one without goes on.")
        what = "By chance, in percent that add up to 100; the same for a customer for ever, and read later by the step's id."
        return step_schema("split", "Split", what, shares, {"do": do, **BOTH}, dependentRequired=NEEDS_IF)

    def link(self, text: SplitDefinition, name: str, then: Target, after: Target, follow: Follow) -> tuple[Target, ...]:
        """One for each share."""
        return tuple(follow(branch, then) for _, _, branch in text.shares)

    def transitions(
        self, text: SplitDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """One for each share, after which the split's name can be read."""
        drawn = [Transition(name, target, frozenset({name})) for target in targets.branches]
        return [*self.skipped(text, name, targets), *(drawn or [Transition(name, targets.then)])]

    def compile(self, text: SplitDefinition, context: StepContext) -> Split:
        """The step of the program."""
        drawn = zip(text.shares, context.targets.branches, strict=True)
        shares = tuple(Share(name=share.value, percent=percent, then=then) for (share, percent, _), then in drawn)
        return Split(**context.fields, shares=shares)

    def act(self, step: Split, move: StepRun) -> None:
        """Draws a share."""
        move.split(step)
