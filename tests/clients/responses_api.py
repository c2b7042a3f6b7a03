"""OpenAI's Responses API, as far as Codex uses it."""

import json


def serves(path):
    return path == "/v1/responses"


def key(headers):
    return (headers.get("authorization") or "").removeprefix("Bearer ")


def outputs(request):
    """{call id: text} of the results of tool calls that the request holds."""
    return {item["call_id"]: _text(item["output"]) for item in request["input"]
            if item["type"] == "function_call_output"}


def answer(_path, _request, turn):
    """The next turn, or without one a word, as server-sent events."""
    items = [{"type": "function_call", "id": f"fc_{call}", "call_id": call, "name": tool,
              "arguments": json.dumps(arguments)} for call, tool, arguments in turn or []]
    items = items or [{"type": "message", "role": "assistant", "id": "msg_end",
                       "content": [{"type": "output_text", "text": "all done"}]}]
    events = [("response.created", {"response": {"id": "resp_1"}})]
    events += [("response.output_item.done", {"output_index": index, "item": item})
               for index, item in enumerate(items)]
    usage = {"input_tokens": 1, "input_tokens_details": None, "output_tokens": 1,
             "output_tokens_details": None, "total_tokens": 2}
    events.append(("response.completed", {"response": {"id": "resp_1", "usage": usage}}))
    return "text/event-stream", "".join(
        f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n"
        for name, data in events).encode()


def _text(output):
    """An output is a string, or a list of content items."""
    if isinstance(output, str):
        return output
    return "".join(part.get("text", "") for part in output)
