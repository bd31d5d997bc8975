"""A department's system publishes what changed in it: rows, whole, and keys of those that are gone.

    python publish_rows.py https://10.15.7.4:8443 TOKEN 307001/000001 rows.json

`rows.json`: {"upserts": [{column: value, …}, …], "deletes": [{key column: value, …}, …]}.
"""

import json
import sys
from pathlib import Path

from ortoo_node.client import Client, Refused, calls


def main(station: str, token: str, resource: str, file: str) -> int:
    given = json.loads(Path(file).read_text())
    with Client(station, token) as ortoo:
        try:
            pushed = ortoo.send(calls.push(resource, given["upserts"], given["deletes"]))
        except Refused as refused:
            print(refused, file=sys.stderr)
            return 1
    print(f"accepted {pushed.accepted}, rejected {pushed.rejected}")
    for wrong in pushed.rejects:
        print(f"  row {wrong.row}: {wrong.detail}", file=sys.stderr)
    return 1 if pushed.rejected else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
