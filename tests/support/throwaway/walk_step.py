"""Walk a throw-away kind of step through idic: run by ``tests/test_families.py`` in a copy of idic that has the kind."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import yaml

from idic.cli.run.vocabulary import listed
from idic.customize.templates import check
from idic.journey.compiler.compile import Compilation, compile_journeys
from idic.journey.compiler.compile_templates import Templates
from idic.journey.engine import migrate
from idic.journey.engine.scope import Facts
from idic.journey.fmt.format import format_file
from idic.journey.program.program import Program
from idic.journey.report.report import describe_bounds, describe_reads
from idic.picture.compare import differences, verdict
from idic.picture.mermaid import mermaid
from idic.picture.svg import svg
from idic.rehearse.simulator import Simulator
from idic.schemas import SCHEMAS

JOURNEY = """\
journey: siesta
identify: {on: Signed Up}
interact:
  - id: rest
    nap: 2 hours
    gains: {energy: customer.orders + 10, customer.points: customer.orders * 2}
    deep: customer.orders > 1
    refreshed:
      - {id: ready, exit: refreshed, if: energy == 12, otherwise: exit tired}
    if: customer.orders >= 0
    then: exit tired
    otherwise: exit awake
"""
VOCABULARY = """\
currency: EUR
customer: {orders: {type: number, default: 0}, points: number}
events: {Signed Up: {}}
"""
START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def compiled(text: str) -> Compilation:
    """The compiled journey, with its problems."""
    return compile_journeys({"siesta.yaml": text}, ("vocabulary.yaml", VOCABULARY), Templates(), check)


def loaded(text: str) -> object:
    """The YAML, with every scalar as text, so that ``on`` stays a word."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def errors(text: str) -> list[str]:
    """The errors in the text of a journey."""
    return [problem.text for problem in compiled(text).problems if problem.severity == "error"]


def checked() -> Program:
    """It is read, compiled and checked, and what is wrong in it is found."""
    assert not compiled(JOURNEY).problems, compiled(JOURNEY).problems
    assert "customer.order" in errors(JOURNEY.replace("customer.orders * 2", "customer.order * 2"))[0]
    assert "energie" in errors(JOURNEY.replace("if: energy", "if: energie"))[0]
    assert "nap" in errors(JOURNEY.replace("nap: 2 hours", "nap: for ever"))[0]
    assert "depp" in errors(JOURNEY.replace("deep:", "depp:"))[0]
    assert "write nap:" in errors(JOURNEY.replace("nap:", "snooze:"))[0]
    program = compiled(JOURNEY).programs["siesta"]
    stored = json.dumps(program.document())
    assert Program.model_validate_json(stored).id == program.id
    assert type(Program.model_validate_json(stored).steps["rest"]).__name__ == "Nap"
    return program


def described(program: Program) -> None:
    """It is reported, drawn, described, compared, listed, formatted, and in the JSON schema."""
    assert describe_bounds(program) == "every path ends · sends nothing · longest 2 hours"
    assert "customer.orders" in describe_reads(program, compiled(JOURNEY).vocabulary)
    assert "nap 2 hours" in svg(program)
    assert "#334455" in svg(program)
    assert "M3 3h6L3 9h6" in svg(program)
    assert ":::is_nap" in mermaid(program)
    assert "refreshed" in mermaid(program)
    longer = compiled(JOURNEY.replace("2 hours", "3 hours")).programs["siesta"]
    assert [str(difference) for difference in differences(program, longer)] == ['step "rest": nap 2 hours → nap 3 hours']
    renamed = compiled(JOURNEY.replace("id: rest", "id: doze")).programs["siesta"]
    assert "rest" in verdict(program, renamed)
    assert format_file("siesta.yaml", JOURNEY).text == JOURNEY
    validator = jsonschema.Draft202012Validator(SCHEMAS["journey"]())
    assert not list(validator.iter_errors(loaded(JOURNEY)))
    assert list(validator.iter_errors(loaded(JOURNEY.replace("deep:", "depp:"))))


def simulated(program: Program) -> None:
    """Customers stand at it, are woken in time, and go on by their own way."""
    for orders, reason in ((1, "tired"), (2, "refreshed"), (-1, "awake")):
        customer = Simulator([program], START, traits={"orders": orders})
        customer.happens("Signed Up")
        (enrollment,) = customer.enrollments
        if reason != "awake":
            assert enrollment.state.step == "rest"
            assert enrollment.state.deadline == START + timedelta(hours=2)
            customer.wait(hours=3)
            assert customer.traits["points"] == orders * 2
        ended = enrollment.state.ended
        assert ended is not None
        assert ended.reason == reason, ended
        assert ended.at == START + timedelta(hours=0 if reason == "awake" else 2)


def migrated(program: Program) -> None:
    """Who stands at it goes on at the step of the same id and kind."""
    longer = compiled(JOURNEY.replace("2 hours", "3 hours")).programs["siesta"]
    customer = Simulator([program], START, traits={"orders": 2})
    customer.happens("Signed Up")
    state = customer.enrollments[0].state
    facts, now = Facts({"orders": 2}, "UTC"), START + timedelta(hours=1)
    moves = migrate.migrate(program, longer, state, {}, facts, now, timedelta(), under_way=False)
    assert isinstance(moves, migrate.Moves)
    assert moves.arrives == "rest"


if __name__ == "__main__":
    siesta = checked()
    described(siesta)
    simulated(siesta)
    migrated(siesta)
    folder = Path(sys.argv[1])
    (folder / "vocabulary.yaml").write_text(VOCABULARY)
    assert "nap" in {word.name for word in listed(folder) if word.section == "steps"}
