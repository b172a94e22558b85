"""What an environment runs in its cluster."""
