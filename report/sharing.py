"""Takes out of records what tells whose machine they are from, before a report is made of them.

What is taken out gets a number in its place, the same for the same text: `[path 1]`, `[user 1]`,
`[host 1]`. So what was alike stays alike, and what was not is still told apart. What the machine is
(processor, memory, versions) stays: without it figures of speed say nothing.
"""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from bench.results import naming
from bench.results.record import Record
from bench.results.step_profile import Profiles
from bench.workload.datasets.own.npz import names
from report.text import Note, counted, in_words

Kind = Literal["path", "user", "host"]
Commands = Mapping[str, Sequence[str]]

# Text in which a word that is a user's or a host's name is taken out. Other fields, such as that of
# the framework, hold names of this program's, which a user may be called like.
FREE = frozenset(
    (
        *("reason", "left_out", "warnings", "data_notes", "checkpoint_error", "variables", "env"),
        *("dataset", "run", "resumed_from", "checkpoints", "source", "title", "recipe", "kernel"),
        *("overridden", "versions", "class_names", "case", "where", "argument", "problem", "cpu"),
    )
)
# Values in which a text with a slash is a path, also one that does not begin at the root.
ARGUMENTS = frozenset(("variables", "env", "argument", "data_root"))
CHECKPOINTS = frozenset(("checkpoints", "resumed_from"))  # named after their data
PARTS = ("identity", "settings", "run_settings", "status", "weights", "environment", "provenance")
COMMON = ("settings", "run_settings", "machine", "certificate")  # which many records share
NAMES_USER = ("USER", "LOGNAME", "USERNAME")
NAMES_HOST = ("HOSTNAME", "HOST", "COMPUTERNAME")
NOBODY = frozenset(("", "root", "user", "users", "shared", "public", "localhost", "home"))

_OWN = re.compile(r"^(?:npz|folder):(?P<path>.+)$", re.DOTALL)
_QUOTED = re.compile(r"(?P<quote>[\"'`])(?P<path>(?:~|/|[A-Za-z]:[\\/]|\\\\)[^\"'`\n]*?)(?P=quote)")
_PLACE = re.compile(
    r"(?P<url>[A-Za-z][\w+.-]*://[^\s\"'<>]+)"
    r"|(?P<mail>[\w.+-]+@[\w-]*[A-Za-z][\w.-]*)"
    r"|(?P<windows>(?<![A-Za-z0-9])[A-Za-z]:[\\/][^\s\"'<>|,;]*|\\\\[^\s\"'<>|,;]+)"
    r"|(?P<path>(?<![\w/.)\]<~-])(?:~[\w.-]*)?/(?![\s/])[^\s\"'`<>|,;:]*)"
    r"|(?P<relative>(?<![\w/])(?:\.{1,2}/)*[\w.@+-]+(?:/[\w.@+-]+){2,}"
    r"|(?<![\w/])\.{1,2}/[\w.@+/-]+"
    r"|(?<![\w/])[\w.@+-]+/[\w@+-]+\.[A-Za-z]\w*)"
    r"|(?P<address>(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]))"
)
_TOKEN = re.compile(r"[^\s=,;:]*[/\\][^\s=,;:]*")
_HOME = re.compile(r"(?:/home/|/Users/|[A-Za-z]:[\\/]Users[\\/]|~)(?P<user>[^/\\\n\"'`:;,<>]+)")
_MACHINE_ID = re.compile(
    r"(?<![0-9a-f])(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f])"
)


