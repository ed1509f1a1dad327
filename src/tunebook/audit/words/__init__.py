"""The words of audits: `columns` and `sentences` are what records are read by, `languages` what an audit says."""
