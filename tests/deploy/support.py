# SPDX-License-Identifier: MIT
"""What the checks of packaging and deployment share: counting, skipping, planting errors in a copy."""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from system.checks import Checks, run_test, skip_all  # noqa: E402,F401
from system.processes import Failure  # noqa: E402


def command(arguments: list[str], *, cwd=None, environment: dict[str, str] | None = None, seconds: float = 600, stdin: str = "") -> tuple[int, str]:
    """Exit code and output, both streams as they came."""
    try:
        done = subprocess.run([str(word) for word in arguments], cwd=cwd, env=os.environ | (environment or {}), timeout=seconds, check=False,
                              input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    except subprocess.TimeoutExpired as slow:
        raise Failure(f"{arguments[0]} did not end within {seconds:g} s: {slow.output!r}") from slow
    return done.returncode, done.stdout


def need(arguments: list[str], **options) -> str:
    """The output of a command that must end with 0."""
    code, output = command(arguments, **options)
    if code != 0:
        raise Failure(f"{' '.join(str(word) for word in arguments)} ended with {code}:\n{output[-6000:]}")
    return output


def copy_tree(to: pathlib.Path, names: list[str]) -> pathlib.Path:
    """A copy of files and folders of the repository, in which errors can be planted."""
    for name in names:
        source, target = ROOT / name, to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    return to


def replace_in(path: pathlib.Path, old: str, new: str):
    """Plants an error; fails if the text to change is not there, so that no plant is empty."""
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise Failure(f"{path.name}: nothing to plant an error in, '{old}' is not there")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def run(test) -> None:
    run_test(test, Checks())
