"""A workflow on a ComfyUI server as a drawer: each job is the workflow with its words, random seed and references.

A prompt's id follows from its job, so that a run which was killed takes the result of what the server has drawn in the
meantime instead of asking again. Pictures of another size are brought to size, or refused. Knows no run.
"""

from __future__ import annotations

import io
import itertools
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from bootstrap.backends.base import refuse_references
from bootstrap.backends.outside.comfyui_server import ComfyUiServer, ServerBusy, pause
from bootstrap.backends.outside.comfyui_settings import ComfyUiSettings
from bootstrap.backends.outside.refusals import refusal_card
from bootstrap.backends.outside.workflow import Filling, Workflow, read_workflow
from bootstrap.errors import BackendError
from bootstrap.pictures import as_rgb
from bootstrap.records import Job

__all__ = ["ComfyUiDrawer", "check_comfyui"]

TRIES = 3
"""How often a result is asked for that does not arrive whole, and a prompt that the server has lost."""
LORA = "bootstrap-{digest}.safetensors"
"""How the LoRA of a round is called in the server's folder."""
LARGEST_SEED = 1 << 53
"""Below this every number survives JSON and JavaScript; some nodes take no more than 64 bits."""


def check_comfyui(settings: ComfyUiSettings) -> Workflow:
    """The workflow. Raises BackendError where it cannot be used; asks no server."""
    if not settings.workflow:
        raise BackendError(f'the drawer "{settings.name}" needs a workflow', "name it: --workflow workflow.json")
    workflow = read_workflow(Path(settings.workflow))
    if workflow.has("lora") != settings.with_lora:
        problem = f'the workflow "{settings.workflow}" has {"a" if workflow.has("lora") else "no"} place for a LoRA'
        hint = "give --set drawer.with_lora=true and drawer.lora_folder" if workflow.has("lora") else "add one"
        raise BackendError(problem, f"{hint}, or leave it out of both")
    if settings.with_lora and not Path(settings.lora_folder).expanduser().is_dir():
        raise BackendError(
            f'drawer.lora_folder "{settings.lora_folder}" is no folder', "name the server's models/loras"
        )
    return workflow


