"""The kinds of steps: one file and one row each.

A new kind needs a file here and a row in ``STEP_KINDS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from idic.journey.program.steps.call import Call, CallKind
from idic.journey.program.steps.choose import Branch, Choose, ChooseKind
from idic.journey.program.steps.differentiate import Differentiate, DifferentiateKind
from idic.journey.program.steps.enter import Enter, EnterKind
from idic.journey.program.steps.exit import Exit, ExitKind
from idic.journey.program.steps.repeat import Repeat, RepeatKind
from idic.journey.program.steps.send import Send, SendKind
from idic.journey.program.steps.set import Set, SetKind
from idic.journey.program.steps.split import Share, Split, SplitKind
from idic.journey.program.steps.step import Step, Way
from idic.journey.program.steps.step_kind import StepKind
from idic.journey.program.steps.wait import Wait, WaitKind
from idic.journey.program.steps.wait_for import Arm, WaitFor, WaitForKind

__all__ = [
    "STEP_KINDS",
    "AnyStep",
    "Arm",
    "Branch",
    "Call",
    "Choose",
    "Differentiate",
    "Enter",
    "Exit",
    "Repeat",
    "Send",
    "Set",
    "Share",
    "Split",
    "Step",
    "StepKind",
    "Wait",
    "WaitFor",
    "Way",
]

STEP_KINDS: dict[str, StepKind[Any, Any]] = {
    kind.keyword: kind
    for kind in (
        WaitKind(),
        WaitForKind(),
        ChooseKind(),
        SplitKind(),
        SendKind(),
        SetKind(),
        CallKind(),
        RepeatKind(),
        EnterKind(),
        DifferentiateKind(),
        ExitKind(),
    )
}
"""Every kind of step by its key in the YAML, in the order in which they are listed everywhere."""


class _OfAnyKind:
    """Reads a step of a stored program as its ``kind`` says. The table is looked up when a model's schema is built."""

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {keyword: handler.generate_schema(kind.step) for keyword, kind in STEP_KINDS.items()}
        return core_schema.tagged_union_schema(choices, discriminator="kind")


if TYPE_CHECKING:
    AnyStep = Step
else:
    AnyStep = Annotated[Step, _OfAnyKind()]
"""A step of any kind: what is stored says which by ``kind``."""
