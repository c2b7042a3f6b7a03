"""Anthropic's Messages API, as far as Claude Code uses it."""

import json

_COUNT = "/v1/messages/count_tokens"


def serves(path):
    return path in ("/v1/messages", _COUNT)


def key(headers):
    return headers.get("x-api-key") or (headers.get("authorization") or "").removeprefix("Bearer ")


def outputs(request):
    """{call id: text} of the results of tool calls that the request holds."""
    found = {}
    for message in request["messages"]:
        if isinstance(message["content"], str):
            continue
        for block in message["content"]:
            if block["type"] == "tool_result":
                failed = "(error) " if block.get("is_error") else ""
                found[block["tool_use_id"]] = failed + _text(block.get("content") or "")
    return found


def answer(path, request, turn):
    """The next turn, or without one a word; as server-sent events where the client asked for them."""
    if path == _COUNT:
        return "application/json", b'{"input_tokens": 1}'
    blocks = [{"type": "tool_use", "id": call, "name": tool, "input": arguments}
              for call, tool, arguments in turn or []]
    blocks = blocks or [{"type": "text", "text": "all done"}]
    reason = "tool_use" if turn else "end_turn"
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"],
               "content": [], "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 1, "output_tokens": 1}}
    if not request.get("stream"):
        message |= {"content": blocks, "stop_reason": reason}
        return "application/json", json.dumps(message).encode()
    events = [{"type": "message_start", "message": message}]
    for index, block in enumerate(blocks):
        events += _block_events(index, block)
    events += [{"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": 1}}, {"type": "message_stop"}]
    return "text/event-stream", "".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def _block_events(index, block):
    if block["type"] == "text":
        start = block | {"text": ""}
        delta = {"type": "text_delta", "text": block["text"]}
    else:
        start = block | {"input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    return [{"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index}]


def _text(content):
    """A result is a string, or a list of content blocks."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", f"<{part['type']}>") for part in content)
