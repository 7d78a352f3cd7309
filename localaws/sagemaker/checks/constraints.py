"""Validation of a request against the API model: required members, patterns, enums, lengths, ranges and types."""

import functools
import re
from collections.abc import Iterator, Sized
from typing import Any

from botocore.validate import ParamValidator

from localaws.errors import invalid
from localaws.sagemaker.checks.api_model import input_shape

JAVA_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\w", r"\p{M}": r"\w", r"\p{Z}": r"\s", r"\p{Alnum}": "a-zA-Z0-9"}
"""Python equivalents of Java's character classes in the model's patterns (they also match `_`)."""

REPEATED_END = re.compile(r"\$\{[0-9,]+\}$")
"""The end of the patterns of CustomerMetadataProperties, which Python does not compile."""

LONGEST_VALUE = 256
"""Characters of a value that an error quotes."""


def validate(operation: str, request: dict[str, Any], service: str = "sagemaker") -> None:
    """Check that a request satisfies the API model.

    Raises:
        ServiceError: ValidationException, naming each member that is missing, unknown, out of range, of the wrong type,
            not in its value set or against its pattern, or a tag key that appears twice.
    """
    shape = input_shape(operation, service)
    clauses = list(violations(shape, request))
    if clauses:
        noun = "error" if len(clauses) == 1 else "errors"
        raise invalid(f"{len(clauses)} validation {noun} detected: {'; '.join(clauses)}")
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise invalid(" ".join(report.generate_report().split()))
    keys = [tag["Key"] for tag in request.get("Tags", [])]
    for key in keys:
        if keys.count(key) > 1:
            raise invalid(f"Duplicate tag key: {key}")


def violations(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Yield a clause in AWS's words for each constraint of `shape` that `value` breaks.

    botocore's validator reports values of the wrong type.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        yield from structure_violations(shape, value, path)
    elif kind == "list" and isinstance(value, list):
        yield from length_violations(shape, value, path)
        for number, item in enumerate(value, 1):
            yield from violations(shape.member, item, f"{path}.{number}.member")
    elif kind == "map" and isinstance(value, dict):
        yield from length_violations(shape, value, path)
        yield from map_violations(shape, value, path)
    elif kind == "string" and isinstance(value, str):
        yield from string_violations(shape, value, path)
    elif kind in ("integer", "long", "float", "double") and isinstance(value, int | float):
        yield from range_violations(shape, value, path)


def structure_violations(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    """Yield the violations of a structure: missing members, and those of each member."""
    for name, member in shape.members.items():
        member_path = f"{path}.{camel(name)}" if path else camel(name)
        if value.get(name) is not None:
            yield from violations(member, value[name], member_path)
        elif name in shape.required_members:
            yield clause(None, member_path, "Member must not be null")


def map_violations(shape: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    """Yield the violations of a map's keys and values."""
    for key, item in value.items():
        for part, text, member in (("keys", key, shape.key), ("value", item, shape.value)):
            for violation in violations(member, text, path):
                constraint = violation.rpartition("constraint: ")[2]
                yield clause({key: item}, path, f"Map {part} must satisfy constraint: [{constraint}]")


def string_violations(shape: Any, value: str, path: str) -> Iterator[str]:
    """Yield the violations of a string: value set, length and pattern."""
    limits = shape.metadata
    if shape.enum and value not in shape.enum:
        yield clause(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    yield from length_violations(shape, value, path)
    pattern = compiled(limits["pattern"]) if "pattern" in limits else None
    if pattern is not None and not pattern.fullmatch(value):
        yield clause(value, path, f"Member must satisfy regular expression pattern: {limits['pattern']}")


def length_violations(shape: Any, value: Sized, path: str) -> Iterator[str]:
    """Yield the length limits that a string, list or map breaks."""
    limits = shape.metadata
    if len(value) < limits.get("min", 0):
        yield clause(value, path, f"Member must have length greater than or equal to {limits['min']}")
    if "max" in limits and len(value) > limits["max"]:
        yield clause(value, path, f"Member must have length less than or equal to {limits['max']}")


def range_violations(shape: Any, value: float, path: str) -> Iterator[str]:
    """Yield the limits that a number breaks."""
    limits = shape.metadata
    if "min" in limits and value < limits["min"]:
        yield clause(value, path, f"Member must have value greater than or equal to {limits['min']}")
    if "max" in limits and value > limits["max"]:
        yield clause(value, path, f"Member must have value less than or equal to {limits['max']}")


def clause(value: Any, path: str, constraint: str) -> str:
    """Return AWS's clause for one broken constraint."""
    text = str(value)
    quoted = f"'{text[:LONGEST_VALUE]}...'" if len(text) > LONGEST_VALUE else f"'{text}'"
    return f"Value {'null' if value is None else quoted} at '{path}' failed to satisfy constraint: {constraint}"


def camel(name: str) -> str:
    """Return a member's name as AWS prints it in errors: RoleArn is roleArn."""
    return name[:1].lower() + name[1:]


@functools.cache
def compiled(pattern: str) -> re.Pattern[str] | None:
    """Compile one of the model's patterns, or return None for the few that Python cannot express."""
    pattern = REPEATED_END.sub("", pattern)
    for java, python in JAVA_CLASSES.items():
        pattern = pattern.replace(java, python)
    try:
        return re.compile(pattern)
    except re.error:
        return None
