"""How a release gets from its branch into the cluster: what would change, the installation, and the way back."""
