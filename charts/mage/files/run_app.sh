#!/bin/sh
# Mage's executor starts each Job with this path and a command behind it.
exec python3 -m mage_pod.block "$@"
