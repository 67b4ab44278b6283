"""The tests of the boundary map."""
