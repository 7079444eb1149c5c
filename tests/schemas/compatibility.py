"""BACKWARD_TRANSITIVE: what a newer reader would make of an older writer's records.

The rules are those of Avro's schema resolution, and three of our own, because a record is never
guessed: a promotion must be exact (a long does not become a double), an enum loses no symbol even
where it has a default to hide it, and a default once given stays.
"""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import fastavro

Schema = Any

EXACT_PROMOTIONS = {
    ("int", "long"),
    ("int", "double"),
    ("float", "double"),
    ("string", "bytes"),
}
NAMED = ("record", "enum", "fixed")


def incompatibilities(reader: Schema, writer: Schema, at: str = "") -> list[str]:
    """Why records of `writer` cannot be read with `reader`, each with its place; none if they can.

    Schemas as parsed JSON; a named type is given where it is used, as in all our files.
    """
    return list(_walk(reader, writer, at or "record"))


def _walk(reader: Schema, writer: Schema, at: str) -> Iterator[str]:
    if isinstance(writer, list):
        # Any branch may have been written, so each must have a reader.
        for branch in writer:
            yield from _walk(reader, branch, f"{at}<{_kind(branch)}>")
    elif isinstance(reader, list):
        wrong = [list(_walk(branch, writer, at)) for branch in reader]
        if all(wrong):
            yield f"{at}: no branch of {[_kind(one) for one in reader]} reads {_kind(writer)}"
    else:
        yield from _walk_one(reader, writer, at)


def _walk_one(reader: Schema, writer: Schema, at: str) -> Iterator[str]:
    new, old = _kind(reader), _kind(writer)
    if new != old:
        if (old, new) not in EXACT_PROMOTIONS:
            yield f"{at}: {old} became {new}"
        return
    if _logical(reader) != _logical(writer):
        yield f"{at}: logical type {_logical(writer)} became {_logical(reader)}"
    if new in NAMED and _full_name(reader) != _full_name(writer):
        yield f"{at}: {_full_name(writer)} was renamed to {_full_name(reader)}"
    if new == "record":
        yield from _fields(reader, writer, at)
    elif new == "enum":
        lost = [one for one in writer["symbols"] if one not in reader["symbols"]]
        if lost:
            yield f"{at}: symbols {lost} were removed"
    elif new == "array":
        yield from _walk(reader["items"], writer["items"], f"{at}[]")
    elif new == "map":
        yield from _walk(reader["values"], writer["values"], f"{at}{{}}")
    elif new == "fixed" and reader["size"] != writer["size"]:
        yield f"{at}: size {writer['size']} became {reader['size']}"


def _fields(reader: Schema, writer: Schema, at: str) -> Iterator[str]:
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        name = f"{at}.{field['name']}"
        names = [field["name"], *field.get("aliases", ())]
        old = next((written[one] for one in names if one in written), None)
        if old is None:
            if "default" not in field:
                yield f"{name}: added without a default"
            continue
        if "default" in old and "default" not in field:
            yield f"{name}: its default was removed"
        yield from _walk(field["type"], old["type"], name)


def _kind(schema: Schema) -> str:
    if isinstance(schema, list):
        return "union"
    kind = schema["type"] if isinstance(schema, Mapping) else schema
    return str(kind) if isinstance(kind, str) else _kind(kind)


def _logical(schema: Schema) -> str | None:
    return schema.get("logicalType") if isinstance(schema, Mapping) else None


def _full_name(schema: Mapping[str, Any]) -> str:
    return f"{schema.get('namespace', '')}.{schema['name']}"


def reread(record: Mapping[str, Any], *, writer: Schema, reader: Schema) -> dict[str, Any]:
    """`record` written with one schema and read with another, by fastavro. Raises what it does."""
    body = io.BytesIO()
    old, new = fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    fastavro.schemaless_writer(body, old, record)
    body.seek(0)
    found = fastavro.schemaless_reader(body, old, new)
    assert isinstance(found, dict)
    return found
