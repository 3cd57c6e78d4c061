"""What a pooled drawer hands to workers."""

import contextlib
from types import SimpleNamespace

from bootstrap.studio.pooled_drawer import PooledDrawer
from bootstrap.studio.worker import Files


def test_two_loras_of_one_file_name_have_two_paths(tmp_path):
    shipped = []

    def results(tasks):
        for task in tasks:
            task.there(SimpleNamespace(draw=SimpleNamespace(remote=lambda jobs, file, *_, **__: shipped.append(file))))
            yield []

    for name in ("r01-style", "r02-character"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter.safetensors").write_text(name)
        job = SimpleNamespace(id="1", references=(), control=None, start=None)
        drawer = PooledDrawer(SimpleNamespace(batch_size=1), SimpleNamespace(results=results), Files(len), tmp_path)
        with contextlib.suppress(ValueError):  # these workers draw nothing
            list(drawer.draw([job, job], tmp_path / name / "adapter.safetensors"))
    assert len({file.path for file in shipped}) == 2
