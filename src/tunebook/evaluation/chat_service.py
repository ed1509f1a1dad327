"""An OpenAI-compatible chat service: one question, one answer, with retries.

The address and the key come from the environment and are kept nowhere: messages name the host alone, and whatever the
service or a library says is searched for the key before it is passed on. Standard library only: one JSON request and
one JSON reply need no client library, and redirects, which would carry the key to another host, are refused here.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tunebook.errors import UserError

__all__ = ["Address", "ChatService", "Reply", "ServiceFailed", "ServiceRefused", "read_address"]

URL_VARIABLE, KEY_VARIABLE = "TUNEBOOK_JUDGE_URL", "TUNEBOOK_JUDGE_KEY"
NO_CONNECTION = "no connection"
MOST_BYTES = 1 << 20
"""Of a reply; a longer one is no answer to a short question."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
_SHOWN = 200
_SHORTEST_SECRET = 6
"""Shorter keys ("none", "EMPTY") are words that local services ask for, and no secret."""
_PASSING = frozenset({408, 409, 425, 429})
"""Statuses below 500 that may be different a moment later."""


class ServiceFailed(Exception):
    """No answer to this question, after all retries; `kind` is a short name for counts ("HTTP 503", "timeout")."""

    def __init__(self, kind: str, detail: str = "", passing: bool = True, wait: float | None = None) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.passing, self.wait = kind, passing, wait


class ServiceRefused(ServiceFailed):
    """The service refuses every question: the key or the address is wrong."""


