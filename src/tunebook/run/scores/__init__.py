"""From a trial's answers to its scores: in the worker, or beside the training where a metric asks a service."""
