#!/usr/bin/python3
"""The JSON Schemas accept what the program ships and refuse what it refuses, as far as a schema can.

usage: schema_test.py SOURCE_ROOT
"""

import json
import pathlib
import sys

import jsonschema

ROOT = pathlib.Path(sys.argv[1])

# What only the program sees: the text before it is values, paths in their shortest form, and what
# one part of a file says about another.
BEYOND_A_SCHEMA = {
    "agent_secret_file_escapes",
    "not_json", "comment", "trailing_comma", "duplicate_key", "duplicate_key_deep",
    "unknown_profile", "unknown_default_profile", "same_id_twice", "same_id_as_base",
    "unreachable_rule", "pattern_ends_in_backslash", "cwd_with_dots", "argc_min_above_max",
    "agent_self_unknown_program", "agent_program_escapes", "agent_handover_escapes",
}


def validator(name):
    schema = json.loads((ROOT / f"policy/schema/{name}.schema.json").read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


POLICY = validator("policy")
AGENT = validator("agent")
failures = []


def check(good, what):
    print(f"{'ok' if good else 'FAILED'}: {what}")
    if not good:
        failures.append(what)


def accepts(schema, path):
    try:
        return schema.is_valid(json.loads(path.read_text()))
    except json.JSONDecodeError:
        return True


for name in ["default", "strict"]:
    check(accepts(POLICY, ROOT / f"policy/{name}.json"), f"{name}.json is a policy")
for path in sorted((ROOT / "policy/agents").glob("*.json")):
    check(accepts(AGENT, path), f"agents/{path.name} is an agent")
for path in sorted((ROOT / "tests/policies").glob("valid_*.json")):
    check(accepts(POLICY, path), f"{path.name} is a policy")

seen = set()
for path in sorted((ROOT / "tests/policies").glob("invalid_*.json")):
    name = path.stem.removeprefix("invalid_")
    seen.add(name)
    schema = AGENT if name.startswith("agent_") else POLICY
    expected = name in BEYOND_A_SCHEMA
    check(accepts(schema, path) == expected,
          f"{path.name} is {'not for a schema to refuse' if expected else 'refused'}")
for name in sorted(BEYOND_A_SCHEMA - seen):
    check(False, f"{name} names a fixture")

sys.exit(1 if failures else 0)
