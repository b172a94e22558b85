"""Preview environments: what a merge would make of an environment, installed for a few hours."""
