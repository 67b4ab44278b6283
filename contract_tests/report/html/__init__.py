"""The pages of the reports, drawn from their records."""
