"""JSON Schemas of the files in a journeys folder, for completion, hints and errors in editors.

The checker decides: a schema never refuses what the checker accepts, and refuses what has the wrong shape. Every scalar is
text to the checker but typed by YAML to an editor, so numbers and yes/no are allowed wherever text is.
"""

from __future__ import annotations

import json

from idic.schemas.journey_file import journey
from idic.schemas.policy_file import policy
from idic.schemas.stories_file import stories
from idic.schemas.vocabulary_file import vocabulary

SCHEMAS = {"journey": journey, "vocabulary": vocabulary, "policy": policy, "stories": stories}
"""The function that makes each schema, by the kind of file."""


def schema_text(kind: str) -> str:
    """The schema of a kind of file as JSON text, as it is stored in a file."""
    return json.dumps(SCHEMAS[kind](), indent=2, ensure_ascii=False) + "\n"
