# One image for every process of the lab. The command selects the process: `python -m services NAME`,
# `python -m gateway`, `python -m loadgen drive`, `python -m services.dataset`, and
# `python -m services.first_start`, which runs before all others.

FROM python:3.14-slim AS packages
COPY requirements/services.txt /
RUN python -m venv --without-pip /opt/lab \
 && pip --python /opt/lab/bin/python install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement /services.txt

FROM python:3.14-slim
RUN groupadd --gid 10001 lab \
 && useradd --uid 10001 --gid lab --no-create-home --shell /usr/sbin/nologin lab \
    # A volume that is mounted here inherits the owner of the folder.
 && install --directory --owner lab --group lab \
        /var/log/lab /secrets/database /secrets/grafana /secrets/pagination
COPY --from=packages /opt/lab /opt/lab
ENV PATH=/opt/lab/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/lab
COPY services services
COPY gateway gateway
COPY loadgen loadgen
# Compile now: at run time this folder is read-only.
RUN python -m compileall -q .
USER lab
CMD ["python", "-m", "gateway"]
