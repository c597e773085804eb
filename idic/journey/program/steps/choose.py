"""The step ``choose``: the first branch whose condition holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from idic.frozen import Frozen
from idic.journey.definition.definition import ChooseDefinition
from idic.journey.definition.read_steps import StepReader
from idic.journey.program.phrases import Description
from idic.journey.program.steps.step import Step, Way
from idic.journey.program.steps.step_kind import Follow, StepContext, StepKind, StepRun
from idic.journey.program.steps.step_links import StepTargets, Transition
from idic.journey.program.steps.step_schema import BOTH, step_schema
from idic.journey.program.values import Condition, Target
from idic.journey.yaml_source.nodes import Mapping, Scalar, Sequence
from idic.schema_parts import Schema, condition, entries, ref


class Branch(Frozen):
    """``when`` it holds, customers go on with ``then``."""

    when: Condition
    then: Target


class Choose(Step):
    """Takes the first of the ``branches`` that holds, or else ``otherwise``."""

    kind: Literal["choose"] = "choose"
    branches: tuple[Branch, ...]

    def ways(self) -> Iterator[Way]:
        """A way for each branch, and for those for whom none holds."""
        yield from (Way(branch.when.text, branch.then) for branch in self.branches)
        yield Way("otherwise", self.otherwise)

    @property
    def default(self) -> Target:
        """Where those go for whom no branch holds."""
        return self.otherwise

    def own_conditions(self) -> Iterator[Condition]:
        """The conditions of the branches."""
        return (branch.when for branch in self.branches)

    def describe(self) -> Description:
        """``choose``"""
        return Description("choose", self._if())


class ChooseKind(StepKind[ChooseDefinition, Choose]):
    """The row of ``choose``."""

    keyword = "choose"
    step = Choose
    summary = "the first branch whose if holds"
    other_names: ClassVar = dict.fromkeys(("branch", "switch", "when", "condition"), "choose:")
    icon = (
        '<path d="M8 1.2 14.8 8 8 14.8 1.2 8Z"/>'
        '<path d="M6.3 6.4a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1.1"/>'
        '<path d="M8 11.3v.1"/>'
    )
    colors = ("#0369a1", "#f0f9ff")
    mermaid_box = ('{"', '"}')

    def read(self, reader: StepReader, node: Mapping, kind: Scalar, id_: Scalar | None, label: str) -> ChooseDefinition:
        """The step as written."""
        fields = reader.parts(node, label, ("choose", "then", "otherwise"))
        value, branches = fields["choose"], []
        if isinstance(value, Sequence) and value.items:
            for item in value.items:
                if isinstance(item, Mapping) and (other := item.key("otherwise")) is not None:
                    hint = "write otherwise: under the list, in line with choose:"
                    reader.problems.error(other.mark, f"{label}: otherwise stands beside choose:, and not in its list", hint)
                    continue
                instead = {"then": "do:", "when": "if:"}
                parts = reader.shapes.fields(item, f"{label}: a branch", ("if", "do"), required=("if", "do"), instead=instead)
                if parts is None:
                    continue
                when = reader.shapes.text(parts.get("if"), f"{label}: if")
                do = reader.branch(parts.get("do"))
                if when is not None and do is not None:
                    branches.append((when, do))
        else:
            reader.problems.error(value.mark, f"{label}: choose is a list of branches", "write - if: … and do: … under it")
        return ChooseDefinition(*reader.common(fields, id_, kind), branches=tuple(branches))

    def schema(self) -> Schema:
        """The JSON schema of such a step."""
        parts = {"if": condition("Taken if this holds.", 'segment == "vip"'), "do": ref("branch")}
        branch = entries(parts, required=("if", "do"))
        value = {"type": "array", "items": branch, "minItems": 1}
        return step_schema("choose", "Choose", "The first branch whose condition holds; else `otherwise`.", value, BOTH)

    def link(self, text: ChooseDefinition, name: str, then: Target, after: Target, follow: Follow) -> tuple[Target, ...]:
        """One for each branch."""
        return tuple(follow(branch, then) for _, branch in text.branches)

    def transitions(
        self, text: ChooseDefinition, name: str, targets: StepTargets, entered_on: frozenset[str], uncertain: frozenset[str]
    ) -> list[Transition]:
        """One for each branch, and one for when none holds."""
        branches = [Transition(name, target) for target in targets.branches]
        return [*self.skipped(text, name, targets), *branches, Transition(name, targets.otherwise)]

    def compile(self, text: ChooseDefinition, context: StepContext) -> Choose:
        """The step of the program."""
        branches = tuple(
            Branch(when=when, then=target)
            for (condition, _), target in zip(text.branches, context.targets.branches, strict=True)
            if (when := context.condition(condition)) is not None
        )
        return Choose(**context.fields, branches=branches)

    def act(self, step: Choose, move: StepRun) -> None:
        """Takes a branch."""
        move.choose(step)
