"""What people and programs see of a plan, a release and a pull request."""