class Stripper:
    """Takes identities out of records, and keeps count of what it took.

    All that is to be reported together goes through `learn` first: a user's name that one text
    tells of is then taken out of all.
    """

    def __init__(self, users: Iterable[str] = (), hosts: Iterable[str] = ()) -> None:
        self._numbers: dict[tuple[Kind, str], int] = {}
        self._words: dict[str, Kind] = {}
        self._pattern: re.Pattern[str] | None = None
        self._done: dict[int, tuple[object, object]] = {}  # with what was given, so that it stays
        self._titles: dict[str, str] = {}  # of checkpoints, to the data that they are of
        self._logs = 0
        for name in users:
            self._know("user", name)
        for name in hosts:
            self._know("host", name)

    @classmethod
    def of_this_machine(cls) -> Stripper:
        """One that knows who uses this machine, and how it is called."""
        users = [Path.home().name]
        with suppress(OSError, KeyError):  # of a user without a name
            users.append(getpass.getuser())
        return cls(users, [socket.gethostname()])

    def learn(
        self,
        records: Iterable[Record],
        commands: Commands | None = None,
        profiles: Iterable[Profiles] = (),
    ) -> None:
        """Find the names of users and hosts that texts tell of."""
        seen: set[int] = set()
        for several in profiles:
            self._learn_from(several, seen)
        for record in records:
            self._learn_of_data(record.settings.dataset)
            for name in PARTS:
                self._learn_from(getattr(record, name), seen)
            self._learn_from(record.status.log_tail, seen)
            for name, value in record.environment.variables.items():
                if name in NAMES_USER:
                    self._know("user", value)
                if name in NAMES_HOST:
                    self._know("host", value)
        for arguments in (commands or {}).values():
            self._learn_from(list(arguments), seen)

    def record(self, record: Record) -> Record:
        """The record without identities."""
        changed = {name: self._without(getattr(record, name), name) for name in PARTS}
        names = self._without(record.learning.class_names, "class_names")
        changed["learning"] = record.learning.model_copy(update={"class_names": names})
        return record.model_copy(update=changed)

    def profiles(self, several: Profiles) -> Profiles:
        """Profiles of one call without identities."""
        return several.model_copy(
            update={
                "command": tuple(self.text(one, "argument") for one in several.command),
                "profiles": tuple(self._changed(one) for one in several.profiles),
            }
        )

    def commands(self, commands: Commands) -> dict[str, tuple[str, ...]]:
        """What was typed, by the names of runs."""
        return {
            self.text(run, "run"): tuple(self.text(one, "argument") for one in arguments)
            for run, arguments in commands.items()
        }

    def problems(self, problems: Iterable[tuple[Path, str]]) -> list[tuple[Path, str]]:
        """Files that could not be read: where they lay is taken out."""
        return [
            (Path(self._put("path", str(path))), self.text(reason, "problem"))
            for path, reason in problems
        ]

    def text(self, text: str, field: str) -> str:
        """The text of a field without identities."""
        if own := _OWN.match(text):
            return text[: own.start("path")] + self._put("path", own["path"])
        if field in CHECKPOINTS:
            title, _, rest = text.partition("_")
            if path := self._titles.get(title):
                text = f"{self._put('path', path)}_{rest}"
        text = _QUOTED.sub(
            lambda one: f"{one['quote']}{self._put('path', one['path'])}{one['quote']}", text
        )
        text = _PLACE.sub(self._place, text)
        if field in ARGUMENTS:
            text = _TOKEN.sub(lambda one: self._put("path", one[0]), text)
        if field in FREE:
            text = _MACHINE_ID.sub(lambda one: self._put("host", one[0]), text)
            if self._words:
                text = self._names().sub(self._word, text)
        return text

    @property
    def said(self) -> Note:
        """What was taken out, in a sentence."""
        counts: dict[Kind, int] = {"host": 0, "user": 0, "path": 0}
        for kind, _ in self._numbers:
            counts[kind] += 1
        nouns: dict[Kind, str] = {"host": "host name", "user": "user name", "path": "path"}
        parts = [counted(count, nouns[kind]) for kind, count in counts.items() if count]
        if self._logs:
            parts.append(f"{counted(self._logs, 'end')} of logs")
        found = in_words(parts) if parts else "nothing, since there was nothing of the kind"
        return (
            f"Taken out for sharing: {found}. A number in square brackets stands for each; hashes "
            "of hosts and addresses count as names. Processor, memory and versions are there.",
        )

    def _know(self, kind: Kind, name: str) -> None:
        name = name.strip()
        for one in (name, name.partition(".")[0]) if kind == "host" else (name,):
            if one.casefold() not in NOBODY and one.casefold() not in self._words and len(one) > 1:
                self._words[one.casefold()] = kind
                self._pattern = None

    def _learn_of_data(self, dataset: str) -> None:
        """Of a person's own file or folder: its name, and what its checkpoints are called by it."""
        if own := _OWN.match(dataset):
            self._titles[naming.title(dataset)] = own["path"]
            file = Path(names.parted(own["path"])[0])
            if file.suffix == ".npz":  # a folder's name may be any word
                self._know("path", file.name)

    def _learn_from(self, value: object, seen: set[int]) -> None:
        if isinstance(value, str | Path):
            for home in _HOME.finditer(str(value)):
                self._know("user", home["user"])
            for place in _PLACE.finditer(str(value)):
                if place["mail"]:
                    user, _, host = place["mail"].partition("@")
                    self._know("user", user)
                    self._know("host", host.rstrip(".:"))
                if place["url"] and (host := _host_of(place["url"])):
                    self._know("host", host)
            return
        for _, one in _members(value, seen):
            self._learn_from(one, seen)

    def _without(self, value: Any, field: str) -> Any:
        if isinstance(value, str):
            if field == "host":
                return self._put("host", value)
            if field == "log_tail":
                self._logs += 1
                return None
            return value if field in ("png", "run_id") else self.text(value, field)
        if isinstance(value, Path):
            return Path(self._put("path", str(value)))
        if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
            if field not in COMMON:
                return self._changed(value)
            if id(value) not in self._done:
                self._done[id(value)] = value, self._changed(value)
            return self._done[id(value)][1]
        if isinstance(value, dict):
            return {
                self.text(k, "name") if isinstance(k, str) else k: self._without(v, field)
                for k, v in value.items()
            }
        if isinstance(value, list | tuple) and value and not isinstance(value[0], int | float):
            return type(value)(self._without(one, field) for one in value)
        return value

    def _changed(self, value: Any) -> Any:
        """A model or dataclass with other values where something was taken out."""
        changed = {}
        for name, one in _members(value, set()):
            new = self._without(one, name)
            if new is not one:
                changed[name] = new
        if isinstance(value, BaseModel):
            return value.model_copy(update=changed) if changed else value
        return replace(value, **changed) if changed else value

    def _place(self, found: re.Match[str]) -> str:
        text = found[0]
        if found["url"]:
            host = _host_of(text)
            return self._put("host", text) if host is not None else text
        if found["mail"] or found["address"]:
            return self._put("host", text)
        bare = text.rstrip(".)]}")
        return self._put("path", bare) + text[len(bare) :]

    def _word(self, found: re.Match[str]) -> str:
        return self._put(self._words[found[0].casefold()], found[0].casefold())

    def _names(self) -> re.Pattern[str]:
        if self._pattern is None:
            words = sorted(self._words, key=len, reverse=True)
            any_of = "|".join(map(re.escape, words))
            self._pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{any_of})(?![A-Za-z0-9])", re.I)
        return self._pattern

    def _put(self, kind: Kind, text: str) -> str:
        """What stands in the place of a text."""
        if re.fullmatch(r"\[(?:path|user|host) \d+\]", text):
            return text
        number = self._numbers.get((kind, text))
        if number is None:
            number = 1 + sum(of == kind for of, _ in self._numbers)
            self._numbers[kind, text] = number
        return f"[{kind} {number}]"


def _host_of(url: str) -> str | None:
    """The host of an address that is no page of the public web: those are sources, and stay."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    name, _, port = host.partition(":")
    if scheme in ("http", "https") and "." in name and not port and not name[-1].isdigit():
        return None
    return name


def _members(value: object, seen: set[int]) -> list[tuple[str, Any]]:
    """What a model, a dataclass or a collection holds, each with its name; of each only once."""
    if isinstance(value, BaseModel):
        if id(value) in seen:
            return []
        seen.add(id(value))
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return [(str(key), one) for key, one in [*value.items(), *((key, key) for key in value)]]
    if isinstance(value, list | tuple):
        return [("", one) for one in value if not isinstance(one, int | float)]
    return []
