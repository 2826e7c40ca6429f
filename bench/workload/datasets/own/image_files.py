"""Image files of a person's own → uint8 (N, H, W, C), as the training images were."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.choices import Fit
from bench.errors import ImageError, UsageError
from bench.workload.datasets.fitting import bring

if TYPE_CHECKING:
    from PIL.Image import Image

# Decoders of plain pixels. Pillow knows more; some of them start other programs.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
MOST_BYTES = 64 * 2**20
MOST_PIXELS = 64 * 10**6  # 192 MB once decoded in colour
# What systems and notebooks leave in folders by themselves.
LITTER = frozenset(
    (".DS_Store", ".ipynb_checkpoints", "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini")
)
MOST_NAMED = 5  # different names in the line that tells what was passed over
LEVELS_OF_16_BITS = 257  # 65535 / 255
_GREY = ("1", "L", "LA", "La", "I", "F")
_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)  # of Exif


def load(
    paths: Sequence[Path],
    native: tuple[int, int],
    size: tuple[int, int],
    channels: int,
    fit: Fit,
    *,
    invert: bool,
) -> NDArray[np.uint8]:
    """Images (N, *size, channels): brought to the data set's `native` size, then fitted as it was.

    pad     the image keeps its proportions; what is left of the native size is 0
    resize  the image is stretched to the native size

    Transparent parts become white; `invert` turns brightness over after that, and before any 0 is
    added.

    Raises:
        ImageError: a file is missing, too large, or not an image that can be decoded.
    """
    images = [pixels(path, channels) for path in paths]
    if invert:
        images = [255 - image for image in images]
    sized = [_to_native(image, native, fit) for image in images]
    return bring(np.stack(sized), size, fit)


@dataclass(frozen=True, slots=True, eq=False)
class ImagesFound:
    """Image files, the numbers of their classes, and the names of what is none and was passed over.

    The numbers are None where files were named themselves, whose classes nobody knows.
    """

    files: tuple[Path, ...]
    labels: NDArray[np.int32] | None
    passed_over: tuple[str, ...]

    @property
    def note(self) -> str | None:
        """What was passed over, in one line; None where nothing was."""
        return told(self.passed_over)


def told(passed_over: Sequence[str]) -> str | None:
    """The names of what was passed over, in one line; None where nothing was."""
    counts = Counter(passed_over)
    if not counts:
        return None
    named = [
        name if count == 1 else f"{name} ({count} times)"
        for name, count in counts.most_common(MOST_NAMED)
    ]
    more = f" and {len(counts) - MOST_NAMED:,} more" if len(counts) > MOST_NAMED else ""
    return f"passed over: {', '.join(named)}{more}"


def within(folder: Path, passed_over: list[str]) -> list[Path]:
    """What a folder holds, sorted, but for what is hidden or left there by systems.

    The names of that are added to `passed_over`.
    """
    kept = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in LITTER:
            passed_over.append(path.name)
        else:
            kept.append(path)
    return kept


def labelled(paths: Sequence[Path], classes: Sequence[str]) -> ImagesFound:
    """Files, and those of folders that hold a folder for each class.

    What is hidden in a folder, or what systems leave there by themselves, is passed over.

    Raises:
        ImageError: a folder holds no folders of classes, or no files.
        UsageError: folders and files were given.
    """
    passed_over = [path.name for path in paths if path.name in LITTER]
    kept = [path for path in paths if path.name not in LITTER]
    folders = [path for path in kept if path.is_dir()]
    if not kept:
        raise ImageError(f"there are no images in {', '.join(map(str, paths))}")
    if not folders:
        return ImagesFound(tuple(kept), None, tuple(passed_over))
    if len(folders) < len(kept):
        raise UsageError("give image files, or folders that hold a folder for each class: not both")

    found: list[tuple[Path, int]] = []
    for folder in folders:
        named = {path.name: path for path in within(folder, passed_over) if path.is_dir()}
        unknown = [name for name in named if name not in classes]
        if unknown or not named:
            what = f"the folder {unknown[0]!r}" if unknown else "no folders"
            raise ImageError(
                f"{folder} holds {what}: give a folder with a folder of images for each class, "
                f"named {', '.join(classes)}; or give files"
            )
        for name, of_class in named.items():
            found += [(path, classes.index(name)) for path in within(of_class, passed_over)]
    if not found:
        raise ImageError(f"there are no images in {', '.join(map(str, folders))}")
    labels = np.array([at for _, at in found], np.int32)
    return ImagesFound(tuple(path for path, _ in found), labels, tuple(passed_over))


def pixels(path: Path, channels: int | None = None) -> NDArray[np.uint8]:
    """One file's pixels, uint8 (h, w, channels), turned upright.

    Without a number of channels it is the file's own: 1 where it is grey, else 3.

    Raises:
        ImageError: the file is missing, too large, or not an image that can be decoded.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        array = _in_channels(ImageOps.exif_transpose(image), channels or _own_channels(image), path)
    return array if array.ndim == 3 else array[..., np.newaxis]


def shape(path: Path) -> tuple[int, int, int]:
    """Height, width and channels as `pixels` has them, of which only the header is read.

    Raises:
        ImageError: as for `pixels`.
    """
    with _opened(path) as image:
        height, width = image.height, image.width
        if image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE:
            height, width = width, height
        return height, width, _own_channels(image)


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """The image, of which only the header is read yet; what goes wrong becomes an ImageError."""
    from PIL import Image

    if not path.is_file():
        raise ImageError(f"{path} does not exist or is not a file: give the paths of image files")
    if path.stat().st_size > MOST_BYTES:
        raise ImageError(f"{path} is too large: at most {MOST_BYTES // 2**20} MiB are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; and of sizes, which are held below
            with Image.open(path, formats=FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise ImageError(
                        f"{path} is too large: {image.width}×{image.height} pixels, at most "
                        f"{MOST_PIXELS:,} are read"
                    )
                yield image
    except ImageError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever their arithmetic raises
        raise ImageError(
            f"{path} cannot be read as an image ({type(error).__name__}: {error}): give "
            f"{', '.join(FORMATS)}"
        ) from error


def _own_channels(image: Image) -> int:
    return 1 if image.mode in _GREY or image.mode.startswith("I;16") else 3


def _in_channels(image: Image, channels: int, path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    if image.mode.startswith("I;16"):
        grey = np.asarray(np.asarray(image) // LEVELS_OF_16_BITS, dtype=np.uint8)
        return np.repeat(grey[..., np.newaxis], channels, axis=-1)
    if image.mode in ("I", "F"):
        raise ImageError(
            f"{path} has pixels of 32 bits, whose white is not known: save it with 8 bits"
        )
    if "A" in image.getbands() or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return np.asarray(image.convert("L" if channels == 1 else "RGB"), dtype=np.uint8)


def _to_native(image: NDArray[np.uint8], native: tuple[int, int], fit: Fit) -> NDArray[np.uint8]:
    """(h, w, C) → (*native, C)."""
    height, width = image.shape[:2]
    scale = min(native[0] / height, native[1] / width)
    inner = (max(1, round(height * scale)), max(1, round(width * scale)))
    resized = bring(image[np.newaxis], native if fit == "resize" else inner, "resize")
    return np.asarray(bring(resized, native, fit)[0], dtype=np.uint8)
