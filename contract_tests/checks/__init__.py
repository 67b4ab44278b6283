"""An exchange goes in, findings come out."""
