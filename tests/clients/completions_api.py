"""OpenAI's Chat Completions API, as far as Copilot uses it with a provider of one's own."""

import json

_BASE = {"id": "completion_1", "created": 1, "model": "mock"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def serves(path):
    return path == "/v1/chat/completions"


def key(headers):
    return (headers.get("authorization") or "").removeprefix("Bearer ")


def outputs(request):
    """{call id: text} of the results of tool calls that the request holds."""
    return {message["tool_call_id"]: _text(message["content"]) for message in request["messages"]
            if message["role"] == "tool"}


def answer(_path, request, turn):
    """The next turn, or without one a word; as server-sent events where the client asked for them."""
    message = {"role": "assistant", "content": "all done"}
    reason = "tool_calls" if turn else "stop"
    if turn:
        calls = [{"index": index, "id": call, "type": "function",
                  "function": {"name": tool, "arguments": json.dumps(arguments)}}
                 for index, (call, tool, arguments) in enumerate(turn)]
        message |= {"content": None, "tool_calls": calls}
    if not request.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return "application/json", json.dumps(
            _BASE | {"object": "chat.completion", "choices": [choice], "usage": _USAGE}).encode()
    first = {"choices": [{"index": 0, "delta": message, "finish_reason": None}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": _USAGE}
    chunks = [json.dumps(_BASE | {"object": "chat.completion.chunk"} | chunk)
              for chunk in (first, last)]
    return "text/event-stream", "".join(
        f"data: {chunk}\n\n" for chunk in [*chunks, "[DONE]"]).encode()


def _text(content):
    """A result is a string, or a list of content parts."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", f"<{part['type']}>") for part in content)
