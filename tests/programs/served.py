"""A service that only says hello and returns: `python served.py WAY PORT`, where it may go wrong as it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

WAY, PORT = sys.argv[1], int(sys.argv[2])
STARTED = time.monotonic()


class Handler(BaseHTTPRequestHandler):
    """Answers the third look at its health, and every command."""

    def do_GET(self) -> None:
        HTTPServer.asked = getattr(HTTPServer, "asked", 0) + 1  # type: ignore[attr-defined]
        self.answer(200 if HTTPServer.asked > 2 else 503, {})  # type: ignore[attr-defined]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/hello":
            name = f"served {os.environ['PORT']} {os.environ.get('DATABASE_URL')} {os.environ['GIVEN']}"
            self.answer(200, {"protocol": 1, "name": name})
            return
        if WAY == "dies at a command":
            os._exit(7)
        self.answer(200, {})

    def answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


match WAY:
    case "exits":
        sys.stderr.write("no \x1b[31mlicence\n")
        sys.exit(3)
    case "never listens":
        time.sleep(600)
    case "leaves a child":
        subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
server = HTTPServer(("127.0.0.1", PORT), Handler)
sys.stdout.write("\x1b[2Jstarting\n" * 3000)
sys.stdout.write("ready to serve\n")
sys.stdout.flush()
server.serve_forever()
