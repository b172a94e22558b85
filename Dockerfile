# The one image: web, scheduler, executor pods and hooks run the same code.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}

COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt && rm /tmp/requirements.txt

# The path is the same everywhere: Mage keys schedules by it.
COPY mage_project /home/mage/mage_project
RUN useradd --create-home --uid 10001 mage
USER 10001
ENV MAGE_REPO_PATH=/home/mage/mage_project
CMD ["mage", "start", "/home/mage/mage_project"]
