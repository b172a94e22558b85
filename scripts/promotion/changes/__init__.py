"""What would change: the two sides, what is selected of them, and the draft."""
