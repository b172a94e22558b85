"""How a repository that was made from a template takes the template's next version."""
