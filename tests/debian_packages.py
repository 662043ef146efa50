"""Debian packages that tests use: is one there, and can it be had?

As root on Debian a missing package of the list is installed; elsewhere the caller is
told the line to type.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

LIST = Path(__file__).with_name("debian-packages.txt")


class MissingPackagesError(Exception):
    """A package is not installed, and may not be installed from here."""


def listed() -> list[str]:
    """Name the packages of the list, in its order."""
    lines = (line.partition("#")[0].strip() for line in LIST.read_text().splitlines())
    return [line for line in lines if line]


def is_installed(package: str) -> bool:
    """Tell whether a package, or a program of its name, is on this machine."""
    if shutil.which(package):
        return True
    if not shutil.which("dpkg-query"):
        return False
    query = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return query.stdout == "installed"


def provide(packages: Iterable[str]) -> None:
    """See to it that packages of the list are there.

    All that the list names are fetched at once when one is missing: one run of
    apt-get, not one a package.

    Raises:
        KeyError: A package is asked for that the list does not name.
        MissingPackagesError: One is missing, and this is not root on Debian.
        subprocess.CalledProcessError: apt-get failed.
    """
    wanted = list(packages)
    known = listed()
    for package in wanted:
        if package not in known:
            raise KeyError(f"{package} is not in {LIST.name}")
    if all(map(is_installed, wanted)):
        return
    missing = [package for package in known if not is_installed(package)]
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise MissingPackagesError(f"needs: sudo {' '.join(install)}")
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for line in (["apt-get", "update", "-q"], install):
        subprocess.run(
            line, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
