"""python -m ortoo_node: the same as the program ortoo-node."""

from ortoo_node.cli import main

if __name__ == "__main__":
    main()
