"""What is typed of releases and packages, and what of it is refused or left out."""

from __future__ import annotations

import pytest

from bench.errors import UnknownNameError, UsageError
from bench.gate.releases import packages, versions

RELEASED = (
    *("2.8.0", "2.9.0", "2.9.1", "2.10.0", "2.11.0", "2.12.0", "2.13.0+cpu", "2.13.0"),
    *("2.14.0rc1", "0.9.0.1"),
)


@pytest.mark.parametrize(
    ("text", "chosen", "left_out"),
    [
        ("2.9..2.11", ("2.9.0", "2.9.1", "2.10.0", "2.11.0"), ()),
        ("2.9.1..2.10", ("2.9.1", "2.10.0"), ()),
        ("2.9..2.14", ("2.9.0", "2.9.1", "2.10.0", "2.11.0", "2.12.0", "2.13.0"), ()),
        ("2.12..", ("2.12.0", "2.13.0"), ()),
        ("..2.8", ("0.9.0.1", "2.8.0"), ()),
        ("2.12, 2.8", ("2.8.0", "2.12.0"), ()),
        ("2.9", ("2.9.0",), ()),
        ("2", ("2.13.0",), ()),
        ("2.9.0..2.9", ("2.9.0", "2.9.1"), ()),
        ("2.14.0rc1,2.13", ("2.13.0", "2.14.0rc1"), ()),
        ("2.13..2.14.0rc1", ("2.13.0", "2.14.0rc1"), ()),
        ("2.12..2.15", ("2.12.0", "2.13.0"), ("2.15",)),
        ("2.9.7,2.10,3.1..3.2", ("2.10.0",), ("2.9.7", "3.1", "3.2")),
        ("0.9..0.9.0", ("0.9.0.1",), ()),
    ],
)
def test_what_is_chosen(text, chosen, left_out):
    found = versions.choose(text, RELEASED)
    assert found.versions == chosen
    assert found.left_out == left_out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("2.14..2.9", "goes backwards: give the earlier one first, 2.9..2.14"),
        ("..", "names no version"),
        ("latest", "'latest' is no version"),
        ("2.9...2.11", "no version"),
        ("2.9-2.11", "no version"),
        ("", "is empty"),
        (",", "is empty"),
    ],
)
def test_what_cannot_be_read(text, complaint):
    with pytest.raises(UsageError) as refused:
        versions.check(text)
    assert complaint in str(refused.value)


def test_nothing_within_a_range():
    with pytest.raises(UsageError, match=r"no release .* within '3\.\.4'"):
        versions.choose("3..4", RELEASED)
    with pytest.raises(UsageError, match="no release"):
        versions.choose("3..4", ())


# Packages


@pytest.mark.parametrize(
    ("name", "asked", "measured", "others"),
    [
        ("torch", None, ("torch",), ()),
        ("torch", ("torch", "torch:compile"), ("torch", "torch:compile"), ()),
        ("torch", ("keras:torch",), ("keras:torch",), ("keras",)),
        ("keras", None, ("keras",), ("tensorflow",)),
        ("tensorflow", None, ("keras",), ("keras",)),
        ("tensorflow-cpu", None, ("keras",), ("keras",)),
        ("jax", None, ("flax",), ("optax", "flax")),
        ("jax", ("equinox",), ("equinox",), ("optax", "equinox")),
        ("equinox", None, ("equinox",), ("jax", "optax")),
    ],
)
def test_the_frameworks_of_a_package(name, asked, measured, others, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = packages.subject(name, asked)
    assert found.frameworks == measured
    assert tuple(one.name for one in found.others) == others


def test_packages_that_no_framework_is_made_of():
    with pytest.raises(UnknownNameError, match=r"package of a framework 'juliacall'.*torch"):
        packages.subject("juliacall", None)
    with pytest.raises(UnknownNameError, match="did you mean 'torch'"):
        packages.subject("pytorch", None)
    with pytest.raises(UsageError, match=r"flax is not made of torch, but of jax, optax, flax"):
        packages.subject("torch", ("flax",))
    for held, said in {
        "flax": "names no version",
        "jax==0.8": "is the package whose releases are compared",
        "flax=0.12": "cannot be read",
    }.items():
        with pytest.raises(UsageError, match=said):
            packages.subject("jax", None, (held,))
    assert packages.subject("jax", None, ("flax == 0.12.0",)).held == ("flax==0.12.0",)
    with pytest.raises(UnknownNameError, match="unknown framework 'floox'"):
        packages.subject("torch", ("floox",))