class ComfyUiDrawer:
    """Draws by a workflow. References have paths relative to ``pictures``."""

    def __init__(self, settings: ComfyUiSettings, size: tuple[int, int], pictures: Path) -> None:
        """``size`` in pixels is the base's, for a drawer that names none. Raises BackendError."""
        self.settings = settings
        self.workflow = check_comfyui(settings)
        self.resolution = settings.width or size[0], settings.height or size[1]
        self.name = settings.name
        self.batch_size = 1  # stored before the next one is asked for
        text = repr((sorted(self.workflow.graph.items()), self.resolution, settings.other_size))
        self.fingerprint = f"comfyui-{sha256(text.encode()).hexdigest()[:16]}"
        self._pictures = pictures
        self._server = ComfyUiServer(settings.server, settings.seconds_away)
        self._server.require()
        self._uploaded: dict[str, str] = {}

    def draw(self, jobs: Sequence[Job], adapter: Path | None) -> Iterator[list[tuple[Job, Image.Image]]]:
        """Ask for one picture after the other; see `bootstrap.backends.base`."""
        refuse_references(jobs, self.name, references=False)
        lora = self._placed(adapter) if adapter and self.workflow.has("lora") else ""
        for job in jobs:
            yield [(job, self._sized(self._drawn(job, lora)))]

    def use_tiles(self) -> bool:
        """That is the workflow's."""
        return False

    def close(self) -> None:
        """The server goes on."""

    def _drawn(self, job: Job, lora: str) -> Image.Image:
        """The picture of a job. Raises BackendError."""
        references = [self._upload(one.path) for one in job.references[: self.workflow.references]]
        seed = job.random_seed % LARGEST_SEED
        graph = self.workflow.filled(Filling(job.prompt, job.negative, seed, self.resolution, references, lora))
        tries = itertools.count()
        for _ in range(TRIES):
            found = None
            while found is None or _failed(found):  # one that failed before is asked for again, under another id
                id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.fingerprint}|{job}|{lora}|{next(tries)}"))
                found = self._server.history(id)
                if found is None:
                    found = self._queued(graph, id)
                    break
            if found is not None and (image := self._result(found)) is not None:
                return image
        problem = f"the picture of job {job.id} did not arrive whole from {self.settings.server}, {TRIES} times"
        raise BackendError(problem, "look at the server's log, and give the same command again")

    def _queued(self, graph: Mapping[str, Any], id: str) -> dict[str, Any] | None:
        """What becomes of a prompt, which is queued unless it is by now; None where the server lost it.

        A prompt that is given up, or interrupted by a person, is taken back. Raises BackendError.
        """
        if not self._server.is_queued(id):
            answer = self._server.submit(graph, id)
            if "prompt_id" not in answer or answer.get("node_errors"):
                raise BackendError(self._refusal(answer), "mend the workflow in ComfyUI, and export it again")
            id = str(answer["prompt_id"])
        try:
            return self._server.wait(id, self.settings.seconds_a_picture)
        except BaseException:
            self._server.cancel(id)
            raise

    def _result(self, found: Mapping[str, Any]) -> Image.Image | None:
        """The picture of a prompt that is done; None where it does not arrive whole. Raises BackendError."""
        if _failed(found):
            raise BackendError(self._failure(found["status"]), "mend the workflow, or free memory on the server")
        for number in range(TRIES):
            try:
                data = self._server.picture(self._place(found.get("outputs") or {}))
                with Image.open(io.BytesIO(data)) as opened:
                    return as_rgb(opened)
            except (ServerBusy, OSError, ValueError, SyntaxError):
                pause(float(number))
        return None

    def _place(self, outputs: Mapping[str, Any]) -> Mapping[str, str]:
        """Where the picture lies: of the node titled "output", else what was saved first, else shown first."""
        found: list[tuple[int, str, Mapping[str, str]]] = []
        for id, output in outputs.items():
            for image in output.get("images") or ():
                rank = 0 if id == self.workflow.output else 1 + (image.get("type") != "output")
                found.append((rank, id, image))
        if not found:
            hint = "let it end in a node that saves a picture"
            raise BackendError(f'the workflow "{self.workflow.name}" left no picture', hint)
        return min(found, key=lambda one: one[:2])[2]

    def _refusal(self, answer: Mapping[str, Any]) -> str:
        """Why the server does not queue the workflow, in one line."""
        problems = []
        for id, node in (answer.get("node_errors") or {}).items():
            for error in node.get("errors") or ():
                problems.append(f"{self.workflow.named(id)}: {error.get('message')} ({error.get('details')})")
        general = answer.get("error") or {}
        if not problems:
            problems = [str(general.get("message") if isinstance(general, dict) else general)]
        return " ".join(f'ComfyUI does not take the workflow "{self.workflow.name}": {"; ".join(problems)}'.split())

    def _failure(self, status: Mapping[str, Any]) -> str:
        """What went wrong while the server drew, in one line."""
        for kind, told in status.get("messages") or ():
            if kind == "execution_error":
                node, why = self.workflow.named(str(told.get("node_id"))), str(told.get("exception_message"))
                return " ".join(f'the workflow "{self.workflow.name}" failed in {node}: {why}'.split())
        return f'the workflow "{self.workflow.name}" was interrupted on the server'

    def _upload(self, path: str) -> str:
        """The name of a reference on the server, to which it is sent once."""
        if path not in self._uploaded:
            with Image.open(self._pictures / path) as opened:
                buffer = io.BytesIO()
                as_rgb(opened).save(buffer, format="PNG")
            data = buffer.getvalue()
            self._uploaded[path] = self._server.upload(f"bootstrap-{sha256(data).hexdigest()[:16]}.png", data)
        return self._uploaded[path]

    def _placed(self, adapter: Path) -> str:
        """The name of the round's LoRA in the server's folder, into which it is copied."""
        name = LORA.format(digest=sha256(adapter.read_bytes()).hexdigest()[:12])
        target = Path(self.settings.lora_folder).expanduser() / name
        if not target.exists():
            shutil.copyfile(adapter, target)
        return name

    def _sized(self, image: Image.Image) -> Image.Image:
        """A picture in the size that was asked for."""
        if image.size == self.resolution:
            return image
        if self.settings.other_size == "refuse":
            drawn, asked = (f"{width}x{height}" for width, height in (image.size, self.resolution))
            return refusal_card(self.resolution, f"the workflow drew {drawn}, {asked} were asked for")
        return ImageOps.fit(image, self.resolution, Image.Resampling.LANCZOS)


def _failed(found: Mapping[str, Any]) -> bool:
    """Whether a prompt that is done failed."""
    return (found.get("status") or {}).get("status_str") == "error"
