"""HTTP on the wire: the server, the protocol's limits, bodies, answers that wait, paths and the docs page."""
