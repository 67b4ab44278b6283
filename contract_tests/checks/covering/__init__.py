"""The covering plan: rows of values in contexts, sent one after the other, until each pair of levels was tried."""
