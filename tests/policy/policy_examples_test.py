#!/usr/bin/python3
"""Every JSON example of docs/policy.md is accepted by `agent-init policy check`.

usage: policy_examples_test.py AGENT_INIT SOURCE_ROOT
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

agent_init, root = sys.argv[1], pathlib.Path(sys.argv[2])
page = (root / "docs/policy.md").read_text(encoding="utf-8")
examples = re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
failed = 0
with tempfile.TemporaryDirectory() as directory:
    for number, text in enumerate(examples, 1):
        file = pathlib.Path(directory, f"example-{number}.json")
        file.write_text(text, encoding="utf-8")
        kind = ["--agent"] if "home_dir" in json.loads(text) else []
        done = subprocess.run([agent_init, "policy", "check", *kind, file], capture_output=True,
                              text=True, timeout=30, check=False)
        print(done.stdout + done.stderr, end="")
        failed += done.returncode != 0
print(f"{len(examples)} examples, {failed} refused")
sys.exit(1 if failed or len(examples) < 5 else 0)
