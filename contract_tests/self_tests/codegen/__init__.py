"""Self-tests of the generated client."""

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.driven_{each}" for each in ("client", "operation")))
