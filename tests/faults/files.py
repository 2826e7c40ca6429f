"""Hostile files of our own kinds: records, manifests, checkpoints, recipes, certificates."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

from tests.faults.campaign import Kind
from tests.faults.scene import Scene, content_hash

DEEP = 100_000
HEAD = 'title = "Mine"\nsource = "here"\ndatasets = ["digits"]\n'


def _begun(scene: Scene) -> None:
    scene.expect_told(scene.call(*scene.arguments()), (0,))


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in a document of JSON."""
    found = [path] if path else []
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for key, value in items:
        found += _places(value, (*path, key))
    return found


def _replaced(text: bytes, place: tuple[Any, ...], by: str) -> bytes:
    """The document with the text of JSON, or what is none, in a place."""
    document = json.loads(text)
    within = document
    for key in place[:-1]:
        within = within[key]
    within[place[-1]] = "@@here@@"
    return json.dumps(document).replace('"@@here@@"', by).encode("utf-8", "surrogatepass")


HOSTILE_VALUES = (
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    "9" * 5_000,
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "1" + "0" * 400,
    "-0",
    '"\\ud800"',
    '"\\u0000"',
    '"' + "x" * 5_000_000 + '"',
    "[" + ",".join(["0"] * 500_000) + "]",
    "null",
    "true",
    "{}",
    "[]",
    '"text"',
    "18446744073709551616",
    '{"__class__": "os.system"}',
)


def hostile_record(scene: Scene) -> None:
    """A record with deep nesting, huge numbers, NaN, half characters: named, the others shown."""
    _begun(scene)
    path = scene.random.choice(sorted(scene.out.glob("*/records/*.json")))
    content = path.read_bytes()
    place = scene.random.choice(_places(json.loads(content)))
    path.write_bytes(_replaced(content, place, scene.random.choice(HOSTILE_VALUES)))
    before = {cell: kept for cell, kept in scene.kept().items() if cell != path.stem}
    commands = (
        ("report", str(scene.out), "--format", "md,csv,json"),
        ("history", str(scene.out)),
        ("compare", str(scene.run_folder()), "--baseline", "reference"),
        ("rerun", str(path), "--out", str(scene.folder / "again"), "--format", "none"),
        ("watch", str(scene.run_folder())),
    )
    done = scene.call(*scene.random.choice(commands))
    scene.expect_told(done, (0, 1, 2))
    scene.expect_told(scene.resume(), (0, 1))
    for cell, kept in before.items():
        scene.expect(scene.kept()[cell] == kept, f"{cell} has changed")
    scene.expect_settled()


def hostile_manifest(scene: Scene) -> None:
    """A `run.json` with any value in any place: refused in one line, or the run is complete."""
    _begun(scene)
    path = scene.run_folder() / "run.json"
    content = path.read_bytes()
    place = scene.random.choice(_places(json.loads(content)))
    path.write_bytes(_replaced(content, place, scene.random.choice(HOSTILE_VALUES)))
    before = scene.kept()
    done = scene.resume("--dry-run")
    scene.expect_told(done, (0, 2))
    scene.expect_told(scene.call("watch", str(scene.run_folder())), (0, 1, 2))
    scene.expect(scene.kept() == before, "records have changed")
    path.write_bytes(content)
    scene.expect_completes()


