# The one image: web, scheduler, executor pods and hooks run the same code. The chart mounts how they start.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS packages
RUN python3 -m venv /opt/mage
COPY requirements.txt /tmp/requirements.txt
# pip compiles byte code, which a read-only root file system could not do later: Mage starts in a third of the time.
RUN /opt/mage/bin/pip install --no-cache-dir --disable-pip-version-check --requirement /tmp/requirements.txt

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --no-create-home --home-dir /tmp/home mage
COPY --from=packages /opt/mage /opt/mage
# The path is the same everywhere, also where the project comes from git: Mage keys triggers by it.
COPY mage_project /srv/release/mage_project
USER 10001
WORKDIR /
ENV PATH=/opt/mage/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MAGE_REPO_PATH=/srv/release/mage_project
CMD ["mage", "start", "/srv/release/mage_project"]
