"""What programs ask for as JSON, and how it becomes our values. Fields of the same name mean the same everywhere."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from outages.events import (
    Approved,
    Cancelled,
    Closed,
    Event,
    Rejected,
    Restored,
    Staged,
    Submitted,
    SwitchedOff,
    Undone,
)
from outages.facts import (
    MOST_WINDOWS,
    Estimate,
    FactProblem,
    FactsError,
    OutageFacts,
    Selection,
    Switching,
    Timed,
    Window,
    daily_windows,
    switching_from_json,
)

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Outside these years a time is a slip of the pen, and clocks of zones are not known."""

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _only_text(value: Any) -> Any:
    """Take no number for a time, written as text or not: nobody means seconds since 1970."""
    if not (isinstance(value, str) and _DATE.match(value)):
        raise ValueError("a time is written as text, as in 2026-05-02T08:30:00+08:00")
    return value


def _sensible(day: Any) -> Any:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year {day.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return day.astimezone(UTC) if isinstance(day, datetime) else day


Moment = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_sensible)]
Day = Annotated[date, BeforeValidator(_only_text), AfterValidator(_sensible)]
Clock = Annotated[str, Field(pattern=CLOCK)]
# No control characters: a store may refuse them, and nobody sees them.
Line = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Device = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Phased = Device | tuple[Device, Annotated[str, Field(max_length=5)]]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]

OutageClass = Literal["planned", "temporary", "fault", "over_capacity", "orderly_use", "meter_box", "load_transfer", "other"]


class Model(BaseModel):
    """A closed JSON object: a field that is not known is an error, not something to pass over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SwitchingIn(Model):
    """Devices opened and closed, and where a fault is. A pair opens or closes some phases of a device."""

    open: list[Phased] = Field(default=[], max_length=1000, examples=[["MV3.101 Line 2", ["MV3.101 Line 3", "B"]]])
    close: list[Phased] = Field(default=[], max_length=1000, examples=[[]])
    fault: list[Device] = Field(default=[], max_length=1000, description="Ids of sections or nodes.", examples=[[]])

    def value(self) -> Switching:
        """Return the switching; raises FactsError."""
        return switching_from_json(self.model_dump())


class WindowIn(Model):
    """Power is off from ``start`` until ``end``."""

    start: Moment = Field(examples=["2026-05-02T08:30:00+08:00"])
    end: Moment | None = Field(
        default=None, description="Null only for what nobody announces.", examples=["2026-05-02T16:30:00+08:00"]
    )


class DailyIn(Model):
    """Off by day and on by night (日停夜送), on the utility's clock."""

    first: Day = Field(description="The first day.", examples=["2026-05-02"])
    last: Day = Field(description="The last day.", examples=["2026-05-04"])
    off: Clock = Field(examples=["08:00"])
    on: Clock = Field(description="Not later than off: on the next day.", examples=["18:00"])

    def value(self, zone: str) -> tuple[Window, ...]:
        """Return a window a day; raises FactsError."""
        return daily_windows(self.first, self.last, off=time.fromisoformat(self.off), on=time.fromisoformat(self.on), zone=zone)


class EstimateIn(Model):
    """When power is expected back: a window, not a false minute."""

    earliest: Moment = Field(examples=["2026-05-02T15:00:00+08:00"])
    latest: Moment = Field(examples=["2026-05-02T16:30:00+08:00"])
    source: Literal["control", "crew", "telemetry", "statistics"] = Field(examples=["crew"])
    confidence: Literal["low", "medium", "high"] = Field(examples=["medium"])
    next_update: Moment | None = Field(
        default=None, description="When more will be known.", examples=["2026-05-02T14:00:00+08:00"]
    )

    def value(self) -> Estimate:
        """Return the estimate; raises FactsError."""
        return Estimate(self.earliest, self.latest, self.source, self.confidence, self.next_update)


class SelectionIn(Model):
    """A scope chosen by a feeder or on the map. What has to be opened for it is added to the switching."""

    feeder: Line = Field(default="", description="Name of a feeder.", examples=[""])
    polygon: list[tuple[Longitude, Latitude]] = Field(
        default=[],
        max_length=1000,
        description="Corners, longitude before latitude (WGS 84): the transformers within.",
        examples=[[]],
    )

    def value(self) -> Selection:
        """Return the selection."""
        return Selection(self.feeder, tuple(self.polygon))