def _header(content: bytes) -> tuple[Any, bytes]:
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _joined(header: bytes, data: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def hostile_checkpoint(scene: Scene) -> None:
    """A safetensors file with lying lengths, offsets, shapes, deep headers, foreign values."""
    _begun(scene)
    path = scene.random.choice(sorted(scene.out.glob("*/checkpoints/*")))
    header, data = _header(path.read_bytes())
    name = scene.random.choice([one for one in header if one != "__metadata__"])
    tensor = header[name]

    def changed(**values: Any) -> bytes:
        return json.dumps(header | {name: tensor | values}).encode()

    document = json.loads(header["__metadata__"]["lenet_bench"])
    value = scene.random.choice(HOSTILE_VALUES)
    inner = _replaced(
        json.dumps(document).encode(), scene.random.choice(_places(document)), value
    ).decode("utf-8", "replace")
    meta = {"__metadata__": header["__metadata__"] | {"lenet_bench": inner}}
    made: tuple[Callable[[], bytes], ...] = (
        lambda: _joined(json.dumps(header).encode(), data, 2**63),
        lambda: _joined(json.dumps(header).encode(), data, 2**40),
        lambda: _joined(json.dumps(header).encode(), data, 0),
        lambda: _joined(b"[" * DEEP + b"]" * DEEP, data),
        lambda: _joined(changed(shape=[2**40, 2**40]), data),
        lambda: _joined(changed(shape=[-1]), data),
        lambda: _joined(changed(data_offsets=[0, 2**62]), data),
        lambda: _joined(changed(data_offsets=[8, 0]), data),
        lambda: _joined(changed(dtype="F64"), data),
        lambda: _joined(changed(dtype="OBJECT"), data),
        lambda: _joined(json.dumps(header | {"../../x": tensor}).encode(), data),
        lambda: _joined(json.dumps(header).encode() + b"\xff", data),
        lambda: _joined(json.dumps(header | meta).encode("utf-8", "replace"), data),
        lambda: _joined(json.dumps(header | meta).encode("utf-8", "replace"), data),
        lambda: _joined(json.dumps(header).encode(), b"\xff" * len(data)),
        lambda: b"\x80\x04cposix\nsystem\n(S'true'\ntR.",
    )
    path.write_bytes(scene.random.choice(made)())
    more = scene.folder / "more"
    commands = (
        ("run", "--from", str(path), "--epochs", "3", "--out", str(more)),
        ("predict", "--checkpoint", str(path), "--framework", "reference"),
    )
    before = content_hash(scene.out)
    done = scene.call(*scene.random.choice(commands))
    scene.expect_told(done, (2,), path.name)
    scene.expect(not more.exists(), "a run was begun")
    scene.expect(content_hash(scene.out) == before, "files have changed")
    scene.expect_settled()


def hostile_recipe(scene: Scene) -> None:
    """A recipe with deep nesting, huge numbers, foreign types, no UTF-8: one line."""
    texts = (
        f"{HEAD}a = {'[' * 5_000}{']' * 5_000}",
        f"{HEAD}a = {'{b = ' * 5_000}1{'}' * 5_000}",
        f"{HEAD}[{'.'.join('a' * 5_000)}]",
        f"{HEAD}[options]\nepochs = {'9' * 5_000}",
        f"{HEAD}[options]\nepochs = 9223372036854775808000",
        f"{HEAD}[options]\nlr = 1e999",
        f"{HEAD}[options]\nlr = nan",
        f"{HEAD}[options]\nlr = -inf",
        f"{HEAD}[options]\nseeds = [{'1,' * 200_000}]",
        f"{HEAD}[options]\nepochs = 1979-05-27T07:32:00Z",
        f"{HEAD}[options]\ndataset = '\\u001b[2J'",
        f'{HEAD}[options]\nfit = "\\u001b[2J\\nforged: line"',
        f"{HEAD}[options]\nout = '/etc'",
        f"{HEAD}[options]\nepochs = 1\nepochs = 2",
        f"{HEAD}" + '"\\u0000" = 1',
        "title = '" + "x" * 2_000_000,
        "\x00" * 1_000,
        "= = =",
    )
    path = scene.folder / "mine.toml"
    if scene.random.random() < 0.1:
        path.write_bytes(scene.random.randbytes(500))
    else:
        path.write_text(scene.random.choice(texts), encoding="utf-8")
    commands = (("reproduce", str(path), "--out", str(scene.out)), ("show", "recipe", str(path)))
    done = scene.call(*scene.random.choice(commands))
    scene.expect_told(done, (2,), "mine.toml")
    scene.expect("\x1b" not in done.err + done.out, "an escape was printed")
    scene.expect(len(done.err) < 3_000, f"{len(done.err)} characters of complaint")
    scene.expect(not scene.out.exists(), "a run was begun")
    scene.expect_settled()


def foreign_file_for_ours(scene: Scene) -> None:
    """A device, a folder, a huge or binary file stands where one of ours is named: one line."""
    place = scene.folder / "given"
    how = scene.random.choice(("zero", "folder", "binary", "sparse", "absent", "loop"))
    if how == "zero":
        place.symlink_to("/dev/full")
    elif how == "folder":
        place.mkdir()
    elif how == "binary":
        place.write_bytes(scene.random.randbytes(100_000))
    elif how == "loop":
        place.symlink_to(place)
    elif how == "sparse":
        with place.open("wb") as file:
            file.truncate(1 << 40)
    named = str(place)
    commands = (
        ("run", "--resume", named),
        ("run", "--from", named, "--epochs", "3", "--out", str(scene.out)),
        ("predict", "--checkpoint", named),
        ("rerun", named, "--out", str(scene.out)),
        ("watch", named),
        ("compare", named),
        ("data", "show", f"npz:{named}"),
        ("run", "--dataset", f"npz:{named}", "--out", str(scene.out)),
    )
    done = scene.call(*scene.random.choice(commands))
    scene.expect_told(done, (2,))
    scene.expect(not scene.out.exists(), "a run was begun")
    scene.expect_settled()


KINDS = tuple(
    map(
        Kind,
        (
            *(hostile_record, hostile_manifest, hostile_checkpoint, hostile_recipe),
            foreign_file_for_ours,
        ),
    )
)
