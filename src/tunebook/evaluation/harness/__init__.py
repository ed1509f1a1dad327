"""Tasks of evaluation harnesses as metrics. The harnesses are extras, imported when a task is opened."""
