"""How Claude Code is started for a test, and by which of its tools it does a step."""

import json
import re

from scenario import CLEANED, GONE, RUNNING, Moving

NAME = "claude"
SECRET = "credentials.json"
SECRET_FILE = ".claude/.credentials.json"
SEED = {}
AFTER = {}
MORE_TURNS = []


def program(directory):
    return [directory / "claude"]


def secret_text(key):
    """A login that is valid for long, so that nothing is renewed."""
    return json.dumps({"claudeAiOauth": {
        "accessToken": key, "refreshToken": "none", "expiresAt": 4102444800000,
        "scopes": ["user:inference", "user:profile"], "subscriptionType": "max"}}) + "\n"


def environment(url):
    return {"ANTHROPIC_BASE_URL": url, "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1"}


SANDBOX = None  # none of its own; clients_test.py --sandbox on
# With one, each command has a pid namespace and a network of its own: these speak of another
# command's processes.
NOT_SANDBOXED = {"limited", "limited-began", "limited-gone", "server", "use-server"}
# Of the others a few, where time is short.
SHORT = {"both-streams", "pipeline", "edit", "git", "killed", "reopened", "denied", "identity"}


def _settings():
    """With a sandbox, no command may run outside of it."""
    if SANDBOX is None:
        return []
    return ["--settings", json.dumps({"sandbox": {
        "enabled": True, "failIfUnavailable": True, "allowUnsandboxedCommands": False}})]


def arguments(_url):
    return ["-p", "do the work", "--dangerously-skip-permissions", "--model", "mock-model",
            *_settings()]


# On a terminal it would first ask a server of Anthropic whether it may be used here.
ON_A_TERMINAL = {"IS_DEMO": "1"}

# It looks for descendants with ps; in a session ps sees commands alone.
APART = {"native": "", "trapped": ""}  # what is left of a process that left its group

# What is seen, and what is typed then.
DIALOGUE = [
    ("model-config(.*\n)*.*for shortcuts", "do the work", "Enter"),
    ("1. Yes", "Enter"),
    (RUNNING,),
    (Moving("esc to interrupt"), "Escape"),
    (GONE,),
    (CLEANED,),
    ("Interrupted", "go on", "Enter"),
    ("1. Yes", "Enter"),
    ("all done", "C-o"),  # the whole transcript, with what the command printed
    ("SEEN", "C-o"),
    ("Ran 1 shell(.*\n)*.*manual mode on", "C-c", "C-c"),
]


def interactive(_url):
    return ["--permission-mode", "default", "--model", "mock-model"]


def call(step, outputs, places):
    def bash(**more):
        return "Bash", {"command": step.text("command", places), "description": step.name, **more}

    if step.kind == "run":
        return bash(timeout=60000)
    if step.kind == "background":
        return bash(run_in_background=True)
    if step.kind == "limited":
        # In the foreground the time limit would move it to the background and let it run.
        return bash(run_in_background=True, timeout=step.data["seconds"] * 1000)
    if step.kind == "collect":
        path = re.search(r"written to: (\S+\.output)", outputs[step.data["of"]]).group(1)
        return "Read", {"file_path": path}
    path = {"file_path": step.text("path", places)}
    if step.kind == "read":
        return "Read", path
    if step.kind == "edit":
        return "Edit", path | {"old_string": step.data["old"], "new_string": step.data["new"]}
    return "Write", path | {"content": step.data["text"]}


