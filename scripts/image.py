#!/usr/bin/env python3
"""Build the image of a tree, under the tag that its release.yaml says.

examples:
  scripts/image.py build                                    the clone that you stand in
  scripts/image.py build staging --repository registry.example.com/mage --push
  scripts/image.py build --load mage                        and load it into the kind cluster `mage`
  DOCKER_BUILD_OPTIONS='--platform linux/amd64' scripts/image.py build     with more options of `docker build`

An image that is there already is not built again.
"""

import sys

from in_venv import in_venv

if __name__ == "__main__":
    with in_venv():
        from promotion.cli.image import main

        sys.exit(main(__doc__ or ""))
