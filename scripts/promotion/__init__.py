"""Promotion of data pipelines between environments, recorded in git.

People edit `main`. An *environment* (dev, staging, prod) is a folder `environments/<env>/` on `main`, its
configuration, and a branch `env/<env>`, its *releases*: one commit each, numbered, appended, never forced.
A pipeline's *closure* is every file that it needs, its *digest* the SHA-256 over that closure. A *plan* says
what a promotion would do and is exactly what *apply* executes, after its *gates* (static checks, smoke
tests) said yes; what they said, and for which digests, is the *evidence* in the release's `release.yaml`.
"""
