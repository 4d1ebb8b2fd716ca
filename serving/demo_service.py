"""The demo's service as a background process: started once, found again, stopped by its own id."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from features.errors import NbaError
from serving.launch import spawn
from serving.settings import Settings

START_SECONDS = 90.0
STOP_SECONDS = 15.0


class _Service(NamedTuple):
    pid: int
    port: int


def refuse_other_port(settings: Settings) -> None:
    """Refuse a port on which the service will not get to listen.

    Raises
    ------
    NbaError : the port is taken by something else, or the service runs on another one already.
    """
    service = _running(settings)
    if service is None:
        _refuse_taken_port(settings)
    elif service.port != settings.http_port:
        raise NbaError(
            f"the demo's service runs on port {service.port} already, not on {settings.http_port}; "
            f"stop it first (make demo-stop), or go on with NBA_HTTP_PORT={service.port}"
        )


def ensure_running(settings: Settings) -> None:
    """Start the service unless it runs already, and wait until it is ready.

    Raises
    ------
    NbaError : as `refuse_other_port`, or the service did not get ready.
    """
    refuse_other_port(settings)
    if _running(settings) is None:
        settings = settings.model_copy(update={"demo_key": True})
        log = settings.home / "service.log"
        with log.open("wb") as output:
            process = spawn(settings, output)
        _pid_file(settings).write_text(json.dumps({"pid": process.pid, "port": settings.http_port}))
    _wait_until_ready(settings)


def stop_service(settings: Settings) -> bool:
    """Stop the service that `ensure_running` started; tell whether there was one."""
    service = _running(settings)
    if service is None:
        _pid_file(settings).unlink(missing_ok=True)
        return False
    pid = service.pid
    os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    if _alive(pid):
        os.killpg(pid, signal.SIGKILL)
    _pid_file(settings).unlink(missing_ok=True)
    return True


def base_url(settings: Settings) -> str:
    """Return where the service listens."""
    host = settings.http_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"


def _wait_until_ready(settings: Settings) -> None:
    deadline = time.monotonic() + START_SECONDS
    log = settings.home / "service.log"
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{base_url(settings)}/readyz", timeout=2.0).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        if _running(settings) is None:
            raise NbaError(f"the service ended while it started; its log is {log}")
        time.sleep(0.2)
    raise NbaError(f"the service was not ready after {START_SECONDS:.0f} s; its log is {log}")


def _refuse_taken_port(settings: Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET) as probe:
        if probe.connect_ex((settings.http_host, settings.http_port)) == 0:
            raise NbaError(
                f"port {settings.http_port} on {settings.http_host} is taken by another program; "
                "choose another one, e.g. NBA_HTTP_PORT=3100 make demo"
            )


def _running(settings: Settings) -> _Service | None:
    """Return the service that was started for this home, if its process is still that one."""
    try:
        told = json.loads(_pid_file(settings).read_text())
        service = _Service(int(told["pid"]), int(told["port"]))
    except (OSError, ValueError, KeyError):
        return None
    return service if _alive(service.pid) and _is_ours(service.pid) else None


def _alive(pid: int) -> bool:
    # A child of ours that has ended stays until it is waited for.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_ours(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline")
    return not command.exists() or b"serving.service" in command.read_bytes()


def _pid_file(settings: Settings) -> Path:
    return settings.home / "service.json"
