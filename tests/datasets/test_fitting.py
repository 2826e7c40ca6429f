from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.errors import DataError
from bench.workload.datasets.fitting import bring

IMAGES = hnp.arrays(
    np.uint8,
    st.tuples(*(st.integers(1, n) for n in (3, 6, 6)), st.sampled_from([1, 3])),
)


@given(IMAGES, st.integers(0, 5), st.integers(0, 5))
def test_padding_keeps_the_image_in_the_centre_and_adds_zeros(
    images: np.ndarray, more_height: int, more_width: int
) -> None:
    _, height, width, _ = images.shape
    padded = bring(images, (height + more_height, width + more_width), "pad")
    top, left = more_height // 2, more_width // 2
    np.testing.assert_array_equal(padded[:, top : top + height, left : left + width], images)
    assert padded.sum() == images.sum()
    assert padded.dtype == np.uint8


@pytest.mark.parametrize("fit", ["pad", "resize"])
def test_images_of_the_size_are_untouched(fit) -> None:
    images = np.zeros((2, 4, 5, 1), np.uint8)
    assert bring(images, (4, 5), fit) is images


@pytest.mark.parametrize("size", [(3, 9), (9, 4), (3, 4)])
def test_padding_cannot_shrink(size: tuple[int, int]) -> None:
    with pytest.raises(DataError, match=r"images of 4×5 cannot be padded to .*: give --fit resize"):
        bring(np.zeros((2, 4, 5, 1), np.uint8), size, "pad")


def bilinear(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Textbook bilinear enlargement in float64, half-pixel centres, edges repeated; (h, w)."""

    def weights(new: int, old: int) -> np.ndarray:
        centres = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(old)))

    return weights(size[0], image.shape[0]) @ image @ weights(size[1], image.shape[1]).T


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 32), (13, 40), (8, 9)])
def test_resizing_is_bilinear_with_half_pixel_centres(channels: int, size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, channels), dtype=np.uint8)
    resized = bring(images, size, "resize")
    assert resized.shape == (3, *size, channels)
    for image, got in zip(images, resized, strict=True):
        for channel in range(channels):
            expected = bilinear(image[..., channel].astype(float), size)
            # Pillow rounds after each of its two passes: half a step each, at most.
            assert np.abs(got[..., channel] - expected).max() <= 1.0


def test_resizing_shrinks_as_well() -> None:
    images = np.full((1, 8, 8, 3), 77, np.uint8)
    np.testing.assert_array_equal(bring(images, (4, 2), "resize"), images[:, :4, :2])
