#!/usr/bin/env python3
"""The mock gives each API's client the turn that follows what it tells; the comparison can fail."""

import gzip
import json
import tempfile
import unittest
import urllib.error
import urllib.request

import claude_cli
import codex_cli
import copilot_cli
import gemini_cli
import model_mock
import scenario
from comparison import Comparison
from model_mock import ModelMock

CALLS = [[("one", "shell", {"command": "a"}), ("two", "shell", {"command": "b"})],
         [("three", "shell", {"command": "c"})]]
PLACES = {"workspace": "/w", "secret": "/s"}


def post(url, body, headers):
    data = json.dumps(body).encode()
    if headers.get("content-encoding") == "gzip":
        data = gzip.compress(data)
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        return answer.read().decode()


def data_of(stream):
    return [json.loads(line.removeprefix("data: ")) for line in stream.splitlines()
            if line.startswith("data: ")]


def ask_responses(mock, outputs, headers=None):
    items = [{"type": "function_call_output", "call_id": call, "output": text}
             for call, text in outputs.items()]
    stream = post(mock.url + "/v1/responses", {"input": items, "tools": [{"name": "shell"}]},
                  {"authorization": "Bearer key-1", **(headers or {})})
    done = [event["item"] for event in data_of(stream)
            if event["type"] == "response.output_item.done"]
    return [item.get("call_id") for item in done]


def ask_messages(mock, outputs, headers=None):
    blocks = [{"type": "tool_result", "tool_use_id": call, "is_error": call == "one",
               "content": [{"type": "text", "text": text}]} for call, text in outputs.items()]
    request = {"model": "m", "stream": True, "tools": [{"name": "shell"}],
               "messages": [{"role": "user", "content": "begin"},
                            {"role": "user", "content": blocks}]}
    stream = post(mock.url + "/v1/messages?beta=true", request,
                  {"x-api-key": "key-1", **(headers or {})})
    return [event["content_block"].get("id") for event in data_of(stream)
            if event["type"] == "content_block_start"]


def ask_generate(mock, outputs, headers=None):
    parts = [{"functionResponse": {"id": call, "name": "shell", "response":
              {"error" if call == "one" else "output": text}}} for call, text in outputs.items()]
    stream = post(mock.url + "/v1beta/models/m:streamGenerateContent?alt=sse",
                  {"contents": [{"role": "user", "parts": parts}], "tools": [{}]},
                  {"x-goog-api-key": "key-1", **(headers or {})})
    parts = data_of(stream)[0]["candidates"][0]["content"]["parts"]
    return [part.get("functionCall", {}).get("id") for part in parts]


def ask_completions(mock, outputs, headers=None):
    messages = [{"role": "tool", "tool_call_id": call, "content": text}
                for call, text in outputs.items()]
    stream = post(mock.url + "/v1/chat/completions",
                  {"messages": messages, "tools": [{}], "stream": True},
                  {"authorization": "Bearer key-1", **(headers or {})})
    calls = data_of(stream.replace("data: [DONE]", ""))[0]["choices"][0]["delta"]
    return [call["id"] for call in calls.get("tool_calls", [{"id": None}])]


