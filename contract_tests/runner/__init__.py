"""The commands: configuration, preflight, plan, selection, exit codes."""
