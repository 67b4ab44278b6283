"""What this repository says about itself: its contract against the page, its mock, its client, its commands."""
