"""Joining a Ray cluster, or starting one on this machine. Knows no run.

Ray is imported when it is needed: `import bootstrap` stays quick, and the package is an extra.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.errors import BackendError, ConfigError

__all__ = ["AUTO", "LOCAL", "Cluster", "failed_task", "joined", "lost_machine", "lost_worker", "unreachable"]

AUTO, LOCAL = "auto", "local"
"""A cluster that runs on this machine, or one of its own; always one of its own."""
INSTALL = "pip install 'lora-bootstrap[studio]'"
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Nothing is reported to anybody, and a worker without a card of its own still sees those of its machine."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
NO_CLUSTER = "start one: ray start --head; if it runs, copy its ~/.ray/auth_token to this machine"
TOKEN = Path.home() / ".ray" / "auth_token"
"""Where Ray keeps the token of a cluster; `ray.init` shows it to a cluster that it finds itself, but not to an address
that it is given."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that was joined: ``ray`` is the package; cards and processors of its workers, all together."""

    ray: Any
    gpus: float
    cpus: float
    dashboard: str = ""

    @property
    def gauge(self) -> Any:
        """The class of a number that Ray's metrics show."""
        from ray.util.metrics import Gauge

        return Gauge

    def own_address(self) -> str:
        """The address of this machine, as the others of the cluster reach it."""
        return str(self.ray.util.get_node_ip_address())

    def actor(self, kind: type, *, gpu: float = 1.0) -> Any:
        """An actor class; each actor takes ``gpu`` of a card where the cluster has cards, else one processor."""
        share = {"num_gpus": gpu, "num_cpus": 0} if self.gpus else {"num_cpus": 1}
        return self.ray.remote(max_restarts=0, max_concurrency=1, **share)(kind)


@contextlib.contextmanager
def joined(address: str, *, workers: int = 0, spare_card: bool = False) -> Iterator[Cluster]:
    """The cluster at ``address`` for a block: auto, local, HOST:PORT or ray://HOST:PORT.

    A process that has joined one stays in it. A cluster that is started here lets ``workers`` processes work at
    once; with ``spare_card`` its workers leave the first card to this process. Raises ConfigError where it cannot be
    reached or has other versions, or where Ray is not installed.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if address not in (AUTO, LOCAL) and TOKEN.is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
    except ImportError:
        raise ConfigError("several workers need Ray, which is not installed", INSTALL) from None
    mine = not ray.is_initialized()
    context = _connected(ray, address, workers, spare_card) if mine else None
    try:
        found: dict[str, float] = ray.cluster_resources()
        url = getattr(context, "dashboard_url", "") or ""
        yield Cluster(ray, float(found.get("GPU", 0)), float(found.get("CPU", 0)), f"http://{url}" if url else "")
    finally:
        if mine:
            ray.shutdown()


def _connected(ray: Any, address: str, workers: int, spare_card: bool) -> Any:
    options = {"logging_level": "error", "log_to_driver": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if address == AUTO:
                with contextlib.suppress(ConnectionError):
                    return ray.init(address="auto", **options)
            if address in (AUTO, LOCAL):
                with _without_first_card(spare_card):
                    return ray.init(
                        address="local", num_cpus=max(workers, os.cpu_count() or 1), include_dashboard=False, **options
                    )
            return ray.init(address=address, **options)
        except Exception as error:  # Ray raises bare ones too: for example where starting takes more than 30 seconds
            raise unreachable(address, error) from None


def unreachable(address: str, error: Exception) -> ConfigError:
    """What is wrong with an address, in one line; another version of Ray or Python is named."""
    text = " ".join(str(error).split())
    if "ersion mismatch" in text:
        versions = text.partition("ersion mismatch")[2].lstrip(": ")
        return ConfigError(f'the cluster "{address}" has other versions: {versions[:300]}', "install the same on both")
    if address in (AUTO, LOCAL):
        return ConfigError(f"no Ray cluster could be started here ({text[:160]})", "try again when less runs here")
    return ConfigError(f'there is no Ray cluster at "{address}" ({text[:160]})', NO_CLUSTER)


@contextlib.contextmanager
def _without_first_card(spare: bool) -> Iterator[None]:
    """Let processes that are started in the block see every card but the first; this one keeps what it sees."""
    before = os.environ.get(VISIBLE)
    if spare:
        os.environ[VISIBLE] = ",".join(_cards(before)[1:])
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VISIBLE, None)
        else:
            os.environ[VISIBLE] = before


def _cards(visible: str | None) -> list[str]:
    """The cards of this machine, as CUDA_VISIBLE_DEVICES names them."""
    if visible is not None:
        return [name for name in visible.split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def lost_worker(ray: Any, error: BaseException) -> bool:
    """Whether an error says that a worker died or its machine is gone, and not that its work is wrong."""
    gone = ray.exceptions
    return isinstance(
        error,
        gone.RayActorError | gone.WorkerCrashedError | gone.NodeDiedError | gone.ObjectLostError
        | gone.OutOfMemoryError | gone.ActorUnavailableError,
    )  # fmt: skip


def lost_machine(ray: Any, error: BaseException) -> bool:
    """Whether an error says that the whole machine of a task is gone, for example a rented one that was taken back."""
    return isinstance(error, ray.exceptions.NodeDiedError)


def failed_task(error: BaseException) -> BackendError:
    """What a worker's own failure is in one line."""
    cause = getattr(error, "cause", None) or error
    last = " ".join(str(cause).strip().splitlines()[-1:]) or type(cause).__name__
    return BackendError(f"a worker failed: {last[:200]}", "the log of Ray on its machine says more")
