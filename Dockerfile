# The training container: `docker run IMAGE` is `predictive-autoscaler retrain`. The settings come
# from environment variables, the same as the controller's; credentials from the role it runs under.
# scripts/build_image.sh builds it and tries it out; docs/retraining.md tells how to schedule it.

# By digest, so that the same commit is built on the same base. To renew it:
# docker buildx imagetools inspect python:3.13-slim
ARG BASE=python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${BASE} AS packages
COPY ml-model/requirements.txt /tmp/requirements.txt
# Wheels only: nothing is compiled, and no package's own code runs while it is built.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check \
       --require-hashes --only-binary :all: --requirement /tmp/requirements.txt

FROM ${BASE}
COPY --from=packages /venv /venv
COPY src/predictive_autoscaler /app/predictive_autoscaler
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Nobody in particular: it needs no home, and writes to /tmp at most.
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["python", "-m", "predictive_autoscaler", "retrain"]
