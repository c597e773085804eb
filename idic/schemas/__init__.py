"""JSON Schemas of the files in a folder of journeys, for editors: what they complete, explain on hover and underline.

The checker is the judge: a schema never refuses what the checker accepts, and refuses what has the wrong shape. Every scalar
is text to the checker, and typed by YAML to an editor, so numbers and yes/no stand beside text wherever text may be.
"""

from __future__ import annotations

import json

from idic.schemas.journey_file import journey
from idic.schemas.policy_file import policy
from idic.schemas.stories_file import stories
from idic.schemas.vocabulary_file import vocabulary

SCHEMAS = {"journey": journey, "vocabulary": vocabulary, "policy": policy, "stories": stories}
"""What makes each schema, by the kind of file."""


def written(kind: str) -> str:
    """The schema of a kind of file, as it stands in a file of its own."""
    return json.dumps(SCHEMAS[kind](), indent=2, ensure_ascii=False) + "\n"
