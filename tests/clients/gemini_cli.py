"""How Gemini CLI is started for a test, and by which of its tools it does a step."""

import json
import re

from scenario import CLEANED, GONE, RUNNING, Moving

NAME = "gemini"
SECRET = "env"
SECRET_FILE = ".gemini/.env"
AFTER = {}
MORE_TURNS = []

# Its time limit is for commands that print nothing, and a setting. After 30 turns it would ask the
# model whether it goes in circles.
SEED = {".gemini/settings.json": json.dumps({
    "general": {"enableAutoUpdate": False}, "privacy": {"usageStatisticsEnabled": False},
    "model": {"disableLoopDetection": True},
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "tools": {"shell": {"inactivityTimeout": 10}}})}


def program(directory):
    """The words that start it: a node of its own, and the script."""
    return [next(directory.glob("node_modules/node-linux-*/bin/node")),
            directory / "node_modules/@google/gemini-cli/bundle/gemini.js"]


def secret_text(key):
    return f"GEMINI_API_KEY={key}\n"


def environment(url):
    return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def arguments(_url):
    return ["-p", "do the work", "--yolo", "-m", "gemini-2.5-flash"]


# It looks for descendants with pgrep; in a session pgrep sees commands alone.
APART = {"native": "", "trapped": ""}  # what is left of a process that left its group

# What is seen on a terminal, and what is typed then.
DIALOGUE = [
    ("the best results(.*\n)*.*Type your message", "do the work", "Enter"),
    ("1. Allow once", "Enter"),
    (RUNNING,),
    (Moving("esc to cancel, [1-9]"), "Escape"),
    (GONE,),
    (CLEANED,),
    ("cancelled", "go on", "Enter"),
    ("1. Allow once", "Enter"),
    ("all done", "C-c", "C-c"),
]


def interactive(_url):
    return ["-m", "gemini-2.5-flash"]


def call(step, outputs, places):
    def shell(**more):
        return "run_shell_command", {"command": step.text("command", places),
                                     "description": step.name, **more}

    if step.kind in ("run", "limited"):
        return shell()
    if step.kind == "background":
        return shell(is_background=True)
    if step.kind == "collect":
        number = re.search(r"PID: (\d+)", outputs[step.data["of"]]).group(1)
        return "read_background_output", {"pid": int(number)}
    path = {"file_path": step.text("path", places)}
    if step.kind == "read":
        return "read_file", path
    if step.kind == "edit":
        return "replace", path | {"old_string": step.data["old"], "new_string": step.data["new"],
                                  "instruction": step.name}
    return "write_file", path | {"content": step.data["text"]}
