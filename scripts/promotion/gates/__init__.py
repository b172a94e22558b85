"""What may stand in the way of a plan."""