class Mock(unittest.TestCase):
    def test_each_api_gives_the_turn_after_what_it_is_told(self):
        for ask in (ask_responses, ask_messages, ask_generate, ask_completions):
            with self.subTest(ask.__name__), ModelMock(lambda _: CALLS) as mock:
                self.assertEqual(ask(mock, {}), ["one", "two"])
                self.assertEqual(ask(mock, {}), ["one", "two"])  # a client may repeat itself
                told = {"one": "1", "two": "2"}
                self.assertEqual(ask(mock, told), ["three"])
                self.assertEqual(ask(mock, told, {"content-encoding": "gzip"}), ["three"])
                self.assertEqual(ask(mock, told | {"three": "3"}), [None])
                self.assertEqual({name: text[-1] for name, text in mock.outputs.items()},
                                 told | {"three": "3"})
                self.assertEqual(mock.keys, {"key-1"})
                self.assertEqual(mock.problems, [])

    def test_a_failed_tool_call_is_told_from_one_that_printed_the_same(self):
        for ask in (ask_messages, ask_generate):
            with self.subTest(ask.__name__), ModelMock(lambda _: CALLS) as mock:
                ask(mock, {"one": "text", "two": "text"})
                self.assertEqual(mock.outputs, {"one": "(error) text", "two": "text"})

    def test_results_of_calls_that_the_client_made_up_count_for_nothing(self):
        with ModelMock(lambda _: CALLS) as mock:
            self.assertEqual(ask_completions(mock, {"own": "x", "one": "1", "two": "2"}), ["three"])
            self.assertEqual(mock.outputs, {"one": "1", "two": "2"})

    def test_a_connection_that_its_client_has_closed_has_no_owner(self):
        with tempfile.NamedTemporaryFile("w") as table:
            row = "{}: 0100007F:{} 0100007F:0050 {} 0:0 0:0 0 {} 0 {}\n"
            table.write("header\n" + row.format(0, "1F90", "05", 0, 0))
            table.write(row.format(1, "1F91", "01", 1001, 77))
            table.flush()
            self.assertIsNone(model_mock._owner_of_tcp_port(0x1F90, table.name))
            self.assertEqual(model_mock._owner_of_tcp_port(0x1F91, table.name), 1001)

    def test_what_cannot_be_answered_is_a_problem(self):
        with ModelMock(lambda _: CALLS) as mock:
            with self.assertRaises(urllib.error.HTTPError):
                post(mock.url + "/v2/other", {}, {})
            self.assertEqual(len(mock.problems), 1)


class Scenario(unittest.TestCase):
    def test_every_cli_knows_every_step(self):
        outputs = {"background": "written to: /t/x.output, session ID 7, PID: 7",
                   "limited": "session ID 7", "talk": "session ID 7",
                   "ten-megabytes": "Saved to: /tmp/x"}
        for cli in (claude_cli, codex_cli, copilot_cli, gemini_cli):
            for turn in [*scenario.TURNS, *cli.AFTER.values(), *cli.MORE_TURNS]:
                for step in turn:
                    with self.subTest(f"{cli.NAME} {step.name}"):
                        words = json.dumps(cli.call(step, outputs, PLACES))
                        self.assertNotIn("@workspace@", words)
                        self.assertNotIn("@secret@", words)


class Comparing(unittest.TestCase):
    def setUp(self):
        self.compare = Comparison("codex")
        self.native = {"denied": "these words are forbidden",
                       "identity": "4321\n4321\nCapEff:\t0", "plain": "same",
                       "find-key": "/home/agentuser/.codex/auth.json\nsearched"}
        self.trapped = {"denied": "agent-task-runner: denied by rule 'no-forbidden-words': "
                                  "the policy of this test says so",
                        "identity": "1000\n1000\nCapEff:\t0000000000000000\n"
                                    "CapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n",
                        "plain": "same", "find-key": "Output:\nsearched\n"}

    def test_listed_differences_are_allowed(self):
        self.assertEqual(self.compare.problems(self.native, self.trapped), [])

    def test_anything_else_is_a_problem(self):
        for step, text in [("plain", "other"), ("denied", "these words are forbidden"),
                           ("identity", "0\n0\nCapEff:\t0"), ("more", "output"),
                           ("find-key", "Output:\n/home/agentuser/.codex/auth.json\nsearched\n")]:
            with self.subTest(step):
                found = self.compare.problems(self.native, self.trapped | {step: text})
                self.assertEqual(len(found), 1, found)

    def test_a_listed_difference_that_is_gone_is_a_problem(self):
        same = self.native | {"find-key": "searched"}
        self.assertNotEqual(self.compare.problems(same, self.trapped), [])
        del self.native["denied"], self.trapped["denied"]
        self.assertEqual(len(self.compare.problems(self.native, self.trapped)), 1)

    def test_places_and_times_are_taken_out(self):
        text = self.compare.normalise("Wall time: 1.5 seconds in /x/y", {"/x/y": "/workspace"})
        self.assertEqual(text, "Wall time: # seconds in /workspace")


if __name__ == "__main__":
    unittest.main()
