"""A server that runs in the background: writes its port to the file `port`, answers everyone."""

import os
import socket

listener = socket.create_server(("127.0.0.1", 0))
with open("port.new", "w") as file:
    file.write(str(listener.getsockname()[1]))
os.rename("port.new", "port")
while True:
    connection, _ = listener.accept()
    connection.sendall(b"served\n")
    connection.close()
