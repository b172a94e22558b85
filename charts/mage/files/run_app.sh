#!/bin/sh
# Mage's executor starts each Job with this path, followed by a command.
exec python3 -m mage_pod.block "$@"
