"""Strict types for values from JSON and from the text of `-c name=value`."""

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo


class StrictModel(BaseModel):
    """A model that converts no value by itself: true is not 1, and "yes" is not true."""

    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


def whole(value: Any) -> Any:
    """Return the number that a text of digits stands for; leave anything else to be refused."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value) else value


def flag(value: Any) -> Any:
    """Return the truth value of the texts true and false; leave anything else to be refused."""
    return value.lower() == "true" if isinstance(value, str) and value.lower() in ("true", "false") else value


def items(value: Any) -> Any:
    """Return the items of a comma-separated text; leave anything else to be refused."""
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


Whole = Annotated[int, BeforeValidator(whole)]
Flag = Annotated[bool, BeforeValidator(flag)]


def member(values: Collection[Any]) -> AfterValidator:
    """Return a validator that accepts the listed values only."""

    def check(value: Any) -> Any:
        if value not in values:
            raise ValueError(value)
        return value

    return AfterValidator(check)


def accepts(text: str) -> dict[str, Any]:
    """Return the metadata of a field with a text on what it accepts."""
    return {"allowed": text}


def allowed(field: FieldInfo) -> str:
    """Return what a field accepts, to follow "it must be"."""
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["allowed"])
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    if field.annotation is bool:
        return "true or false"
    limit = {name: getattr(part, name) for part in field.metadata for name in ("ge", "le", "multiple_of")
             if hasattr(part, name)}  # fmt: skip
    steps = f" in steps of {limit['multiple_of']}" if "multiple_of" in limit else ""
    return f"a whole number from {limit['ge']} to {limit['le']}{steps}"


def refused(model: type[BaseModel], values: Any) -> list[str]:
    """Return the names of the fields whose values `model` refuses, each once."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        return list(dict.fromkeys(str(fault["loc"][0]) for fault in error.errors() if fault["loc"]))
    return []
