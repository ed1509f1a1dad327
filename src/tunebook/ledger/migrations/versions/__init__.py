"""One file per schema revision, never changed after its release."""
