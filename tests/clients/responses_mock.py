"""A model API on loopback that asks for what a script says (OpenAI Responses API, SSE).

It keeps no state: the request that holds the results of the first k tool calls is answered with the
turn that follows them, so a client may repeat a request. Everything received is recorded.
"""

import http.server
import json
import re
import threading


def tool_call(name, call_id, **arguments):
    """One function call as the model would ask for it."""
    return {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name,
            "arguments": json.dumps(arguments)}


def message(text):
    return {"type": "message", "role": "assistant", "id": "msg_end",
            "content": [{"type": "output_text", "text": text}]}


def _owner_of_tcp_port(port):
    """Uid of the process at the other end of a loopback connection (proc(5), /proc/net/tcp)."""
    for line in open("/proc/net/tcp", encoding="ascii").readlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port:
            return int(fields[7])
    return None


class ResponsesMock:
    """Serves `turns`: a list of lists of items made by tool_call() or message().

    `turns` may also be a function of the outputs so far ({call_id: text}) that returns such a list;
    it is how a later call can use a number that an earlier output named.
    """

    def __init__(self, turns):
        self._turns = turns
        self._lock = threading.Lock()
        self.bodies = []          # every request body, as text
        self.outputs = {}         # call_id -> the text that the client sent back
        self.authorizations = set()
        self.client_uids = set()
        self.problems = []
        mock = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self._send("application/json", b'{"object":"list","data":[],"models":[]}')

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                uid = _owner_of_tcp_port(self.client_address[1])
                try:
                    items = mock.answer(self.path, body, self.headers.get("authorization"), uid)
                except Exception as error:  # the test must hear of it, not only the client
                    mock.problems.append(repr(error))
                    self.send_error(400)
                    return
                self._send("text/event-stream", _events(items))

            def _send(self, kind, content):
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path, body, authorization, uid):
        request = json.loads(body)
        outputs = {item["call_id"]: _text(item["output"]) for item in request["input"]
                   if item["type"] == "function_call_output"}
        with self._lock:
            self.bodies.append(body.decode())
            self.outputs.update(outputs)
            self.authorizations.add(authorization)
            self.client_uids.add(uid)
        if not re.fullmatch(r"/v1/responses", path):
            raise ValueError(f"unexpected path {path}")
        if not request.get("tools"):
            return [message("ok")]  # a title or a summary, not a turn of the script
        turns = self._turns(outputs) if callable(self._turns) else self._turns
        left = len(outputs)
        for turn in turns:
            calls = sum(item["type"] == "function_call" for item in turn)
            if left < calls or calls == 0:
                return turn
            left -= calls
        return [message("done")]


def _text(output):
    """An output is a string, or a list of content items."""
    if isinstance(output, str):
        return output
    return "".join(part.get("text", "") for part in output)


def _events(items):
    """The answer as the server-sent events that a client needs."""
    events = [("response.created", {"response": {"id": "resp_1"}})]
    events += [("response.output_item.done", {"output_index": index, "item": item})
               for index, item in enumerate(items)]
    usage = {"input_tokens": 1, "input_tokens_details": None, "output_tokens": 1,
             "output_tokens_details": None, "total_tokens": 2}
    events.append(("response.completed", {"response": {"id": "resp_1", "usage": usage}}))
    return "".join(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n"
                   for name, data in events).encode()
