"""The model's side of a coding agent: one server for the APIs of all CLIs.

It asks for what a script says and records what it is told. It keeps no state: the request that holds
the results of some turns' tool calls is answered with the turn that follows them, so a client may
repeat a request. Which API a request speaks is told by its path (the modules *_api).
"""

import gzip
import http.server
import json
import pathlib
import threading
import zlib

import completions_api
import generate_api
import messages_api
import responses_api

APIS = (responses_api, messages_api, generate_api, completions_api)


def _owner_of_tcp_port(port, table):
    """Uid of the process at the other end of a connection (proc(5), /proc/net/tcp). Nothing: it has
    closed its end, which nobody owns any more and is shown as uid 0 without an inode."""
    for line in pathlib.Path(table).read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port and fields[9] != "0":
            return int(fields[7])
    return None


class ModelMock:
    """Serves `script`: a function of the outputs so far ({call id: text}) that returns the turns.

    A turn is a list of calls, each (id, tool, arguments). After the last turn the model says that it
    is done. That the turns are a function is how a call can use a number that an output named.
    `tcp_table` gives the file that lists the client's end of each connection.
    """

    def __init__(self, script, address="127.0.0.1", tcp_table=lambda: "/proc/net/tcp"):
        self._script = script
        self.tcp_table = tcp_table
        self._lock = threading.Lock()
        self.bodies = []      # every request body, as text
        self.outputs = {}     # call id -> the text that the client sent back
        self.keys = set()     # what the client proved itself with
        self.client_uids = set()
        self.problems = []
        self._server = http.server.ThreadingHTTPServer((address, 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://{address}:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path, headers, body, uid):
        """The content type and the bytes that answer one POST."""
        path = path.partition("?")[0]
        api = next((api for api in APIS if api.serves(path)), None)
        if api is None:
            raise ValueError(f"unexpected path {path}")
        request = json.loads(body)
        told = api.outputs(request)
        turns = self._script(told)
        # Copilot tells of calls that it made up itself, too: when a background command has ended.
        outputs = {call: told[call] for turn in turns for call, *_ in turn if call in told}
        with self._lock:
            self.bodies.append(body.decode())
            self.outputs.update(outputs)
            self.keys.add(api.key(headers))
            if uid is not None:
                self.client_uids.add(uid)
        return api.answer(path, request, _next_turn(turns, outputs)
                          if request.get("tools") else None)


def _next_turn(turns, outputs):
    """The first turn that has a call without a result."""
    return next((turn for turn in turns if any(call not in outputs for call, *_ in turn)), None)


def _handler(mock):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self._send("application/json", b"")

        def do_GET(self):
            self._send("application/json", b'{"object":"list","data":[],"models":[]}')

        def do_POST(self):
            try:
                uid = _owner_of_tcp_port(self.client_address[1], mock.tcp_table())
                kind, content = mock.answer(self.path, self.headers, self._body(), uid)
            except Exception as error:  # the test must hear of it, not only the client
                mock.problems.append(repr(error))
                self.send_error(400)
                return
            self._send(kind, content)

        def _body(self):
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
            unpack = {"gzip": gzip.decompress, "deflate": zlib.decompress}
            return unpack.get(self.headers.get("content-encoding"), bytes)(body)

        def _send(self, kind, content):
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
