"""A long build, streamed: a plugin that runs programs, and a program that looks on.

Put this file into a folder of plugins, and start the hub with it:

    mkdir mine && cp examples/long_build.py mine
    taskhub serve --plugins mine

Then start a build, interrupt the program, and look on again; the build does not mind:

    python examples/long_build.py hub
    python examples/long_build.py --attach TASK
"""

import argparse
import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from hub import Hub, Plugin, TaskContext, TaskError, command


class LongBuild(Plugin):
    """Builds archives of Python packages."""

    version = "1.0"

    class Config(Struct):
        """Settings of the plugin.

        Attributes:
            root: The folder whose packages may be built.
        """

        root: str = "."

    @command(timeout=3600)
    async def archive(self, ctx: TaskContext, package: str) -> dict[str, object]:
        """Compile every module of a package, then pack it."""
        source, modules = await asyncio.to_thread(self._source, package)
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "package.zip"
            compile_all = ("-m", "compileall", "-f", str(source))
            await step(ctx, compile_all, folder, expected=modules)
            await step(ctx, ("-m", "zipfile", "-c", str(target), str(source)), folder)
            size = await asyncio.to_thread(os.path.getsize, target)
        return {"modules": modules, "bytes": size}

    def _source(self, package: str) -> tuple[Path, int]:
        """Return the folder of a package, and how many modules it has."""
        root = Path(self.config.root).resolve()
        source = (root / package).resolve()
        if not source.is_relative_to(root) or not source.is_dir():
            raise TaskError(f"There is no package {package!r}", code="no_package")
        return source, len(list(source.rglob("*.py")))


async def step(
    ctx: TaskContext, arguments: tuple[str, ...], folder: str, expected: int = 0
) -> None:
    """Run Python; each line that it prints is a chunk.

    Args:
        ctx: Where to report.
        arguments: What Python runs.
        folder: Where bytecode is kept, so that the source stays as it is.
        expected: How many lines there will be, as far as that is known.
    """
    ctx.log(f"python {' '.join(arguments)}")
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, stderr=STDOUT, env=environ
    )
    assert process.stdout is not None
    try:
        count = 0
        async for line in process.stdout:
            count += 1
            await ctx.chunk(line.decode(errors="replace"), kind="ansi")
            if expected:
                ctx.progress(min(count / expected, 1.0), step=count, total=expected)
        if await process.wait() != 0:
            raise TaskError(f"The step ended with code {process.returncode}")
    finally:
        # The task was cancelled: what it started ends with it.
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def main() -> None:
    """Start a build, or look on; show it until it ends."""
    parser = argparse.ArgumentParser(description="Build an archive of a package.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("package", nargs="?")
    what.add_argument("--attach", metavar="TASK", help="look on at a build")
    chosen = parser.parse_args()
    with Hub() as hub:
        if chosen.attach:
            task = hub.attach(chosen.attach)
        else:
            task = hub.execute("long_build.archive", package=chosen.package)
        print(f"the build is task {task.id}")
        print(task.show().result)


if __name__ == "__main__":
    main()
