"""python -m ortoo_hub: the same as the program ortoo-hub."""

from ortoo_hub.cli import main

if __name__ == "__main__":
    main()
