"""A message that cannot be composed is found by the check, before any customer is due."""

from __future__ import annotations

import shutil
from pathlib import Path

from idic.journeys_folder import compile_folder

JOURNEYS = Path(__file__).parents[3] / "journeys"


def test_mjml_that_does_not_compile_is_an_error_of_its_journey(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(JOURNEYS, tmp_path / "journeys"))
    body = folder / "templates" / "personal_offer.mjml"
    body.write_text(body.read_text().replace("</mj-column>", "", 1))
    compiled = compile_folder(folder)
    (problem,) = compiled.problems
    assert problem.severity == "error"
    assert problem.file == str(folder / "abandoned_cart.yaml")
    assert (folder / "abandoned_cart.yaml").read_text().splitlines()[problem.line - 1].strip() == "personal_offer:"
    assert problem.message.startswith('message "personal_offer" cannot be composed for a customer with everything known')
    others = {path.stem for path in folder.glob("*.yaml") if not path.stem.endswith(".stories")} - {"vocabulary", "policy"}
    assert set(compiled.programs) == others - {"abandoned_cart"}
