"""The image of a tree."""
