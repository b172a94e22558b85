#!/usr/bin/env python3
"""Write the table of all values into charts/mage/README.md."""

from in_venv import start

if __name__ == "__main__":
    start("reference.chart_reference")
