"""An instance of any frozen model, filled in from its own annotations."""

from __future__ import annotations

import types
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)

PLAIN: dict[Any, Any] = {
    str: "SH010",
    int: 3,
    float: 0.25,
    bool: True,
    Decimal: Decimal("1.2345"),
    Fraction: Fraction(24000, 1001),
    Path: Path("shots/a.mp4"),
}


def sample(model: type[Model]) -> Model:
    """Every field set, optional ones too."""
    return model.model_validate({name: _value(field.annotation) for name, field in model.model_fields.items()})


def _value(annotation: Any) -> Any:
    if annotation in PLAIN:
        return PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return sample(annotation)
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return inner[0]
    if origin in (Union, types.UnionType):
        return _value(next(one for one in inner if one is not type(None)))
    return _container(annotation, origin, inner)


def _container(annotation: Any, origin: Any, inner: tuple[Any, ...]) -> Any:
    if origin is tuple:
        return tuple(_value(one) for one in inner if one is not Ellipsis)
    if origin is dict:
        return {_value(inner[0]): _value(inner[1])}
    if hasattr(annotation, "__metadata__"):
        return _value(annotation.__origin__)
    return annotation(*(_value(one) for one in get_type_hints(annotation).values()))
