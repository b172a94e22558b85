"""How a Mage project that exists elsewhere becomes the project of this repository."""
