"""The files plugin: checksums, text search and sizes, below the configured roots."""

from typing import Annotated

from msgspec import Meta

from hub import TaskContext, command

from .._roots import Filter, Rooted
from .hashing import Algorithm, Hashed, hash_files
from .pattern import Pattern
from .searching import Found, Search, search_files
from .tree import Measured, measure

DAY_S = 86_400

Where = Annotated[
    str,
    Meta(
        title="Path",
        description="Name of a root and the path in it, such as data/2024.",
        min_length=1,
        examples=["data", "data/2024/sales.csv"],
    ),
]
Globs = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=1000)], ...],
    Meta(max_length=100),
]
Include = Annotated[
    Globs,
    Meta(title="Include", description="Only files that fit one of these globs."),
]
Exclude = Annotated[
    Globs,
    Meta(title="Exclude", description="No files or folders that fit one of these."),
]


class Files(Rooted):
    """Checksums, text search and sizes, in folders that the operator opened."""

    version = "1.0"

    @command(timeout=DAY_S, idempotent=True)
    def hash(
        self,
        ctx: TaskContext,
        path: Where,
        algorithm: Annotated[
            Algorithm, Meta(title="Algorithm", description="How to sum up a file.")
        ] = "sha256",
        include: Include = (),
        exclude: Exclude = (),
    ) -> Hashed:
        """Sum up a file, or all files of a folder or glob, one row for each.

        A file that changes while it is read gets no checksum but the state `changed`,
        one that cannot be read the state `unreadable`.
        """
        return hash_files(ctx, self._roots, path, algorithm, Filter(include, exclude))

    @command(timeout=DAY_S, idempotent=True)
    def search(  # noqa: PLR0913  # each one is a field of the form
        self,
        ctx: TaskContext,
        path: Where,
        pattern: Annotated[
            str,
            Meta(
                title="Pattern",
                description="Text to look for, or a regular expression.",
                min_length=1,
                max_length=1000,
            ),
        ],
        *,
        regex: Annotated[
            bool,
            Meta(title="Regex", description="The pattern is a regular expression."),
        ] = False,
        ignore_case: Annotated[
            bool, Meta(title="Ignore case", description="A is a, and Ä is ä.")
        ] = False,
        include: Include = (),
        exclude: Exclude = (),
        limit: Annotated[
            int,
            Meta(title="Limit", description="Matches at most.", ge=1, le=100_000),
        ] = 1000,
        max_bytes: Annotated[
            int,
            Meta(
                title="Largest file",
                description="Larger ones are skipped.",
                ge=1,
                le=2**40,
            ),
        ] = 256 * 1024 * 1024,
    ) -> Found:
        """Find text in a file or a folder: a row with path, line and column for each.

        What is skipped (binary, too large, unreadable) is a row of the channel
        `skipped`.
        """
        search = Search(
            pattern=Pattern(pattern, expression=regex, ignore_case=ignore_case),
            limit=limit,
            max_bytes=max_bytes,
        )
        return search_files(ctx, self._roots, path, search, Filter(include, exclude))

    @command(timeout=DAY_S, idempotent=True)
    def tree(
        self,
        ctx: TaskContext,
        path: Annotated[
            str,
            Meta(
                title="Path", description="A folder in a root; empty for all the roots."
            ),
        ] = "",
        depth: Annotated[
            int,
            Meta(
                title="Depth",
                description="Folders in folders that get rows; deeper is summed up.",
                ge=0,
                le=200,
            ),
        ] = 2,
        exclude: Exclude = (),
    ) -> Measured:
        """Measure a folder: files, folders and bytes, a row for each down to a depth.

        The row of a folder comes after those of what it holds.
        """
        return measure(ctx, self._roots, path, depth, Filter(exclude=exclude))
