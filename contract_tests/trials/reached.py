"""Which lines of the mock a run of the suite reaches: a change of any other line shows in no answer."""

import ast
import mmap
from types import FrameType
from typing import Any

from contract_tests.trials.mutations import MOCK, MODULES, Mutation

MOST_LINES = 2_000


class Reached:
    """The lines that were run while `trace` was set with sys.settrace, in this process and in those that it forked."""

    def __init__(self) -> None:
        self._files = {str(MOCK / f"{module}.py"): number for number, module in enumerate(MODULES)}
        self._trees = {module: ast.parse((MOCK / f"{module}.py").read_text("utf-8")) for module in MODULES}
        self._seen = mmap.mmap(-1, len(MODULES) * MOST_LINES)  # shared with what is forked

    def __getstate__(self) -> None:
        """Keep the memory here: an outcome brings its trial back to the process that has it."""

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        """Note the line that is run next."""
        number = self._files.get(frame.f_code.co_filename)
        if number is None:
            return None
        self._seen[number * MOST_LINES + frame.f_lineno] = 1
        return self.trace

    def holds(self, mutation: Mutation) -> bool:
        """Whether the statement that is changed was run; of an `if` or a `for` its head is what counts."""
        lines = range(mutation.line, mutation.line + 1)
        for node in ast.walk(self._trees[mutation.module]):  # the outer before the inner
            if isinstance(node, ast.stmt) and node.lineno <= mutation.line <= (node.end_lineno or node.lineno):
                inner = getattr(node, "body", None)
                lines = range(node.lineno, inner[0].lineno if inner else (node.end_lineno or node.lineno) + 1)
        first = MODULES.index(mutation.module) * MOST_LINES
        return any(self._seen[first + line] for line in lines or (mutation.line,))
