"""The local runtime: PostgreSQL, Mage and pipelines on this machine, without Docker and without root."""
