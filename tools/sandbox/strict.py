"""The rules of strict JSON schema mode, as OpenAI's server holds a request to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

COMBINING = {"allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas"}
LOOSE = {"default", "prefixItems", "contains", "uniqueItems", "unevaluatedItems", "unevaluatedProperties"}
KEYED = {"patternProperties", "propertyNames", "minProperties", "maxProperties"}
UNKNOWN = COMBINING | LOOSE | KEYED
"""Keywords that strict mode does not have."""
KINDS = ("type", "$ref", "anyOf", "enum", "const")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Unacceptable(Exception):
    """A strict server answers this request with 400 and these words."""


def check_schema(name: Any, schema: Any) -> None:
    """Raises Unacceptable for a schema that strict mode does not take, or a name that is none."""
    if not isinstance(name, str) or NAME.fullmatch(name) is None:
        raise Unacceptable(f"Invalid 'response_format.json_schema.name': {name!r}")
    if not isinstance(schema, Mapping) or schema.get("type") != "object":
        raise Unacceptable(f"Invalid schema for response_format {name!r}: it must be an object")
    known = {f"#/$defs/{key}" for key in schema.get("$defs", {})} | {"#"}
    for place, part in _parts(schema, name):
        wrong = _wrong(part, known)
        if wrong:
            raise Unacceptable(f"Invalid schema for response_format {name!r}: in context {place}: {wrong}")


def _parts(schema: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The schema and every schema in it, each with its place."""
    yield place, schema
    if not isinstance(schema, Mapping):
        return
    for key in ("properties", "$defs"):
        for name, inner in schema.get(key, {}).items():
            yield from _parts(inner, f"{place}.{name}")
    for number, inner in enumerate(schema.get("anyOf", ())):
        yield from _parts(inner, f"{place}.anyOf[{number}]")
    if "items" in schema:
        yield from _parts(schema["items"], f"{place}[]")


def _wrong(schema: Any, known: set[str]) -> str | None:
    """What is wrong with one schema, its inner ones apart."""
    if not isinstance(schema, Mapping):
        return "a schema must be an object"
    odd = UNKNOWN & set(schema)
    if odd:
        return f"{', '.join(sorted(odd))} is not permitted"
    if not any(key in schema for key in KINDS):
        return "schema must have a 'type' key"
    if "$ref" in schema:
        return _wrong_reference(schema, known)
    kinds = schema.get("type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    if "array" in listed and "items" not in schema:
        return "array schema missing items"
    return _wrong_object(schema) if "object" in listed or "properties" in schema else None


def _wrong_reference(schema: Mapping[str, Any], known: set[str]) -> str | None:
    if schema["$ref"] not in known:
        return f"{schema['$ref']} is not defined"
    beside = sorted(set(schema) - {"$ref"})
    return f"$ref cannot have keywords {beside}" if beside else None


def _wrong_object(schema: Mapping[str, Any]) -> str | None:
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false"
    if sorted(schema.get("required", ())) != sorted(schema.get("properties", {})):
        return "'required' is required to be supplied and to be an array including every key in properties"
    return None
