"""Work on data at rest: runs the transforms of `spark_jobs.transforms`, reads no stream."""
