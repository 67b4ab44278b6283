"""Reading an answer, and telling whether it is the API's own."""
