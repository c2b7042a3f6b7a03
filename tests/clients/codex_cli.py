"""How Codex is started for a test, and by which of its tools it does a step."""

import json
import re

from scenario import GONE, RUNNING, Moving, step

NAME = "codex"
SECRET = "auth.json"
SECRET_FILE = ".codex/auth.json"

SEED = {}

SANDBOX = "danger-full-access"  # none of its own; clients_test.py --sandbox
# With one, each command has a pid namespace and a network of its own: these speak of another
# command's processes.
NOT_SANDBOXED = {"limited", "limited-began", "limited-gone", "server", "use-server"}
# Of the others a few, where time is short.
SHORT = {"both-streams", "pipeline", "edit", "git", "killed", "reopened", "denied", "identity"}

# Codex gives no command a time limit: the model interrupts it. ^C needs a terminal.
AFTER = {"limited-began": [step("interrupt", "collect", of="limited", chars="\x03")]}

# What only Codex has: a login shell by choice, a directory for one call, a command to talk to.
MORE_TURNS = [
    [step("login", "run", command="echo \"$0\"; shopt login_shell", login=True)],
    [step("workdir", "run", command="pwd", workdir="by-cli")],
    [step("talk", "background", command="test -t 0 && read -r line && echo \"heard $line\"",
          tty=True)],
    [step("answer", "collect", of="talk", chars="words\n")],
]


def program(directory):
    return [next(directory.glob("vendor/*/bin/codex"))]


def secret_text(key):
    return json.dumps({"OPENAI_API_KEY": key}) + "\n"


def environment(_url):
    return {}


def _settings(url):
    provider = f'{{name="mock",base_url="{url}/v1",wire_api="responses",requires_openai_auth=true}}'
    settings = {"model_provider": '"mock"', "model_providers.mock": provider,
                "features.plugins": "false", "features.apps": "false",
                "features.enable_request_compression": "false", "analytics.enabled": "false"}
    return ["--sandbox", SANDBOX, "-m", "mock-model",
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}"))]


def arguments(url):
    return ["exec", "--skip-git-repo-check", "--json", *_settings(url), "do the work"]


# SIGKILL to the group; in a session that ends the whole tree.
APART = {"native": "apart", "trapped": ""}  # what is left of a process that left its group

# What is seen on a terminal, and what is typed then. It does not ask with danger-full-access.
DIALOGUE = [
    ("review any(.*\n)*mock-model(.*\n)*.*for agents", "do the work", "Enter"),
    (RUNNING,),
    (Moving("1 background terminal"), "Escape"),
    ("interrupted(.*\n)*.*1 background terminal", "/stop", "Enter"),
    (GONE,),
    ("Stopping", "go on", "Enter"),
    ("all done", "C-c"),
]


def interactive(url):
    return _settings(url)


def call(step, outputs, places):
    if step.kind == "collect":
        number = re.search(r"session ID (\d+)", outputs[step.data["of"]]).group(1)
        return "write_stdin", {"session_id": int(number), "chars": step.data.get("chars", ""),
                               "yield_time_ms": 5000}
    more = {key: step.data[key] for key in ("workdir", "tty") if key in step.data}
    if step.kind == "limited":
        more["tty"] = True
    wait = {"background": 250, "limited": step.data.get("seconds", 0) * 1000}.get(step.kind, 20000)
    return "exec_command", {"cmd": _command(step, places), "yield_time_ms": wait,
                            "login": step.data.get("login", False), **more}


def _command(step, places):
    if "command" in step.data:
        return step.text("command", places)
    path = step.text("path", places)
    if step.kind == "read":
        return f"cat {path}"
    if step.kind == "write":
        change = [f"*** Add File: {path}", f"+{step.data['text'].rstrip()}"]
    else:
        change = [f"*** Update File: {path}", "@@", f"-{step.data['old']}", f"+{step.data['new']}"]
    # The CLI does this itself, whatever shell it is written for.
    return "\n".join(["apply_patch <<'EOF'", "*** Begin Patch", *change, "*** End Patch", "EOF", ""])
