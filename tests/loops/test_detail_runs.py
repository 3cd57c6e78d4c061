"""A run with a share of special details: what is cut out is trained on, delivered, and counted."""

from PIL import Image

from bootstrap.dataset.provenance import read_provenance
from bootstrap.store.store import Store


def test_close_ups_of_details_are_trained_on_delivered_and_counted(tiny, call, tmp_path):
    run = tmp_path / "run"
    details = ["--set", "base.cuts.details=0.6", "--set", "subject.details={face: [hair]}"]
    done = call("run", *tiny, *details, "--out", run)
    assert done.code == 0, done.err
    close_ups = [row for row in read_provenance(run / "dataset") if "hair focus" in row["caption"]]
    with Store.open(run, exclusive=False) as store:
        kept = {frame.path.rpartition("/")[2]: frame for frame in store.kept()}
    delivered = [row for row in close_ups if row["origin"] == "synthetic"]
    assert len(delivered) >= 2, "besides that of the seed"
    for row in delivered:
        assert row["made_from"] in kept
        assert float(row["training_weight"]) > 0
        with Image.open(run / "dataset" / row["file"]) as image:
            assert image.width == image.height
    assert f"special details: {len(close_ups)} of " in done.err
