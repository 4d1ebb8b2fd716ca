"""A YAML file with the line and column of everything in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from decisioning.fault import Fault, KeyPath, Told, dotted


@dataclass(frozen=True)
class Source:
    """What stands in a file and where.

    Attributes
    ----------
    content : plain values; of a key that is there twice the last one.
    faults : what is wrong with the YAML itself; where it could not be read there is one fault and
        no content.
    """

    path: Path
    content: Any
    node: yaml.Node | None = None
    faults: tuple[Fault, ...] = ()

    def fault(self, told: Told) -> Fault:
        """Return a fault with its line and column; those of what lies nearest above at worst."""
        line, column = _place(self.node, told)
        return Fault(self.path, line, column, self.name(told.path), told.message)

    def name(self, path: KeyPath) -> str:
        """Return a key path as people read it: an entry of a list by its id where it has one."""
        words: list[str | int] = []
        content = self.content
        for part in path:
            content = _inside(content, part)
            named = isinstance(part, int) and isinstance(content, Mapping)
            own = content.get("id") if named else None
            words.append(own if isinstance(own, str) else part)
        return dotted(tuple(words))


def read_source(path: Path) -> Source:
    """Read a YAML file; faults are told in what is returned, none is raised."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        return Source(path, None, None, (_unreadable(path, 0, 0, str(problem)),))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        line, column = _after(raw[: problem.start].decode("utf-8"))
        return Source(path, None, None, (_unreadable(path, line, column, "not UTF-8"),))
    try:
        return _parse(path, text)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = " ".join(part for part in (problem.context, problem.problem) if part)
    except yaml.reader.ReaderError as problem:
        line, column = _after(text[: problem.position])
        said = f"the character #x{problem.character:04x} is not allowed"
    except RecursionError:
        line, column, said = 1, 1, "too many things inside one another"
    return Source(path, None, None, (_unreadable(path, line, column, said),))


def _parse(path: Path, text: str) -> Source:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        content = None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()
    source = Source(path, content, node)
    twice = tuple(
        Fault(path, key.start_mark.line + 1, key.start_mark.column + 1, source.name(above), said)
        for above, key, said in _twice(node)
    )
    return Source(path, content, node, twice)


class _Loader(yaml.SafeLoader):
    """Leaves what only looks like a number or a date, such as 30 February, as the text it is.

    Keys are texts as well: `on` is a word, and not true as YAML 1.1 has it.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:bool":
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError):
            self.recursive_objects.pop(node, None)
            return node.value


def _unreadable(path: Path, line: int, column: int, said: str) -> Fault:
    return Fault(path, line, column, "", f"not a readable YAML file ({said})")


def _after(text: str) -> tuple[int, int]:
    """Return line and column of what follows the text."""
    return text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1


def _inside(content: Any, part: str | int) -> Any:
    """Return what a key or the position or id of a list's entry leads to; None for nothing."""
    if isinstance(content, Mapping):
        return content.get(part)
    if not isinstance(content, list):
        return None
    if isinstance(part, int):
        return content[part] if part < len(content) else None
    return next((e for e in content if isinstance(e, Mapping) and e.get("id") == part), None)


def _place(root: yaml.Node | None, told: Told) -> tuple[int, int]:
    if root is None:
        return 1, 1
    node, own_key = root, None
    for part in told.path:
        key, below = _step(node, part)
        if below is None:
            break
        node, own_key = below, key
    mark = node.start_mark
    if told.key is not None:
        key = _step(node, told.key)[0] or own_key
        mark = key.start_mark if key is not None else mark
    return mark.line + 1, mark.column + 1


def _step(node: yaml.Node, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """Return the nodes of a key and of what it leads to."""
    if isinstance(node, yaml.SequenceNode):
        entries = enumerate(node.value)
        return None, next((e for at, e in entries if part in (at, _text(e, "id"))), None)
    if isinstance(node, yaml.MappingNode):
        # Of a key that is there twice the last one counts.
        for key, below in reversed(node.value):
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return key, below
    return None, None


def _text(node: yaml.Node, key: str) -> str | None:
    found = _step(node, key)[1] if isinstance(node, yaml.MappingNode) else None
    return found.value if isinstance(found, yaml.ScalarNode) else None


def _twice(root: yaml.Node | None) -> Iterator[tuple[KeyPath, yaml.Node, str]]:
    """Find the keys that are there twice, where YAML would silently keep the last.

    Returns
    -------
    found : the path of the mapping, the key, and what to say about it.
    """
    waiting: list[tuple[KeyPath, yaml.Node]] = [] if root is None else [((), root)]
    seen_nodes: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen_nodes:
            continue
        seen_nodes.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [((*path, at), entry) for at, entry in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, below in node.value:
                name = str(key.value)
                if name in first:
                    said = f"the key {name!r} is there twice (first in line {first[name]})"
                    yield path, key, said
                first.setdefault(name, key.start_mark.line + 1)
                waiting.append(((*path, name), below))
