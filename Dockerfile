# The one image: web, scheduler, executor pods and hooks run the same code.
# It has no entry point: the chart mounts the programs that start each pod, so a fix there needs no new image.
# `scripts/image.py build` labels it with the digest of its inputs, and gives it the tag that release.yaml names.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
RUN python3 -m venv /opt/mage
COPY requirements.txt /tmp/requirements.txt
# pip compiles byte code: a pod could not, with its read-only file system. So Mage starts in a third of the time.
RUN /opt/mage/bin/pip install --no-cache-dir --disable-pip-version-check --requirement /tmp/requirements.txt
# Remove what no pod reads, a fifth of the image: tests, pip, files for compilers, and the pages of Jupyter's servers.
# Most files of Mage's second frontend, which it copies for a base path, equal those of the first: link to them.
RUN set -eu; \
    /opt/mage/bin/pip uninstall --quiet --yes pip; \
    cd /opt/mage/lib/python3*/site-packages; \
    find . -type d -name tests -prune -exec rm -r {} +; \
    find . -type f \( -name '*.map' -o -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' \
        -o -name '*.pyx' -o -name '*.pxd' \) -delete; \
    rm -r notebook/static jupyterlab/static jupyterlab/staging /opt/mage/share/jupyter/lab \
        /opt/mage/share/jupyter/nbextensions; \
    cd mage_ai/server/frontend_dist_base_path_template; \
    find . -type f | while read -r file; do \
        if cmp -s "$file" "../frontend_dist/$file"; then \
            ln -sfr "../frontend_dist/$file" "$file"; \
        fi; \
    done

FROM ${BASE_IMAGE}
# What changes least comes first, so that a change of a pipeline adds one small layer.
ARG WITH_R=true
RUN if [ "${WITH_R}" = true ]; then \
        apt-get update --quiet && \
        apt-get install --quiet --yes --no-install-recommends r-base-core && \
        apt-get clean && rm -rf /var/lib/apt/lists/*; \
    fi
RUN useradd --uid 10001 --no-create-home --home-dir /tmp/home mage
COPY --from=packages /opt/mage /opt/mage
# The path is the same everywhere, also if the project comes from git: Mage finds triggers by it.
COPY packages /srv/release/packages
COPY mage_project /srv/release/mage_project
# A project with a name of its own also stands where Mage's own image has it: code may name files by that path.
RUN for link in /srv/release/packages/*; do \
        if [ "$(readlink "$link")" = ../mage_project ]; then \
            mkdir -p /home/src && ln -s /srv/release/mage_project "/home/src/${link##*/}"; \
        fi; \
    done
USER 10001
WORKDIR /
ENV PATH=/opt/mage/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MAGE_REPO_PATH=/srv/release/mage_project
CMD ["mage", "start", "/srv/release/mage_project"]
