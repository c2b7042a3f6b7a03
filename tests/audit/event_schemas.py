"""Checks event logs: every line against the schema of its action, and the lines' order.

As a program: event_schemas.py FILE...; prints the first ten faults, exit status 1 if there is one.
"""

import json
import pathlib
import sys

import jsonschema

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "audit" / "schemas"
TYPE_PREFIX = "io.coding-agents."


def load():
    """Validators by action."""
    schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}
    validators = {}
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        resolver = jsonschema.RefResolver(name, schema, store=schemas)
        validators[name.removesuffix(".schema.json")] = jsonschema.Draft202012Validator(
            schema, resolver=resolver)
    del validators["envelope"]
    return validators


def faults_of(line, validators):
    """What is wrong with one parsed line, as texts."""
    action = str(line.get("type", "")).removeprefix(TYPE_PREFIX)
    if action not in validators:
        return [f"no schema for '{action}'"]
    return [f"{action}: {error.json_path}: {error.message}"
            for error in validators[action].iter_errors(line)]


def only_once(pairs):
    """Refuses an object in which a key is there twice."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key is there twice: {keys}")
    return dict(pairs)


def check_log(text, validators):
    """Faults of one session's log: lines, seq without a gap, numbers that are there once."""
    if not text.endswith(b"\n"):
        return ["the last line is unfinished, or there is none"]
    faults = []
    numbers = set()
    for seq, raw in enumerate(text.splitlines(), start=1):
        try:
            line = json.loads(raw, object_pairs_hook=only_once)
        except ValueError as error:
            faults.append(f"line {seq}: {error}")
            continue
        faults += [f"line {seq}: {fault}" for fault in faults_of(line, validators)]
        if line.get("seq") != seq:
            faults.append(f"line {seq}: seq {line.get('seq')}")
        number = line.get("number")
        if number and number in numbers:
            faults.append(f"line {seq}: number {number} is there twice")
        numbers.add(number)
    return faults


def main():
    validators = load()
    faults = [f"{name}: {fault}" for name in sys.argv[1:]
              for fault in check_log(pathlib.Path(name).read_bytes(), validators)]
    print("\n".join(faults[:10]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
