"""Triggers as a Mage project or a running Mage has them, and the schedules that they become."""
