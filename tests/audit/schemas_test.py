"""Every action has a schema; real lines satisfy theirs, and lines with a fault do not.

Takes the program that prints a log with every action in it.
"""

import copy
import json
import subprocess
import sys
import unittest

import event_schemas

VALIDATORS = event_schemas.load()
LOG = subprocess.run([sys.argv.pop(1)], stdout=subprocess.PIPE, check=True).stdout
LINES = [json.loads(raw) for raw in LOG.splitlines()]


def places(value, path=()):
    """The path of every object in `value`."""
    if isinstance(value, dict):
        yield path
        for key, below in value.items():
            yield from places(below, path + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


class Schemas(unittest.TestCase):
    def test_every_line_of_the_sample_is_valid(self):
        self.assertEqual(event_schemas.check_log(LOG, VALIDATORS), [])

    def test_every_schema_has_a_line_and_every_line_a_schema(self):
        seen = {line["data"]["event"]["action"] for line in LINES}
        self.assertEqual(seen, set(VALIDATORS))

    def test_an_unknown_field_is_a_fault_wherever_it_stands(self):
        for line in LINES:
            for path in places(line):
                if path == ("data", "enforcement"):  # its keys are the protections
                    continue
                changed = copy.deepcopy(line)
                at(changed, path)["unheard_of"] = 1
                self.assertTrue(event_schemas.faults_of(changed, VALIDATORS), (path, line))

    def test_a_field_of_another_type_is_a_fault(self):
        for line in LINES:
            for path in places(line):
                for key, value in at(line, path).items():
                    changed = copy.deepcopy(line)
                    at(changed, path)[key] = 1.5 if isinstance(value, (str, list, dict)) else "x"
                    self.assertTrue(event_schemas.faults_of(changed, VALIDATORS), (path, key))

    def test_a_missing_envelope_field_is_a_fault(self):
        for line in LINES:
            for key in line:
                changed = {name: value for name, value in line.items() if name != key}
                self.assertTrue(event_schemas.faults_of(changed, VALIDATORS), key)

    def test_a_gap_a_repetition_and_an_unfinished_line_are_faults(self):
        lines = LOG.splitlines(keepends=True)
        for broken in (lines[1:], lines[:3] + lines[2:], lines[:-1] + [lines[-1][:-1]], []):
            self.assertTrue(event_schemas.check_log(b"".join(broken), VALIDATORS))


if __name__ == "__main__":
    unittest.main()