@dataclass(frozen=True)
class Address:
    """Where the service is; neither the key nor anything but the host is part of its text."""

    url: str = field(repr=False)
    key: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        parts = urlsplit(self.url)
        return parts.hostname + (f":{parts.port}" if parts.port else "") if parts.hostname else "?"

    @property
    def endpoint(self) -> str:
        """The address of chat completions; a query (an API version) stays at the end."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        path = path if path.endswith("/chat/completions") else f"{path}/chat/completions"
        return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        name = urlsplit(self.url).hostname or ""
        return name in ("localhost", "::1") or name.startswith("127.")

    def __str__(self) -> str:
        return self.host

    def scrubbed(self, text: str) -> str:
        """A text without the key and the address."""
        for secret in (self.key, self.url, urlsplit(self.url).query):
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return text


def read_address(environment: Mapping[str, str]) -> Address:
    """The service's address and key.

    Raises: UserError: no address, or one that cannot be used; the message shows neither.
    """
    url, key = environment.get(URL_VARIABLE, "").strip(), environment.get(KEY_VARIABLE, "").strip()
    if not url:
        raise UserError(
            "metric: judge asks a service, and {url} is not set. Set it to the address of an OpenAI-compatible service "
            "(https://host/v1), and {key} to its key, if it has one.",
            url=URL_VARIABLE,
            key=KEY_VARIABLE,
        )
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password or not url.isprintable() or " " in url:
        raise UserError(
            "{url}: cannot be used as an address (it is not shown here, as it may hold a password); an address is "
            "https://host/v1 without name and password. Put the key into {key}.",
            url=URL_VARIABLE,
            key=KEY_VARIABLE,
        )
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(
            "{key}: holds characters that no key has (it is not shown here); a key is one word of ASCII letters and "
            "signs. Set it again.",
            key=KEY_VARIABLE,
        )
    return Address(url, key)


@dataclass(frozen=True)
class Reply:
    """What the service answered.

    Attributes:
        text: the message.
        model: the model that answered, by its own account.
        prompt_tokens, completion_tokens: as the service counted them; 0: it did not.
    """

    text: str
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class ChatService:
    """Asks an OpenAI-compatible service. May be used from several threads.

    Args:
        address: where it is.
        timeout_seconds: for one request, from sending to the last byte of the reply.
        retries: how often a failed request is repeated, after growing pauses.
        waits_for_network: whether lost connections are repeated too.
        is_wanted: asked between attempts; when it says no, `ServiceFailed` is raised at once.
    """

    def __init__(
        self,
        address: Address,
        timeout_seconds: float = 60.0,
        retries: int = 5,
        is_wanted: Callable[[], bool] = lambda: True,
        *,
        waits_for_network: bool = True,
    ) -> None:
        self.address = address
        self._timeout, self._retries, self._is_wanted = timeout_seconds, retries, is_wanted
        self._waits_for_network = waits_for_network
        # a service on this machine is never asked for through a proxy
        proxies = [urllib.request.ProxyHandler({})] if address.is_local else []
        self._opener = urllib.request.build_opener(_NoRedirects, *proxies)

    def ask(self, body: Mapping[str, Any], on_failure: Callable[[str], None] = lambda kind: None) -> Reply:
        """The service's reply.

        Args:
            body: of the request, as JSON: model, messages and settings.
            on_failure: told the kind of every attempt that failed.

        Raises: ServiceFailed: no reply after all retries. ServiceRefused: it will not answer anything.
        """
        for attempt in range(self._retries + 1):
            try:
                return self._once(body)
            except ServiceFailed as error:
                on_failure(error.kind)
                is_last = attempt == self._retries or (error.kind == NO_CONNECTION and not self._waits_for_network)
                if is_last or not error.passing or not self._is_wanted():
                    raise
                self._pause(attempt, error.wait)
        raise AssertionError("the last attempt returns or raises")

    def _pause(self, attempt: int, asked: float | None) -> None:
        """Twice as long each time, of random length so that parallel requests do not come back together; at least what
        the service asks for."""
        own = FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.0)
        until = time.monotonic() + min(max(own, asked or 0.0), LONGEST_WAIT_SECONDS)
        while self._is_wanted() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.2))

    def _once(self, body: Mapping[str, Any]) -> Reply:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "tunebook"}
        if self.address.key:
            headers["Authorization"] = f"Bearer {self.address.key}"
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.address.endpoint, data, headers, method="POST")
        until = time.monotonic() + self._timeout
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return self._read(answer, until)
        except urllib.error.HTTPError as error:
            failed = self._failed(error)
        except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
            failed = self._unreachable(error)
        raise failed  # outside of the handlers: their errors hold the request with its headers

    def _read(self, answer: Any, until: float) -> Reply:
        parts, size = [], 0
        while block := answer.read1(65536):
            parts.append(block)
            size += len(block)
            if size > MOST_BYTES:
                raise ServiceFailed("reply too long", f"more than {MOST_BYTES} bytes", passing=False)
            if time.monotonic() > until:
                raise ServiceFailed("timeout", f"{self._timeout:g} s")
        try:
            value = json.loads(b"".join(parts))
            message = value["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            raise ServiceFailed("no chat completion in the reply") from None
        usage = value.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Reply(
            text=self.address.scrubbed(message) if isinstance(message, str) else "",
            model=self.address.scrubbed(str(value.get("model") or ""))[:_SHOWN],
            prompt_tokens=_count(usage.get("prompt_tokens")),
            completion_tokens=_count(usage.get("completion_tokens")),
        )

    def _failed(self, error: urllib.error.HTTPError) -> ServiceFailed:
        status = error.code
        try:
            told = error.read(4096).decode("utf-8", errors="replace")
        except (OSError, http.client.HTTPException):
            told = ""
        told = " ".join(self.address.scrubbed(told).split())[:_SHOWN]
        kind = f"HTTP {status}"
        if status in (401, 403, 404, 405) or 300 <= status < 400:
            return ServiceRefused(kind, told, passing=False)
        passing = status >= 500 or status in _PASSING
        return ServiceFailed(kind, told, passing=passing, wait=_seconds(error.headers.get("Retry-After")))

    def _unreachable(self, error: BaseException) -> ServiceFailed:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError | socket.timeout):
            return ServiceFailed("timeout", f"{self._timeout:g} s")
        told = self.address.scrubbed(str(reason))[:_SHOWN]
        return ServiceFailed(NO_CONNECTION, told or type(reason).__name__)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:  # absent, or a date
        return None
    return seconds if 0 <= seconds < float("inf") else None
