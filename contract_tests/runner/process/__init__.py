"""How a command begins and ends: signals, output that never fails, the last line and the exit code."""
