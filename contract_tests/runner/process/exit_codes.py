"""What every command exits with: the codes of pytest, as far as they say the same."""

HOLDS, VIOLATED, INCONCLUSIVE, REFUSED = 0, 1, 2, 4
