"""How a plan becomes a release, and how a release is audited."""
