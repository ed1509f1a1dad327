"""The pure core: values in, values out. No torch, no files, no network, no clock, no global random state."""
