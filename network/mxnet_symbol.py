"""Reading of MXNet's symbol files: the graph of a network as JSON.

The format is that of nnvm's pass SaveJSON, src/pass/saveload_json.cc: nodes in topological order with an operator
("null" for a variable), a name, attributes whose values are strings, and inputs [node, output, version]; and the heads,
the outputs of the graph. MXNet 1.2 writes the attributes as "attr", 1.3 and later as "attrs", 0.8 as "param"; public
artifacts of the algorithm have "attr", "attrs", or both, and tuples as "(7,7)" and "(7, 7)".
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from network.errors import InputError

VARIABLE = "null"
MAX_BYTES = 10_000_000
"""The symbol of 200 layers has 0.5 MB."""
PAIR = re.compile(r"[(\[]\s*(\d{1,5})L?\s*,\s*(\d{1,5})L?\s*,?\s*[)\]]")


@dataclass(frozen=True)
class Node:
    """A node: its operator, its name, its attributes, and the numbers of the nodes whose first output it takes."""

    operator: str
    name: str
    attributes: dict[str, str]
    inputs: tuple[int, ...]

    def __str__(self) -> str:
        return f"operator {self.operator} of node {self.name}"

    @property
    def result(self) -> str:
        """Return the name of its result in the ONNX graph, which no other name there can equal."""
        return f"{self.name}.result"

    def text(self, name: str, default: str = "None") -> str:
        """Return an attribute as it is written."""
        return self.attributes.get(name, default)

    def flag(self, name: str, default: bool) -> bool:
        """Return a true or false attribute."""
        values = {"True": True, "1": True, "False": False, "0": False}
        return values[self.matched(name, "True|False|0|1", str(default))]

    def whole(self, name: str, default: str = "None") -> int:
        """Return a whole number."""
        return int(self.matched(name, r"\d{1,9}L?", default).removesuffix("L"))

    def real(self, name: str, default: float) -> float:
        """Return a number that is not negative."""
        return float(self.matched(name, r"\d{1,20}(\.\d{0,20})?([eE][+-]?\d{1,3})?", str(default)))

    def pair(self, name: str, default: int) -> tuple[int, int]:
        """Return two whole numbers, for rows and columns."""
        text = self.attributes.get(name, "()")
        if text in ("()", "[]", "None"):
            return default, default
        match = PAIR.fullmatch(self.matched(name, PAIR.pattern, ""))
        assert match is not None  # noqa: S101 (matched)
        return int(match[1]), int(match[2])

    def matched(self, name: str, pattern: str, default: str) -> str:
        """Return an attribute that has a form.

        Raises:
            InputError: it has another form, or does not exist and has no default.
        """
        text = self.text(name, default)
        if not re.fullmatch(pattern, text):
            raise InputError(f"The {self} has {name}={text[:100]!r}, which cannot be read.")
        return text


def read(path: Path) -> tuple[list[Node], int]:
    """Return the nodes of a graph, each after its inputs, and the number of the one whose first output is the result.

    Raises:
        InputError: the file is not a graph with one result.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path.name} has {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read.")
    try:
        document = json.loads(path.read_bytes())
        nodes = [node(number, entry) for number, entry in enumerate(document["nodes"])]
        heads = [first_output(head, len(nodes)) for head in document["heads"]]
    except InputError as error:
        raise InputError(f"{path.name} cannot be converted. {error}") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise InputError(f"{path.name} is not a symbol file of MXNet, or is truncated ({reason}).") from error
    if len(heads) != 1:
        raise InputError(f"{path.name} has {len(heads)} outputs; a classifier has one.")
    if len({node.name for node in nodes}) != len(nodes):
        raise InputError(f"{path.name} has two nodes of the same name.")
    return nodes, heads[0]


def node(number: int, entry: Any) -> Node:
    """Return a node of the file."""
    attributes = {
        str(name): str(value) for key in ("param", "attr", "attrs") for name, value in (entry.get(key) or {}).items()
    }
    inputs = tuple(first_output(item, number) for item in entry["inputs"])
    return Node(str(entry["op"]), str(entry["name"]), attributes, inputs)


def first_output(reference: Any, before: int) -> int:
    """Return the number of the node that an input or a head, [node, output, ...], refers to.

    Raises:
        InputError: it is not the first output of one of the nodes before number `before`.
    """
    number, output = reference[:2]
    if type(number) is not int or not 0 <= number < before or output != 0:
        raise InputError(f"It refers to {reference}, which is not the first output of an earlier node.")
    return number
