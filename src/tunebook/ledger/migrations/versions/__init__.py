"""One file a schema revision, never changed after its release."""
