"""Plain helpers, which know nothing of promotions."""