class PlanIn(Model):
    """What an outage would be: enough to work out what it costs. When: windows, or start and end, or daily."""

    outage_class: OutageClass = Field(default="planned", examples=["planned"])
    switching: SwitchingIn = SwitchingIn()
    selection: SelectionIn | None = Field(default=None, examples=[None])
    windows: list[WindowIn] = Field(
        default=[],
        max_length=MOST_WINDOWS,
        description="In the order of time.",
        examples=[[{"start": "2026-05-02T08:30:00+08:00", "end": "2026-05-02T16:30:00+08:00"}]],
    )
    start: Moment | None = Field(default=None, description="With an offset.", examples=[None])
    end: Moment | None = Field(default=None, description="Null only for what nobody announces.", examples=[None])
    daily: DailyIn | None = Field(default=None, examples=[None])
    reason: Line = Field(default="", description="In words for the public.", examples=["line maintenance"])
    contact: Line | None = Field(
        default=None, description="Who answers at the site. Personal; null in a revision keeps it.", examples=["0713-555 0100"]
    )
    estimate: EstimateIn | None = Field(default=None, examples=[None])

    def chosen(self) -> Selection | None:
        """Return how the scope was chosen; None where the switching says it all."""
        return None if self.selection is None else self.selection.value()

    def when(self, zone: str) -> tuple[Window, ...]:
        """Return the windows, in whichever way they are given; raises FactsError."""
        ways = [bool(self.windows), self.start is not None, self.daily is not None]
        if sum(ways) > 1:
            says = "The time is given in more than one way. Give windows, or start and end, or daily."
            raise FactsError(FactProblem("windows", "windows_twice", says))
        if self.daily is not None:
            return self.daily.value(zone)
        if self.start is not None:
            return (Window(self.start, self.end),)
        return tuple(Window(one.start, one.end) for one in self.windows)

    def facts(self, switching: Switching, zone: str, *, contact: str = "") -> OutageFacts:
        """Return the facts with ``switching``, to which the selection has led; ``contact`` stands where none is given.

        Raises FactsError.
        """
        return OutageFacts(
            self.outage_class,
            switching,
            self.when(zone),
            self.reason,
            contact if self.contact is None else self.contact,
            None if self.estimate is None else self.estimate.value(),
            self.chosen(),
        )


class FactsIn(PlanIn):
    """The facts of an outage."""

    outage_class: OutageClass = Field(examples=["planned"])
    reason: Line = Field(description="In words for the public.", examples=["line maintenance"])


class EnterIn(FactsIn):
    """A new outage."""

    submit: StrictBool = Field(default=False, description="Hand it to another person to be approved at once.", examples=[True])
    why: Line = Field(default="", description="For those who work with it; not public.", examples=["yearly inspection"])


class ReviseIn(FactsIn):
    """All facts anew, and why they change."""

    why: Line = Field(description="For those who work with it; not public.", examples=["crew arrives later"])


class PreviewIn(PlanIn):
    """What a new outage, or another version of one, would be; the same fields as to enter it, most of them optional."""

    submit: StrictBool = Field(default=False, description="Without effect here.", examples=[False])
    why: Line = Field(default="", description="Without effect here.", examples=[""])
    outage_id: Annotated[str, Field(max_length=40)] = Field(
        default="", description="The outage that this is a version of: it is not compared with itself.", examples=[""]
    )


class OperationIn(Model):
    """A device operated at a time, or a fault found or repaired."""

    at: Moment = Field(examples=["2026-05-02T11:20:00+08:00"])
    action: Literal["open", "close", "fault", "repaired"] = Field(examples=["close"])
    device: Device = Field(examples=["MV3.101 Line 2"])
    phases: Annotated[str, Field(max_length=5)] = Field(default="", description='All where "".', examples=[""])

    def value(self) -> Timed:
        """Return the operation; raises FactsError."""
        return Timed(self.at, self.action, self.device, self.phases)


Step = Literal["submitted", "approved", "rejected", "switched_off", "staged", "restored", "closed", "cancelled", "undone"]


class TransitionIn(Model):
    """A step in the life of an outage."""

    to: Step = Field(examples=["submitted"])
    at: Moment | None = Field(default=None, description="switched_off, restored: since when.", examples=[None])
    operations: list[OperationIn] = Field(
        default=[], max_length=1000, description="staged: what was operated, in the order of time.", examples=[[]]
    )
    why: Line = Field(default="", description="Needed for rejected, cancelled and undone.", examples=[""])

    def event(self, *, undoes: int, now: datetime, by: str) -> Event:
        """Return what is to be recorded; ``undoes`` is the event that counts last. Raises FactsError.

        The time of an operation is never guessed: a command that is sent again must say the same.
        """
        self._check_fields()
        match self.to:
            case "switched_off":
                return SwitchedOff(self._told_at(), now, by, self.why)
            case "restored":
                return Restored(self._told_at(), now, by, self.why)
            case "staged":
                return Staged(tuple(one.value() for one in self.operations), now, by, self.why)
            case "undone":
                return Undone(undoes, now, by, self.why)
        return _PLAIN[self.to](now, by, self.why)

    def _told_at(self) -> datetime:
        if self.at is None:
            says = f"{self.to} needs a time. Say since when: at."
            raise FactsError(FactProblem("at", "at_missing", says))
        return self.at

    def _check_fields(self) -> None:
        problems = []
        if self.at is not None and self.to not in ("switched_off", "restored"):
            says = f"{self.to} takes no time: it is when it is recorded. Leave at out."
            problems.append(FactProblem("at", "at_unused", says))
        if self.operations and self.to != "staged":
            problems.append(FactProblem("operations", "operations_unused", f"{self.to} takes no operations. Leave them out."))
        if problems:
            raise FactsError(*problems)


_PLAIN: dict[str, type[Submitted | Approved | Rejected | Closed | Cancelled]] = {
    one.kind: one for one in (Submitted, Approved, Rejected, Closed, Cancelled)
}
