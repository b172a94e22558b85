"""Git: what is read from a clone and its remote, and the one write."""
