"""Share requests at the hub. `notary` records letters between members and passes them on, `ruling`
is what the region's authority decides, `comparing` finds where members and hub differ, `store`
keeps cases and their events."""

from ortoo_hub.cases.notary import EXPIRED, Notary, expire
from ortoo_hub.cases.store import events_of, find, unfiled

__all__ = ["EXPIRED", "Notary", "events_of", "expire", "find", "unfiled"]
