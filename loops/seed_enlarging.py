"""Seeds below the training size are enlarged before they are taken in, where the run names what enlarges them.

A copy that shows something else than its original is refused, and Lanczos enlarges that seed when it is trained on.
What was decided is stored: a continued run enlarges nothing again unless a file was lost. Trains and draws nothing.
"""

from __future__ import annotations

from functools import cached_property

from bootstrap.config import RunConfig
from bootstrap.panel.models import PanelModels
from bootstrap.pictures import open_picture
from bootstrap.retouch.upscale_guard import identity_encoders
from bootstrap.retouch.upscale_models import LANCZOS, Upscaler, open_upscaler
from bootstrap.retouch.upscaled_files import remember_upscaled, upscaled_seeds, upscaled_view
from bootstrap.retouch.upscaling import needs_upscaling
from bootstrap.seeds.sifting import Improved
from bootstrap.seeds.views import View, upscaled_name
from bootstrap.store.replacing import is_whole
from bootstrap.store.store import Store

__all__ = ["SeedEnlarging", "upscaling_notes"]


class SeedEnlarging:
    """What becomes of seeds that are smaller than the ``side`` of training pictures, in pixels.

    The model is loaded for the first seed that needs it. Lanczos alone changes no seed: training enlarges by it anyway.
    """

    def __init__(self, store: Store, config: RunConfig, panel_models: PanelModels, side: int) -> None:
        self._store, self._config, self._models, self._side = store, config, panel_models, side

    @property
    def improved(self) -> Improved:
        """What small and blurred pictures can count on when they are sorted out."""
        if not self._config.upscale:
            return Improved()
        return Improved(self._upscaler.scale, self._upscaler.scale == 1)

    def of(self, view: View) -> View:
        """A view as it is taken in. Raises UsageError where the model cannot be loaded."""
        if self._config.upscale in ("", LANCZOS):
            return view
        name = upscaled_name(view)
        known = upscaled_seeds(self._store).get(name)
        if known is None:
            return self._made(view) if needs_upscaling(view.image, self._upscaler, self._side) else view
        if known.refused:
            return view
        path = self._store.directory / name
        if not is_whole(path, known.sha256):
            return self._made(view)
        image, data = open_picture(path, 1)
        return View(name, image, data, view.number)

    @cached_property
    def _upscaler(self) -> Upscaler:
        return open_upscaler(self._config.upscale)

    def _made(self, view: View) -> View:
        """The enlarged copy, or the view itself where that is refused; either is remembered."""
        encoders = identity_encoders(self._models, self._config.panel)
        made, done = upscaled_view(view, self._upscaler, encoders, self._side)
        remember_upscaled(self._store, done)
        return view if done.refused else made


def upscaling_notes(store: Store) -> list[str]:
    """What became of the seeds that were to be enlarged, in sentences."""
    return [f"the seed {one.sentence}" for one in upscaled_seeds(store).values()]
