"""The folder of journeys on disk: the edge round the pure compiler.

journeys/            every *.yaml but vocabulary.yaml, policy.yaml and *.stories.yaml is a journey
  vocabulary.yaml
  policy.yaml        what may be sent to anyone, whatever a journey wants
  templates/         bodies: welcome.mjml, digest.html, note.txt; in a language of its own: welcome.de.mjml
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
from idic.journey.definition.read_messages import spoken_of
from idic.journey.report.sms_help import journey_without_help
from idic.journey.yaml_source.nodes import Mapping, parse
from idic.problems import Mark, Problem, Problems

__all__ = ["Compilation", "compile_folder", "read_templates"]

VOCABULARY = "vocabulary.yaml"
POLICY = "policy.yaml"
_SUFFIXES = (".mjml", ".html", ".txt", ".liquid")


def compile_folder(folder: Path, only: Path | None = None) -> Compilation:
    """Compile every journey in ``folder``, or ``only`` that file of it: the others are known then, and nothing is said of them.

    The names of files in problems are as ``folder`` was given. A file that cannot be read is a problem like any other.
    Raises ``NotFound`` when there is no such folder or file.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}; name a folder of journeys")
    if only is not None and not only.is_file():
        raise NotFound(f"there is no file {only}; name a folder of journeys or a journey file")
    unread = Problems({})
    journeys = _journeys(folder, unread) if only is None else _texts([only] if _is_journey(only.name) else [], unread)
    others = _journeys(folder, Problems({}), but=only) if only is not None else {}
    words, policy = _file(folder / VOCABULARY, unread), _file(folder / POLICY, unread)
    templates = _templates(folder / "templates", unread)
    compilation = compile_journeys(journeys, words, templates, check, others=others, policy=policy)
    rehearsed = _rehearsed(compilation, journeys, templates)
    compilation = compilation._replace(
        programs={name: p for name, p in compilation.programs.items() if name not in rehearsed},
        problems=(*compilation.problems, *(problem for found in rehearsed.values() for problem in found)),
    )
    if only is None and len(compilation.programs) == len(journeys):
        compilation = compilation._replace(problems=(*compilation.problems, *_unanswered(compilation, journeys)))
    return compilation._replace(problems=(*compilation.problems, *unread.all()))


def _file(path: Path, unread: Problems) -> tuple[str, str] | None:
    """A file that may be there: its name and its text."""
    return (str(path), _read(path, unread) or "") if path.is_file() else None


def _journeys(folder: Path, unread: Problems, but: Path | None = None) -> dict[str, str]:
    """The texts of the journeys in a folder, without those of one file."""
    paths = (path for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))) if _is_journey(path.name))
    return _texts((path for path in paths if but is None or path.resolve() != but.resolve()), unread)


def _texts(paths: Iterable[Path], unread: Problems) -> dict[str, str]:
    return {str(path): text for path in paths if (text := _read(path, unread)) is not None}


def _is_journey(name: str) -> bool:
    return not (name in (VOCABULARY, POLICY) or name.startswith(".") or name.endswith((".stories.yaml", ".stories.yml")))


def _rehearsed(compilation: Compilation, journeys: dict[str, str], templates: Templates) -> dict[str, tuple[Problem, ...]]:
    """The journeys whose messages cannot be made into mails, each with its problems, at the place of the message."""
    files = {template.source: template.file for template in templates.bodies.values()}
    found: dict[str, tuple[Problem, ...]] = {}
    proven = DryRunCache()
    for name, program in compilation.programs.items():
        unsound = dry_run(program, proven)
        if not unsound:
            continue
        file = compilation.files[name]
        problems = Problems({file: journeys[file]})
        for one in unsound:
            whose = spoken_of(one.segment, one.language)
            problems.error(
                _place_of(one, file, journeys[file]),
                f'message "{one.message}"{f", {whose}," if whose else ""} cannot be composed for a customer with {one.whom}: '
                f"{one.problem}",
                f"see {files[one.source]}" if one.source in files else None,
            )
        found[name] = problems.all()
    return found


def _unanswered(compilation: Compilation, journeys: dict[str, str]) -> tuple[Problem, ...]:
    """That nobody answers who writes HELP, said once, at the first journey that they may answer."""
    name = journey_without_help(compilation.programs.values())
    if name is None:
        return ()
    file = compilation.files[name]
    problems = Problems({file: journeys[file]})
    root = parse(file, journeys[file], Problems({}))
    key = root.key("journey") if isinstance(root, Mapping) else None
    problems.warning(
        key.mark if key is not None else Mark(file, 1, 1),
        "SMS of marketing are sent, and no journey answers who writes HELP, as carriers require",
        "add a service journey with identify: {on: Replied}, such as sms_answers.yaml of the example",
    )
    return problems.all()


def _place_of(one: ComposeFailure, file: str, text: str) -> Mark:
    """Where the message is written, or what of it is for this segment and in this language."""
    place = Mark(file, 1, 1)
    root = parse(file, text, Problems({}))
    node = root.get("customize") if isinstance(root, Mapping) else None
    for above, name in (("", one.message), ("for", one.segment), ("in", one.language)):
        inside = node.get(above) if above and isinstance(node, Mapping) else node
        key = inside.key(name) if isinstance(inside, Mapping) else None
        if key is not None and isinstance(inside, Mapping):
            place, node = key.mark, inside.get(name)
    return place


def read_templates(folder: Path) -> Templates:
    """The templates in a folder. One that cannot be read is left out."""
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
