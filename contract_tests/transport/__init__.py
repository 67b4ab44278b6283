"""Every request of every command passes here: rate limit, write guard, retry, journal, redaction."""
