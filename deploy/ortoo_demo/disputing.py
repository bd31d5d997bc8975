"""A refused request: negotiated without agreement, coordinated by the hub's people, decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ortoo_demo.checks import check
from ortoo_demo.plane import Plane
from ortoo_demo.sharing import case_of, wait_state
from ortoo_demo.texts import Text

_PEOPLE = ("--handler", "经办人丁", "--approver", "批准人戊")
_NEED = "核对救助对象确需家庭信息"


def coordinated(plane: Plane) -> Text:
    """The decision obliges people and opens nothing; then the applicant asks for less."""
    cast, case = plane.cast, str(plane.notes["refused case"])
    provider, applicant = cast.households.owner.station, cast.asker.station
    plane.cli(applicant, "request", "negotiate", case, "--reason", _NEED, *_PEOPLE)
    _all_hold(plane, case, "negotiating")
    early = ("request", "coordinate", case, "--reason", _NEED, *_PEOPLE)
    found = plane.refused(applicant, *early)
    check(found == "case.early", f"coordination before the negotiation was met with {found}")
    for party, why in ((applicant, _NEED), (provider, "信息项超出核对所需")):
        plane.cli(party, "request", "disagree", case, "--reason", why, *_PEOPLE)
    plane.patience.until(lambda: _said_no(plane, case) == 2, "both sides said no at the hub")
    plane.patience.until(
        lambda: _disagreed(plane.call(applicant, "request.show", case=case)) == 2,
        "the applicant knows that both said no",
    )
    plane.cli(applicant, *early)
    _all_hold(plane, case, "coordinating")
    waiting = plane.cli(cast.hub, "coordination", "list")["cases"]
    check([one["case"] for one in waiting] == [case], f"the authority sees {waiting}")
    plane.cli(cast.hub, "coordination", "decide", case, "--reason", "缩小范围后应当共享", *_PEOPLE)
    _all_hold(plane, case, "decided")
    grants = plane.call(cast.hub, "grant.list")["grants"]
    check(not [one for one in grants if one["case"] == case], "the decision opened a grant")
    withdraw = ("--reason", "已缩小范围，另行申请", "--handler", "经办人丁")
    plane.cli(applicant, "request", "withdraw", case, *withdraw)
    _all_hold(plane, case, "withdrawn")
    for party in (applicant, provider):
        compared = plane.cli(party, "request", "compare")
        check(compared["answered"], f"the hub did not answer {party}")
        check(not compared["differing"], f"{party} and the hub differ: {compared}")
    paper = plane.desk("answer.html")
    plane.cli(applicant, "request", "print", case, str(paper), "--paper", "answer")
    check("协调处理意见书" in paper.read_text(encoding="utf-8"), "the opinion is not in the paper")
    return Text(
        "协商未果后由枢纽协调并决定：三方状态一致，决定本身不开通任何授权；意见书已印出",
        "no agreement, then the hub's people decided: one state at all three, nothing opened by"
        " itself; the opinion is printed",
    )


def _all_hold(plane: Plane, case: str, state: str) -> None:
    cast = plane.cast
    for party in (cast.households.owner.station, cast.asker.station):
        wait_state(plane, party, case, state)
        plane.patience.until(
            lambda p=party: case_of(plane, p, case)["noted_state"] == state,  # type: ignore[misc]
            f"the notary told {party} that {case} is {state}",
        )


def _said_no(plane: Plane, case: str) -> int:
    return _disagreed(plane.cli(plane.cast.hub, "case", "show", case))


def _disagreed(shown: Mapping[str, Any]) -> int:
    return sum(event["event"] == "disagree" for event in shown["events"])
