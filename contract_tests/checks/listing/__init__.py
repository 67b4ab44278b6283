"""What a list may be asked, and what its pages show."""
