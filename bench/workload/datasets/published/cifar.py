"""CIFAR-10 and CIFAR-100: their files, mirrors, hashes and terms.

Where the hashes are from: those of the archives (sha256) are TensorFlow Datasets'
(url_checksums/cifar10.txt, cifar100.txt). Nobody official publishes those of the batch files. Their
md5 are, for CIFAR-10, the ones that the CMake and Go projects which check them agree on; for
CIFAR-100 those of one Go project, which has the published md5 of the archive beside them.
"""

from __future__ import annotations

from bench.workload.datasets.cifar import PIXEL_BYTES, CifarDataset
from bench.workload.datasets.source import StoredFile

_MIRRORS = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")
_CREDIT = "Krizhevsky 2009, no licence stated; https://www.cs.toronto.edu/~kriz/cifar.html"
_REST_BYTES = 1 << 20  # of an archive, for headers, padding, class names and a page of HTML


def _batch(name: str, md5: str) -> StoredFile:
    path = f"cifar-10-batches-bin/{name}.bin"
    return StoredFile(path, (), 10_000 * (1 + PIXEL_BYTES), content_digest=f"md5:{md5}")


CIFAR10 = CifarDataset(
    name="cifar10",
    title="CIFAR-10: small colour photographs",
    classes=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    credit=_CREDIT,
    archive=StoredFile(
        path="cifar-10-binary.tar.gz",
        mirrors=tuple(f"{mirror}cifar-10-binary.tar.gz" for mirror in _MIRRORS),
        content_bytes=6 * 10_000 * (1 + PIXEL_BYTES) + _REST_BYTES,
        archive_digest="sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
    batches=(
        _batch("data_batch_1", "5dd7e06a14cb22eb9f671a540d1b7c25"),
        _batch("data_batch_2", "5ea93a67294ea407fff1d09f752e9692"),
        _batch("data_batch_3", "942cd6a4bcdd0dd3c604fbe906cb4421"),
        _batch("data_batch_4", "ae636b3ba5c66a11e91e8cb52e771fcb"),
        _batch("data_batch_5", "53f37980c15c3d472c316c40844f3f0d"),
        _batch("test_batch", "803d5f7f4d78ea53de84dbe85f74fb6d"),
    ),
)

# As fine_label_names.txt and coarse_label_names.txt in the archive have them, in their order.
_FINE = (
    *("apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle"),
    *("bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle"),
    *("caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch"),
    *("crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox"),
    *("girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion"),
    *("lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom"),
    *("oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree"),
    *("plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road"),
    *("rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake"),
    *("spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone"),
    *("television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale"),
    *("willow_tree", "wolf", "woman", "worm"),
)
_COARSE = (
    *("aquatic_mammals", "fish", "flowers", "food_containers", "fruit_and_vegetables"),
    *("household_electrical_devices", "household_furniture", "insects", "large_carnivores"),
    *("large_man-made_outdoor_things", "large_natural_outdoor_scenes"),
    *("large_omnivores_and_herbivores", "medium_mammals", "non-insect_invertebrates", "people"),
    *("reptiles", "small_mammals", "trees", "vehicles_1", "vehicles_2"),
)


def _cifar100(name: str, title: str, classes: tuple[str, ...], label: int) -> CifarDataset:
    row_bytes = 2 + PIXEL_BYTES
    parts = (
        ("train", 50_000, "6172c7755cfe09b2fe270c85cebc1b15"),
        ("test", 10_000, "4499cfba6c016c1be1438163640a0898"),
    )
    return CifarDataset(
        name=name,
        title=title,
        classes=classes,
        credit=_CREDIT,
        archive=StoredFile(
            path="cifar-100-binary.tar.gz",
            mirrors=tuple(f"{mirror}cifar-100-binary.tar.gz" for mirror in _MIRRORS),
            content_bytes=60_000 * row_bytes + _REST_BYTES,
            archive_digest=(
                "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"
            ),
        ),
        batches=tuple(
            StoredFile(
                f"cifar-100-binary/{part}.bin", (), rows * row_bytes, content_digest=f"md5:{md5}"
            )
            for part, rows, md5 in parts
        ),
        labels_a_row=2,
        label=label,
    )


CIFAR100 = _cifar100("cifar100", "CIFAR-100: small colour photographs, 100 classes", _FINE, 1)
CIFAR100_COARSE = _cifar100("cifar100-coarse", "CIFAR-100 by its 20 superclasses", _COARSE, 0)
