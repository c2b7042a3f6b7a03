"""Google's Gemini API (generateContent), as far as Gemini CLI uses it."""

import json
import re


def serves(path):
    return re.fullmatch(r"/v1beta/models/[^/]+:(streamG|g)enerateContent", path) is not None


def key(headers):
    return headers.get("x-goog-api-key") or ""


def outputs(request):
    """{call id: text} of the results of tool calls that the request holds."""
    found = {}
    for content in request["contents"]:
        for part in content["parts"]:
            if "functionResponse" in part:
                told = part["functionResponse"]["response"]
                failed = "" if "output" in told else "(error) "
                # An older call may be told again with its tool's name before its id.
                name = part["functionResponse"]["id"].rpartition("__")[2]
                found[name] = failed + (
                    told.get("output") or told.get("error") or "")
    return found


def answer(path, _request, turn):
    """The next turn, or without one a word; as server-sent events where the client asked for them."""
    parts = [{"functionCall": {"id": call, "name": tool, "args": arguments}}
             for call, tool, arguments in turn or []] or [{"text": "all done"}]
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    whole = json.dumps({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "mock"})
    if ":stream" in path:
        return "text/event-stream", f"data: {whole}\r\n\r\n".encode()
    return "application/json", whole.encode()
