"""supervise.*, notice.*, report.*: what command lines and consoles ask of hub and station alike."""

from __future__ import annotations

from collections.abc import Mapping

from ortoo_protocol.station.common_methods import Method
from ortoo_protocol.station.station import Station
from ortoo_protocol.station.supervision.methods.leads import LeadMethods
from ortoo_protocol.station.supervision.methods.notices import NoticeMethods
from ortoo_protocol.station.supervision.methods.scores import ScoreMethods
from ortoo_protocol.station.supervision.methods.submissions import SubmissionMethods
from ortoo_protocol.station.supervision.methods.yearly import YearMethods
from ortoo_protocol.station.supervision.port import Sources


def supervision_methods(station: Station, sources: Sources) -> Mapping[str, Method]:
    return {
        **LeadMethods(station, sources).as_mapping(),
        **NoticeMethods(station, sources).as_mapping(),
        **SubmissionMethods(station, sources).as_mapping(),
        **ScoreMethods(station, sources).as_mapping(),
        **YearMethods(station, sources).as_mapping(),
    }
