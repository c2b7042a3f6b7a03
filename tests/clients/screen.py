"""A program on a real terminal: tmux is the terminal, which answers what programs ask of one."""

import re
import shlex
import subprocess
import time

COLUMNS, ROWS = 110, 44
PATIENCE = 30  # seconds for what must appear; it ends the test, and decides nothing
STILL = 2  # seconds

# What a program may have switched on and must switch off before it ends.
FLAGS = " ".join(f"{name}=#{{{name}}}" for name in (
    "alternate_on", "cursor_flag", "insert_flag", "keypad_cursor_flag", "keypad_flag",
    "mouse_any_flag", "origin_flag", "wrap_flag", "pane_in_mode"))


class NotSeen(Exception):
    """Holds what was seen instead."""


class Screen:
    """Runs `words` in a pane; status and modes of the terminal are left in `folder`."""

    def __init__(self, words, cwd, folder, key):
        self.folder = folder
        script = folder / "on-the-terminal"
        script.write_text(
            f"umask 022; cd {folder}; stty -g >modes-before; until [ -e go ]; do sleep 0.1; done; "
            f"cd {cwd}; {shlex.join(map(str, words))} 3<{key}; status=$?; "
            f"cd {folder}; stty -g >modes-after; echo $status >status; sleep 1000\n")
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS),
                   "bash", script)
        self.flags_before = self.flags()
        (folder / "go").touch()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._tmux("kill-server")

    def _tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.folder / "tmux", *words], capture_output=True,
                              text=True, check=False).stdout

    def flags(self):
        return self._tmux("display-message", "-p", FLAGS)

    def text(self):
        """Its words: no frames, no dots that blink, no space whose width depends on paths."""
        drawn = re.sub("[\u2500-\u25ff]", " ", self._tmux("capture-pane", "-p"))
        lines = (" ".join(line.split()) for line in drawn.splitlines())
        return "\n".join(line for line in lines if line)

    def see(self, pattern, good=lambda _: False, moving=False):
        """Waits for it; gives the screen once that is good, or has stood still: hints come and go.

        `moving`: the screen need not stand still.
        """
        last, still = None, 0
        for _ in range(PATIENCE * 5):
            seen = self.text()
            still = still + 1 if seen == last else 0
            if (moving or still >= (3 if good(seen) else STILL * 5)) and re.search(pattern, seen):
                return seen
            last = seen
            time.sleep(0.2)
        raise NotSeen(f"'{pattern}' did not appear, or did not stand still:\n{last}")

    def type(self, *keys):
        """Texts, or names that tmux has for keys (C-c, Enter), one after the other."""
        for key in keys:
            self._tmux("send-keys", key)
            time.sleep(0.3)  # typed by a person, not pasted

    def end(self):
        """The exit status, and whether terminal and screen are as before."""
        status = self.folder / "status"
        for _ in range(PATIENCE * 5):
            if status.exists() and status.read_text():
                break
            time.sleep(0.2)
        else:
            raise NotSeen(f"the CLI did not end:\n{self.text()}")
        before, after = ((self.folder / f"modes-{when}").read_text()
                         for when in ("before", "after"))
        return {"status": status.read_text().strip(), "modes are back": before == after,
                "flags": self.flags(), "flags are back": self.flags() == self.flags_before}
