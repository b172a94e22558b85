#!/usr/bin/env python3
"""Run pipelines on this machine, against a local warehouse."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.run")
