import pytest

from bootstrap.backends.architectures.sdxl import size_condition
from bootstrap.backends.framing import cut_of
from bootstrap.backends.shapes import bucket_for


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((1024, 1024), (1024, 1024)),
        ((512, 512), (1024, 1024)),
        ((832, 1216), (832, 1216)),
        ((3000, 2000), (1216, 832)),
        ((500, 4000), (512, 2048)),
    ],
)
def test_a_picture_goes_where_its_shape_is(size, bucket):
    assert bucket_for(size, (1024, 1024), 64) == bucket


def test_no_bucket_is_larger_than_the_base_or_off_its_steps():
    for width in range(64, 900, 37):
        bucket = bucket_for((width, 400), (512, 512), 64)
        assert bucket[0] * bucket[1] <= 512 * 512
        assert not any(side % 64 for side in bucket)


def test_a_base_of_another_shape_keeps_it():
    assert bucket_for((120, 96), (120, 96), 64) == (120, 96)
    assert bucket_for((100, 100), (32, 32), 64) == (32, 32)


def test_what_is_cut_is_told_after_enlarging():
    whole, cut = cut_of((1024, 1024), (1024, 1024)), cut_of((512, 768), (1024, 1024))
    assert cut.corner == (0, 256)
    assert size_condition([whole, cut]).tolist() == [[1024, 1024, 0, 0, 1024, 1024], [768, 512, 256, 0, 1024, 1024]]
