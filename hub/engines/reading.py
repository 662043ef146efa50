"""Reading: tasks that are found and followed, and the cache that is looked at."""

from abc import abstractmethod

from hub.cache import CacheStatistics
from hub.engines.base import Engine, Found
from hub.engines.shelf import Shelf
from hub.runs import NO_FOLLOWERS, Follower, Mood, Run


class Reading(Engine):
    """The part of a ledger that readers use.

    Args:
        shelf: Where tasks are kept in memory.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def find(self, task_id: str, found: Found) -> None:
        """Look a task up."""
        task = self._shelf.tasks.get(task_id)
        if task is not None:
            found(task)
        else:
            self._fetch(task_id, found)

    @abstractmethod
    def _fetch(self, task_id: str, found: Found) -> None:
        """Look a task up in the store."""

    def follow(self, follower: Follower) -> None:
        """Mark a follower whenever its task has something to read."""
        run = follower.task.run
        if run.followers is NO_FOLLOWERS:
            run.followers = {follower}
        else:
            run.followers.add(follower)
        if run.mood is Mood.QUEUED:
            self._waits(run)

    @abstractmethod
    def _waits(self, run: Run) -> None:
        """Tell the followers of a run that waits about its place."""

    def unfollow(self, follower: Follower) -> None:
        """Stop marking a follower."""
        run = follower.task.run
        if run.followers is not NO_FOLLOWERS:
            run.followers.discard(follower)
            if not run.followers:
                run.followers = NO_FOLLOWERS

    def cached(self, plugin: str | None, command: str | None) -> list[Run]:
        """List the runs in the cache."""
        return [
            run
            for _, run in self._shelf.cache.items()
            if _concerns(run, plugin, command)
        ]

    def clear_cache(self, plugin: str | None, command: str | None) -> int:
        """Drop the cache, or a part of it."""
        return len(
            self._shelf.cache.clear(lambda _, run: _concerns(run, plugin, command))
        )

    def cache_statistics(self) -> CacheStatistics:
        """Return the counters of the cache."""
        return self._shelf.cache.statistics


def _concerns(run: Run, plugin: str | None, command: str | None) -> bool:
    """Whether a run is one of a plugin, and of a command."""
    request = run.request
    return plugin in (None, request.plugin) and command in (None, request.command)
