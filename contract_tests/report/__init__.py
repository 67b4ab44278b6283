"""What a run leaves behind: the lines in the terminal, and the pages that later follow."""
