"""Listing items: pages, orders, filters, and that a list shows the same as reading each item."""
