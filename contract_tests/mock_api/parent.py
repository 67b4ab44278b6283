"""Ends a process with the one that has started it, also when that one is killed and cannot say so."""

import os
import threading
import time

LOOK_SECONDS = 0.25


def end_with_parent(parent: int) -> None:
    """
    End this process at once when its parent has ended.

    Args:
        parent: The parent's process id, as the parent itself has named it: it may have ended already.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(0)  # nothing is kept that would have to be put away
