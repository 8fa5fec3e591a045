import threading
from concurrent.futures import Future

import pytest

from edge.link.workers import Workers


def test_the_jobs_of_one_queue_run_one_at_a_time_in_order() -> None:
    workers = Workers(threads=4)
    queue = workers.queue()
    done: list[int] = []
    running = threading.Semaphore(1)

    def job(n: int) -> int:
        assert running.acquire(blocking=False)
        done.append(n)
        running.release()
        return n

    futures = [queue.submit(lambda n=n: job(n)) for n in range(200)]  # type: ignore[misc]
    assert [future.result(10) for future in futures] == list(range(200))
    assert done == list(range(200))
    workers.close()


def test_a_queue_that_waits_holds_no_other_up() -> None:
    workers = Workers(threads=2)
    slow, fast = workers.queue(), workers.queue()
    gate = threading.Event()
    waiting = slow.submit(gate.wait)
    behind = slow.submit(lambda: "behind")
    assert fast.submit(lambda: "fast").result(10) == "fast"
    assert not behind.done()
    gate.set()
    assert waiting.result(10)
    assert behind.result(10) == "behind"
    workers.close()


def test_many_queues_share_few_threads_in_turn() -> None:
    workers = Workers(threads=1)
    queues = [workers.queue() for _ in range(50)]
    names: list[Future[str]] = [q.submit(lambda: threading.current_thread().name) for q in queues for _ in range(3)]
    assert len({name.result(10) for name in names}) == 1
    workers.close()


def test_a_job_that_raises_tells_its_caller_and_the_next_one_runs() -> None:
    workers = Workers(threads=1)
    queue = workers.queue()

    def fail() -> None:
        raise KeyError("no")

    failed, after = queue.submit(fail), queue.submit(lambda: 1)
    with pytest.raises(KeyError):
        failed.result(10)
    assert after.result(10) == 1
    workers.close()
    with pytest.raises(RuntimeError):
        queue.submit(lambda: 2)
