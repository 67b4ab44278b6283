"""The reports: what a run gathers, prints and leaves behind."""
