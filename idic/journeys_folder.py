"""Read and compile a folder of journeys. The compiler itself reads no files.

journeys/            every *.yaml is a journey, except vocabulary.yaml, policy.yaml and *.stories.yaml
  vocabulary.yaml
  policy.yaml        which messages may be sent at all, whatever a journey says
  templates/         bodies: welcome.mjml, digest.html, note.txt; in another language: welcome.de.mjml
    blocks/          what {% render 'footer' %} takes: footer.mjml, footer.de.mjml
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from idic.customize.dry_run import ComposeFailure, dry_run
from idic.customize.dry_run_cache import DryRunCache
from idic.customize.templates import check
from idic.errors import NotFound
from idic.journey.compiler.compile import Compilation, compile_journeys
from idic.journey.compiler.compile_templates import Template, Templates
from idic.journey.definition.read_messages import describe_variant
from idic.journey.report.sms_help import journey_without_help
from idic.journey.yaml_source.nodes import Mapping, parse
from idic.problems import Mark, Problem, Problems

__all__ = ["Compilation", "compile_folder", "read_templates"]

VOCABULARY = "vocabulary.yaml"
POLICY = "policy.yaml"
_SUFFIXES = (".mjml", ".html", ".txt", ".liquid")


def compile_folder(folder: Path, only: Path | None = None) -> Compilation:
    """Compile every journey in ``folder``, or ``only`` one file of it.

    With ``only``, the other journeys are read so that it can refer to them; their problems are not reported. Problems name
    files as ``folder`` was given. A file that cannot be read is a problem like any other. Raises ``NotFound`` when there is
    no such folder or file.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}; name a folder of journeys")
    if only is not None and not only.is_file():
        raise NotFound(f"there is no file {only}; name a folder of journeys or a journey file")
    unread = Problems({})
    journeys = _journeys(folder, unread) if only is None else _texts([only] if _is_journey(only.name) else [], unread)
    others = _journeys(folder, Problems({}), but=only) if only is not None else {}
    vocabulary, policy = _file(folder / VOCABULARY, unread), _file(folder / POLICY, unread)
    templates = _templates(folder / "templates", unread)
    compilation = compile_journeys(journeys, vocabulary, templates, check, others=others, policy=policy)
    failures = _messages_that_fail(compilation, journeys, templates)
    compilation = compilation._replace(
        programs={name: p for name, p in compilation.programs.items() if name not in failures},
        problems=(*compilation.problems, *(problem for of_journey in failures.values() for problem in of_journey)),
    )
    if only is None and len(compilation.programs) == len(journeys):
        compilation = compilation._replace(problems=(*compilation.problems, *_missing_sms_help(compilation, journeys)))
    return compilation._replace(problems=(*compilation.problems, *unread.all()))


def _file(path: Path, unread: Problems) -> tuple[str, str] | None:
    """The name and text of an optional file; None if it does not exist."""
    return (str(path), _read(path, unread) or "") if path.is_file() else None


def _journeys(folder: Path, unread: Problems, but: Path | None = None) -> dict[str, str]:
    """The texts of the journeys in a folder, except those of the file ``but``."""
    paths = (path for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))) if _is_journey(path.name))
    return _texts((path for path in paths if but is None or path.resolve() != but.resolve()), unread)


def _texts(paths: Iterable[Path], unread: Problems) -> dict[str, str]:
    return {str(path): text for path in paths if (text := _read(path, unread)) is not None}


def _is_journey(name: str) -> bool:
    return not (name in (VOCABULARY, POLICY) or name.startswith(".") or name.endswith((".stories.yaml", ".stories.yml")))


def _messages_that_fail(
    compilation: Compilation, journeys: dict[str, str], templates: Templates
) -> dict[str, tuple[Problem, ...]]:
    """Compose every message for made-up customers. Returns the problems of each journey where that fails."""
    files = {template.source: template.file for template in templates.bodies.values()}
    failures: dict[str, tuple[Problem, ...]] = {}
    cache = DryRunCache()
    for name, program in compilation.programs.items():
        failed = dry_run(program, cache)
        if not failed:
            continue
        file = compilation.files[name]
        problems = Problems({file: journeys[file]})
        for failure in failed:
            variant = describe_variant(failure.segment, failure.language)
            problems.error(
                _place_of(failure, file, journeys[file]),
                f'message "{failure.message}"{f", {variant}," if variant else ""} cannot be composed '
                f"for a customer with {failure.whom}: {failure.problem}",
                f"see {files[failure.source]}" if failure.source in files else None,
            )
        failures[name] = problems.all()
    return failures


def _missing_sms_help(compilation: Compilation, journeys: dict[str, str]) -> tuple[Problem, ...]:
    """A warning, at the first journey that sends marketing SMS, if no journey replies to HELP."""
    name = journey_without_help(compilation.programs.values())
    if name is None:
        return ()
    file = compilation.files[name]
    problems = Problems({file: journeys[file]})
    root = parse(file, journeys[file], Problems({}))
    key = root.key("journey") if isinstance(root, Mapping) else None
    problems.warning(
        key.mark if key is not None else Mark(file, 1, 1),
        "marketing SMS are sent, and no journey replies to HELP, as carriers require",
        "add a service journey with identify: {on: Replied}, such as sms_answers.yaml of the example",
    )
    return problems.all()


def _place_of(failure: ComposeFailure, file: str, text: str) -> Mark:
    """The place of the message in its file, or of its part for this segment and language."""
    place = Mark(file, 1, 1)
    root = parse(file, text, Problems({}))
    node = root.get("customize") if isinstance(root, Mapping) else None
    for above, name in (("", failure.message), ("for", failure.segment), ("in", failure.language)):
        inside = node.get(above) if above and isinstance(node, Mapping) else node
        key = inside.key(name) if isinstance(inside, Mapping) else None
        if key is not None and isinstance(inside, Mapping):
            place, node = key.mark, inside.get(name)
    return place


def read_templates(folder: Path) -> Templates:
    """Read the templates in a folder, leaving out those that cannot be read."""
    return _templates(folder, Problems({}))


def _templates(folder: Path, unread: Problems) -> Templates:
    bodies: dict[str, Template] = {}
    blocks: dict[str, Template] = {}
    if not folder.is_dir():
        return Templates()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _SUFFIXES or not path.is_file() or (text := _read(path, unread)) is None:
            continue
        inside = path.relative_to(folder)
        template = Template(str(path), text)
        if inside.parts[0] != "blocks":
            bodies[inside.as_posix()] = template
            continue
        name = inside.relative_to("blocks").with_suffix("").as_posix()
        if name in blocks:
            unread.error(Mark(str(path), 1, 1), f'there are two blocks "{name}": {blocks[name].file}', "rename one")
        blocks[name] = template
    return Templates(bodies, blocks)


def _read(path: Path, unread: Problems) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        unread.error(Mark(str(path), 1, 1), "the file is not UTF-8", "save it again as UTF-8")
    except OSError as error:
        unread.error(Mark(str(path), 1, 1), f"the file cannot be read: {error.strerror}")
    return None
