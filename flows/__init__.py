"""Thin Prefect shells around `pipeline.jobs`: schedule, retries, logs and artifacts."""
