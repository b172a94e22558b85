"""Plain helpers that know nothing about promotions."""
