#!/usr/bin/env python3
"""Promote data pipelines from one environment to the next."""

from in_venv import start

if __name__ == "__main__":
    start("promotion.cli.promote")
