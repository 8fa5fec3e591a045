"""Threads shared by many who each need their jobs done one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

_T = TypeVar("_T")


class Workers:
    """A few threads; `queue` gives each user an order of its own. Used from any thread."""

    def __init__(self, *, threads: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="link-store")

    def queue(self) -> JobQueue:
        return JobQueue(self._pool)

    def close(self) -> None:
        """Once what is queued is done."""
        self._pool.shutdown(wait=False)


class JobQueue:
    """One job at a time, in order; other queues' jobs come in between."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._lock = Lock()
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._busy = False

    def submit(self, job: Callable[[], _T]) -> Future[_T]:
        """Raises RuntimeError once the workers are closed."""
        done: Future[_T] = Future()
        with self._lock:
            self._jobs.append((done, job))
            if self._busy:
                return done
            self._busy = True
        self._pool.submit(self._do_one)
        return done

    def _do_one(self) -> None:
        with self._lock:
            done, job = self._jobs.popleft()
        if done.set_running_or_notify_cancel():
            try:
                done.set_result(job())
            except BaseException as error:
                done.set_exception(error)
        with self._lock:
            self._busy = bool(self._jobs)
            if not self._busy:
                return
        self._pool.submit(self._do_one)
