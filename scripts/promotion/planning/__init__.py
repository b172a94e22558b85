"""What a promotion would do."""
