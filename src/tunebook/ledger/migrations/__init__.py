"""The ledger's schema, step by step; applied on opening for writing."""
