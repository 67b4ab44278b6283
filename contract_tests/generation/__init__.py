"""A schema goes in, values to send come out; knows no HTTP."""
