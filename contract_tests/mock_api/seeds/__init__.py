"""What exists at the start: items, and the answers of operations that belong to no resource."""
