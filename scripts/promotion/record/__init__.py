"""The records: `release.yaml` and `evidence.yaml`."""
