"""Files of ours that are torn, as after a power failure, or changed on a bad disk."""

from __future__ import annotations

import random
from pathlib import Path

from tests.faults.campaign import Kind
from tests.faults.scene import Scene, content_hash


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def _empty(content: bytes, draw: random.Random) -> bytes:
    return b""


def _zeros(content: bytes, draw: random.Random) -> bytes:
    """As a journal leaves it whose data were never written."""
    begin = draw.randrange(len(content))
    return content[:begin] + bytes(len(content) - begin)


def _flipped(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]


def _more(content: bytes, draw: random.Random) -> bytes:
    return content + draw.randbytes(draw.randint(1, 5_000))


def _noise(content: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(len(content))


TORN = (_cut, _empty, _zeros, _more, _noise)
CHANGED = (*TORN, _flipped)


def _damage(scene: Scene, path: Path, ways: tuple = CHANGED) -> str:
    how = scene.random.choice(ways)
    path.write_bytes(how(path.read_bytes(), scene.random))
    return how.__name__


def _begun(scene: Scene) -> None:
    scene.expect_told(scene.call(*scene.arguments()), (0,))


def torn_record(scene: Scene) -> None:
    """A record is torn: reports name it and show the others; a resumed run measures it again."""
    _begun(scene)
    path = scene.random.choice(sorted(scene.out.glob("*/records/*.json")))
    before = scene.kept()
    _damage(scene, path, TORN)
    done = scene.call("report", str(scene.out), "--format", "md")
    scene.expect(path.name in done.err + done.out, f"it is not named: {done.err!r}")
    scene.expect_told(done, (0, 1))
    scene.expect_told(scene.resume(), (0,))
    for cell, content in scene.kept().items():
        scene.expect(cell == path.stem or content == before[cell], f"{cell} has changed")
    scene.expect_undisturbed()
    scene.expect_settled()


def torn_manifest(scene: Scene) -> None:
    """A run's `run.json` is torn: `--resume` says so in one line and touches nothing."""
    _begun(scene)
    path = scene.run_folder() / "run.json"
    whole = path.read_bytes()
    _damage(scene, path, TORN)
    before = content_hash(scene.out)
    scene.expect_told(scene.resume(), (2,), "run.json")
    scene.expect(content_hash(scene.out) == before, "files have changed")
    path.write_bytes(whole)
    scene.expect_completes()


def torn_checkpoint(scene: Scene) -> None:
    """A checkpoint is torn, or one bit of it: it is refused in one line wherever it is given."""
    _begun(scene)
    path = scene.random.choice(sorted(scene.out.glob("*/checkpoints/*")))
    _damage(scene, path)
    commands = (
        ("run", "--from", str(path), "--epochs", "3", "--out", str(scene.folder / "more")),
        ("predict", "--checkpoint", str(path), "--framework", "reference"),
    )
    done = scene.call(*scene.random.choice(commands))
    scene.expect_told(done, (2,), path.name)
    scene.expect(not (scene.folder / "more").exists(), "a run was begun")
    scene.expect_settled()


def torn_cache_entry(scene: Scene) -> None:
    """A decoded data set in the cache is torn, changed or gone: it is made anew, figures equal."""
    _begun(scene)
    files = [path for path in sorted(scene.cache.rglob("*")) if path.is_file()]
    for path in scene.random.sample(files, scene.random.randint(1, len(files))):
        if scene.random.random() < 0.2:
            path.unlink()
        else:
            _damage(scene, path)
    scene.out = scene.folder / "again"
    _begun(scene)
    scene.expect_undisturbed()
    scene.expect_settled()


def torn_certificate(scene: Scene) -> None:
    """A certificate in the cache is torn: the framework is examined anew."""
    verify = ("verify", "--frameworks", "reference", "--optimizers", "sgd", "--threads", "1")
    verify = (*verify, "--devices", "cpu", "--batch-size", "4")
    scene.expect_told(scene.call(*verify), (0,))
    for path in scene.cache.glob("certificates/*"):
        _damage(scene, path, TORN)
    scene.expect_told(scene.call(*verify), (0,))
    scene.expect_settled()


def torn_state(scene: Scene) -> None:
    """A torn `state.json` of a run that was killed: `watch` and `--resume` pass over it."""
    _begun(scene)
    state = scene.run_folder() / "state.json"
    state.write_bytes(b'{"done": 1, "cells": 4, "cell": "struck-cpu-seed0", "phase": "train"}')
    _damage(scene, state)
    scene.expect_told(scene.call("watch", str(scene.run_folder())), (0,))
    scene.expect_completes()


def torn_log(scene: Scene) -> None:
    """Logs and records of earlier tries are torn or gone: a resumed run needs none of them."""
    scene.strike("raise", how="value")
    done = scene.call(*scene.arguments(), apart=scene.apart)
    scene.expect_told(done, (1,))
    for path in sorted(scene.out.glob("*/logs/*")):
        if scene.random.random() < 0.5:
            path.unlink()
        elif path.stat().st_size:
            _damage(scene, path)
    scene.expect_completes()


KINDS = tuple(
    map(
        Kind,
        (
            *(torn_record, torn_manifest, torn_checkpoint, torn_cache_entry, torn_certificate),
            *(torn_state, torn_log),
        ),
    )
)
