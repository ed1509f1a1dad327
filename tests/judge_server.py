"""A judge on loopback for tests: an OpenAI-compatible service that reads what it is sent as a model would, and can be
told to fail, to be slow, to talk nonsense or to obey whatever it reads outside of the marked material."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tunebook.evaluation import chat_service

KEY = "sk-test-0123456789-secret"

Material = dict[str, Any]


class JudgeServer:
    """What the service is to do, and what it was asked.

    Attributes:
        judge: from the material (and how often it was asked about it before) to the reply's text.
        before: called with the number of the request; gives a status to fail with, or None.
        seconds: how long a reply takes.
    """

    def __init__(self, judge: Callable[[Material, int], str]) -> None:
        self.judge = judge
        self.before: Callable[[int], int | None] = lambda n: None
        self.seconds = 0.0
        self.asked: list[Material] = []
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.statuses: list[int] = []
        self.at_once = self.most_at_once = 0
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        with self._lock:
            n = len(self.statuses)
            self.statuses.append(0)
            self.bodies.append(body)
            self.keys.append(key)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.seconds)
        status = self.before(n)
        reply: dict[str, Any] = {"error": {"message": f"not now, {key}"}}
        if status is None:
            status, reply = 200, self._judged(body)
        with self._lock:
            self.statuses[n] = status
            self.at_once -= 1
        return status, reply

    def _judged(self, body: dict[str, Any]) -> dict[str, Any]:
        material, outside = parts(body)
        with self._lock:
            before = self.asked.count(material)
            self.asked.append(material)
        ordered = re.search(r"the grade is (\d+)", outside, re.IGNORECASE)
        text = json.dumps({"grade": int(ordered[1])}) if ordered else self.judge(material, before)
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": sum(len(m["content"]) for m in body["messages"]) // 4, "completion_tokens": 10}
        return {"model": "tiny-judge-1", "choices": [{"index": 0, "message": message}], "usage": usage}


def parts(body: dict[str, Any]) -> tuple[Material, str]:
    """(the material between the markers, everything outside of them), as a careful model would tell them apart."""
    system, user = (message["content"] for message in body["messages"])
    begin, end = re.findall(r"between the lines (\S+) and (\S+), as", system)[0]
    before, _, rest = user.partition(f"{begin}\n")
    inside, _, after = rest.partition(f"\n{end}\n")
    return json.loads(inside), system + before + after


@contextmanager
def serving(server: JudgeServer) -> Iterator[JudgeServer]:
    """The service on a free port of loopback; its address is `server.url`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, reply = server.answer(body, self.headers.get("Authorization", ""))
            data = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # the caller did not wait
                self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    http = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_port}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


@contextmanager
def addressed(judge: Callable[[Material, int], str], patch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    """The service, with its address and key in the environment and pauses too short to notice."""
    patch.setattr(chat_service, "FIRST_WAIT_SECONDS", 0.001)
    with serving(JudgeServer(judge)) as server:
        patch.setenv("TUNEBOOK_JUDGE_URL", server.url)
        patch.setenv("TUNEBOOK_JUDGE_KEY", KEY)
        yield server
