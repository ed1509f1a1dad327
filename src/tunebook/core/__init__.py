"""The pure core: values and functions of values. No torch, no files, no network, no clock, no global random state."""
