"""What may refuse a plan."""
