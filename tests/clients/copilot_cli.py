"""How Copilot is started for a test, and by which of its tools it does a step."""

import json
import pathlib
import re
import subprocess

from scenario import GONE, RUNNING, Moving, step

NAME = "copilot"
SECRET = "config.json"
SECRET_FILE = ".copilot/config.json"
API_KEY = ""  # a provider's key would be a variable, and a session gives no secret by variables
SEED = {"by-cli/.keep": ""}  # its file tool makes no directories

# Copilot gives no command a time limit: the model stops it.
AFTER = {"limited-began": [step("stop", "stop", of="limited")]}

# What only Copilot has: tools that search by a program of its package, and a file of its own in
# /tmp that commands can read.
MORE_TURNS = [
    [step("grep", "search", tool="grep", pattern="line", paths="notes.txt", output_mode="content")],
    [step("glob", "search", tool="glob", pattern="**/hello.c")],
    [step("saved", "run", of="ten-megabytes", command="tail -n 1 @saved@")],
]

UNPACK = pathlib.Path(__file__).resolve().parents[2] / "scripts/unpack-copilot"


def program(directory):
    """In a session it needs its code unpacked beside it."""
    subprocess.run([UNPACK, directory], check=True)
    return [directory / "copilot"]


def secret_text(key):
    """A login at GitHub. Offline it is not used; commands must not find it all the same."""
    return json.dumps({"copilot_tokens": {"https://github.com:somebody": key}}) + "\n"


def environment(url):
    return {"COPILOT_PROVIDER_BASE_URL": f"{url}/v1", "COPILOT_PROVIDER_TYPE": "openai",
            "COPILOT_MODEL": "gpt-5", "COPILOT_OFFLINE": "true", "COPILOT_AUTO_UPDATE": "false"}


def arguments(_url):
    return ["-p", "do the work", "-s", "--allow-all-tools", "--allow-all-paths"]


# SIGTERM to the group.
APART = {"native": "apart", "trapped": ""}  # what is left of a process that left its group

# What is seen on a terminal, and what is typed then.
DIALOGUE = [
    ("help +providers(.*\n)*.*trust the files", "Enter"),
    ("MCP Servers reloaded(.*\n)*.*Manual Approval", "do the work", "Enter"),
    ("1. Yes", "Enter"),
    (RUNNING,),
    (Moving("esc esc interrupt"), "Escape", "Escape"),
    (GONE,),
    ("cancelled", "go on", "Enter"),
    ("1. Yes", "Enter"),
    ("all done", "C-o"),  # what the command printed
    ("SEEN", "C-o"),
    ("1 line", "C-c", "C-c"),
]


def interactive(_url):
    return []


def call(step, outputs, places):
    if step.kind == "search":
        return step.data["tool"], {key: value for key, value in step.data.items() if key != "tool"}
    if step.kind == "stop":
        return "stop_bash", {"shellId": step.data["of"]}
    if step.kind == "collect":
        return "read_bash", {"shellId": step.data["of"], "delay": 1}
    if "command" in step.data:
        if "of" in step.data:
            path = re.search(r"Saved to: (\S+)", outputs[step.data["of"]]).group(1)
            places = places | {"saved": path}
        mode = "sync" if step.kind == "run" else "async"
        return "bash", {"command": step.text("command", places), "description": step.name,
                        "shellId": step.name, "mode": mode}
    path = {"path": step.text("path", places)}
    if step.kind == "read":
        return "view", path
    if step.kind == "edit":
        return "edit", path | {"old_str": step.data["old"], "new_str": step.data["new"]}
    return "create", path | {"file_text": step.data["text"]}
