"""What transport lets through, tells apart, hides and cleans up."""
