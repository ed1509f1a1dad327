"""The command line as `python -m tunebook`."""

from tunebook.cli.entry import main

if __name__ == "__main__":
    main()
