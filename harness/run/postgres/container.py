"""A Postgres in a container, through testcontainers. Does I/O: talks to the Docker engine."""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cutover.harness.errors import EnvironmentProblem
from cutover.harness.run.postgres.backend import LAZY_WRITER, crash_backend
from cutover.harness.run.process.mark import mark, state_of

__all__ = ["IMAGE_VARIABLE", "container", "remove_left_behind"]

IMAGE_VARIABLE = "CUTOVER_POSTGRES_IMAGE"
_LABEL = "cutover.owner"
_LOOPBACK = "127.0.0.1"
_PING_S = 3
_PULL_S = 60


@contextlib.contextmanager
def container(settings: Mapping[str, str]) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """The URL and the image of a fresh server, and what has it crash and recover; removed afterwards.

    It is not stopped and started, as it would get another port. Raises EnvironmentProblem with the reason.
    """
    image = os.environ.get(IMAGE_VARIABLE) or "postgres:15"
    reaper = _prepare(image)
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 - 0.4 s that only this path pays
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415

    if not reaper:
        testcontainers_config.ryuk_disabled = True
    server = PostgresContainer(
        image, username="postgres", password=secrets.token_hex(8), dbname="postgres", driver=None
    )
    options = {"max_connections": "200", **LAZY_WRITER, **settings}
    server.with_kwargs(labels={_LABEL: mark()})
    if address := _near_address(server.get_docker_client()):
        # docker takes an address here too, and without one listens on all addresses of the machine
        server.ports = {str(server.port): (address,)}  # type: ignore[dict-item]
    server.with_command(["postgres", *(part for name, value in options.items() for part in ("-c", f"{name}={value}"))])
    try:
        server.start()
    except Exception as error:
        with contextlib.suppress(Exception):
            server.stop()
            server.get_docker_client().client.close()
        raise EnvironmentProblem(_advice(f"the container of {image} did not start", error)) from error
    url = server.get_connection_url()

    def kill(pid: int) -> None:
        server.get_wrapped_container().exec_run(["sh", "-c", f"kill -9 {pid}"])  # the image has no other kill

    try:
        yield url, image, lambda: crash_backend(url, kill)
    finally:
        server.stop()
        server.get_docker_client().client.close()


def _near_address(client: Any) -> str | None:
    """Returns the address on which the server is to listen so that no other machine reaches it.

    Where Docker runs inside the container that we are in too, that is its bridge. None where it is on another machine.
    """
    from testcontainers.core.config import ConnectionMode  # noqa: PLC0415

    if client.get_connection_mode() is ConnectionMode.gateway_ip:
        config = client.client.networks.get("bridge").attrs["IPAM"]["Config"][0]
        bridge = str(config.get("Gateway") or next(ipaddress.ip_network(config["Subnet"]).hosts()))
        return bridge if _is_ours(bridge) else None
    return _LOOPBACK if client.host() in {"localhost", _LOOPBACK, "::1"} else None


def _is_ours(address: str) -> bool:
    """Returns whether this machine has the address."""
    with contextlib.suppress(OSError), socket.create_server((address, 0)):
        return True
    return False


def _prepare(image: str) -> bool:
    """Makes sure that Docker answers and has the image; says whether the reaper's image is there too."""
    try:
        _connect_once()
        _need_packages()
        import docker  # noqa: PLC0415 - see above

        client = docker.from_env(timeout=_PING_S)
    except EnvironmentProblem:
        raise
    except Exception as error:
        raise EnvironmentProblem(_advice("no Docker engine answers", error)) from error
    with contextlib.closing(client):
        try:
            client.ping()
        except Exception as error:
            raise EnvironmentProblem(_advice("no Docker engine answers", error)) from error
        with contextlib.suppress(Exception):  # a failed clean-up does not keep a run from starting
            remove_left_behind(client)
        client.api.timeout = _PULL_S
        try:
            _have(client, image)
        except Exception as error:
            raise EnvironmentProblem(
                _advice(
                    f"Docker answers, but the image {image} cannot be had; set {IMAGE_VARIABLE} to one that can", error
                )
            ) from error
        return _has_reaper(client)


def remove_left_behind(client: Any) -> None:
    """Removes containers whose process on this machine is gone; the reaper does so too, where its image can be had."""
    for found in client.containers.list(all=True, filters={"label": _LABEL}):
        if state_of(found.labels.get(_LABEL)) == "gone":
            found.remove(force=True, v=True)


def _connect_once() -> None:
    """Raises OSError where the engine's socket is absent; docker's own client would leave one open."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if host.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(_PING_S)
            engine.connect(host.removeprefix("unix://"))


def _need_packages() -> None:
    """Raises EnvironmentProblem where the extra `containers` is not installed."""
    absent = [name for name in ("docker", "testcontainers") if importlib.util.find_spec(name) is None]
    if absent:
        raise EnvironmentProblem(
            f"a container needs the packages {' and '.join(absent)}; "
            "pip install 'orchestrator-cutover[containers]', or give --postgres URL, or use the embedded server"
        )


def _has_reaper(client: Any) -> bool:
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415

    if testcontainers_config.ryuk_disabled:
        return False
    with contextlib.suppress(Exception):
        _have(client, testcontainers_config.ryuk_image)
        return True
    return False


def _have(client: Any, image: str) -> None:
    from docker.errors import ImageNotFound  # noqa: PLC0415

    try:
        client.images.get(image)
    except ImageNotFound:
        client.images.pull(image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest")


def _advice(what: str, error: Exception) -> str:
    reason = " ".join(str(error).split())[:200]
    return f"{what} ({type(error).__name__}: {reason}); or give --postgres URL, or use the embedded server"
