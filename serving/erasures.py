"""Erasures that somebody has asked for: they may outlast a request, and are told to who asks again.

Who asks again may meet another process of this machine, so what was done is noted in a file for
a while. The file is named by the person's keyed hash and holds numbers and names of files.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from serving.erasing import Erased

KEPT_S = 300.0
"""How long after its end what an erasure did is told to whoever asks again."""
_THREADS = 2


class Erasures:
    """One erasure at a time, among all processes of this machine.

    Parameters
    ----------
    folder : for the notes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, asyncio.Future[Erased]] = {}
        self._lately: dict[str, tuple[float, Erased]] = {}
        # Of its own: an erasure waits for others, and must not keep threads from requests.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="erase")

    async def of(
        self,
        subject: str,
        run: Callable[[], Erased],
        came_back: Callable[[], bool],
        seconds: float,
    ) -> Erased | None:
        """Return what an erasure did; None where it goes on after `seconds`.

        Parameters
        ----------
        subject : keyed hash of the customer that was asked for.
        run : erases; it is called in another thread.
        came_back : tells whether anything is known of the person; what was done before they came
            back is only a part of the answer then.

        Raises
        ------
        NbaError : what `run` or `came_back` raises.
        """
        running = self._running.get(subject)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, self._erase, subject, run, came_back)
            self._running[subject] = running
            running.add_done_callback(lambda ended: self._end(subject, ended))
        done, _ = await asyncio.wait([running], timeout=seconds)
        if not done:
            return None
        return running.result()

    def _end(self, subject: str, ended: asyncio.Future[Erased]) -> None:
        del self._running[subject]
        if not ended.cancelled():
            # Who asks next begins anew; nobody may be there to be told of an error.
            ended.exception()

    def _erase(
        self, subject: str, run: Callable[[], Erased], came_back: Callable[[], bool]
    ) -> Erased:
        with self._alone():
            earlier = self._noted(subject)
            if earlier is not None and not came_back():
                return earlier
            done = run() if earlier is None else run().after(earlier)
            self._lately[subject] = monotonic(), done
            note = {"ended": monotonic(), "rows": done.rows, "left": done.left}
            self._note(subject).write_text(json.dumps(note), encoding="utf-8")
            return done

    def _noted(self, subject: str) -> Erased | None:
        """Return what was done lately; what is too old is thrown away."""
        for name in [one for one, (at, _) in self._lately.items() if _is_old(at)]:
            del self._lately[name]
        found = None
        for path in self._folder.glob("*.json"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                note = json.loads(path.read_text(encoding="utf-8"))
                if _is_old(float(note["ended"])):
                    path.unlink()
                elif path == self._note(subject):
                    # Only this process can know which other ids the person had.
                    _, known = self._lately.get(subject, (0.0, Erased(())))
                    found = Erased(known.customer_ids, dict(note["rows"]), tuple(note["left"]))
        return found

    def _note(self, subject: str) -> Path:
        return self._folder / f"{subject}.json"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_old(ended: float) -> bool:
    """Tell whether a moment is too long ago, or of another run of the machine."""
    return not 0.0 <= monotonic() - ended <= KEPT_S
