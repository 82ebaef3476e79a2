//! How an answer cannot be true.

use std::fmt;

/// How an answer cannot be true by the contract's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Contradiction {
    /// The quota outcome is not that of the worst finding.
    NotTheWorstFinding,
    /// It fits, and fewer fit.
    FewerFit,
    /// It is blocked, and as many fit.
    AsManyFit,
    /// Its findings lie beyond the end of the references.
    BeyondTheReferences,
    /// The plan fits and breaks.
    BreaksAndFits,
    /// The plan does not fit and breaks nowhere.
    BreaksNowhere,
    /// The plan breaks beyond its end.
    BreaksBeyondItsEnd,
    /// A finding lies beyond the end of the findings.
    BeyondTheFindings,
    /// More findings than any answer has.
    TooManyFindings,
    /// It names something by a number that the host gave out for nothing.
    UnknownName,
    /// It speaks of a row that was not shown.
    UnshownRow,
    /// A row has room and does not let it through.
    RoomThatBlocks,
    /// More headroom than limit, usage and holds leave.
    TooMuchHeadroom,
    /// A shortfall of nothing, or of more than is required.
    ImpossibleShortfall,
    /// A row has room and falls short.
    RoomThatFallsShort,
    /// A limit below what is required would do.
    TooSmallALimit,
    /// More is used for certain than at most.
    UsedUpsideDown,
    /// More is taken than any plan takes.
    TooManyTakes,
    /// Something is taken of a row that was not shown.
    UnshownTake,
    /// The same row is taken from twice.
    TakenTwice,
    /// More is taken for certain than at most.
    TakenUpsideDown,
    /// No such reservation was shown.
    UnshownReservation,
    /// No such source was shown.
    UnshownSource,
    /// More rows than any account has.
    TooManyStandings,
    /// The same row stands twice.
    StandsTwice,
    /// The row's number is that of another key.
    StandsUnderAnotherKey,
    /// It was not asked about.
    StandsUnasked,
    /// The bounds of its usage are upside down.
    StandsUpsideDown,
    /// More headroom than limit and usage leave.
    StandsTooTall,
    /// A failure teaches more than any failure does.
    TooManyLessons,
    /// A lesson speaks of a row that was not shown.
    UnshownLesson,
    /// More alternatives than anybody looks at.
    TooManyAlternatives,
}

impl Contradiction {
    /// The part of the answer that it is found in, and what it says.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotTheWorstFinding => (
                "verdict",
                "the quota outcome is not that of the worst finding",
            ),
            Self::FewerFit => ("verdict", "it fits, and fewer fit"),
            Self::AsManyFit => ("verdict", "it is blocked, and as many fit"),
            Self::BeyondTheReferences => (
                "verdict",
                "its findings lie beyond the end of the references",
            ),
            Self::BreaksAndFits => ("verdict", "the plan fits and breaks"),
            Self::BreaksNowhere => ("verdict", "the plan does not fit and breaks nowhere"),
            Self::BreaksBeyondItsEnd => ("verdict", "the plan breaks beyond its end"),
            Self::BeyondTheFindings => ("reference", "it lies beyond the end of the findings"),
            Self::TooManyFindings => ("finding", "there are more than any answer has"),
            Self::UnknownName => (
                "finding",
                "a number in it is not one that the host gave out for a name",
            ),
            Self::UnshownRow => ("finding", "it speaks of a row that was not shown"),
            Self::RoomThatBlocks => ("finding", "a row has room and does not let it through"),
            Self::TooMuchHeadroom => ("finding", "more headroom than limit, usage and holds leave"),
            Self::ImpossibleShortfall => (
                "finding",
                "a shortfall of nothing, or of more than is required",
            ),
            Self::RoomThatFallsShort => ("finding", "a row has room and falls short"),
            Self::TooSmallALimit => ("finding", "a limit below what is required would do"),
            Self::UsedUpsideDown => ("finding", "more is used for certain than at most"),
            Self::TooManyTakes => ("take", "more is taken than any plan takes"),
            Self::UnshownTake => ("take", "its row was not shown"),
            Self::TakenTwice => ("take", "the same row is taken from twice"),
            Self::TakenUpsideDown => ("take", "more is taken for certain than at most"),
            Self::UnshownReservation => ("reservation", "no such reservation was shown"),
            Self::UnshownSource => ("source", "no such source was shown"),
            Self::TooManyStandings => ("standing", "there are more than any account has"),
            Self::StandsTwice => ("standing", "the same row stands twice"),
            Self::StandsUnderAnotherKey => ("standing", "its number is that of another key"),
            Self::StandsUnasked => ("standing", "its row was not asked about"),
            Self::StandsUpsideDown => ("standing", "more is used for certain than at most"),
            Self::StandsTooTall => ("standing", "more headroom than limit and usage leave"),
            Self::TooManyLessons => ("lesson", "a failure teaches more than any failure does"),
            Self::UnshownLesson => ("lesson", "it speaks of a row that was not shown"),
            Self::TooManyAlternatives => ("alternative", "there are more than anybody looks at"),
        }
    }

    /// The part of the answer that it is found in: a verdict, a finding, a take, ...
    pub(super) const fn part(self) -> &'static str {
        self.words().0
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.words().1)
    }
}
