//! From the cloud's messages to the words of the contract; the live client and a recorded world share every rule here.

mod allowance;
mod capacity;
mod instance_type;
mod project;
mod reservation;
mod usage;

pub(crate) use allowance::allowances;
pub(crate) use capacity::capacities;
pub(crate) use instance_type::instance_types;
pub(crate) use project::{TENANT, account, chain, projects, region_of};
pub(crate) use reservation::{reservation_shares, reservations};

use prost_types::Timestamp;
use quotagate::{
    InstanceType,
    source::{Answer, Read, SourceError, SourceErrorKind},
};

/// What became of a list of messages.
#[derive(Debug)]
pub(crate) struct Converted<T> {
    /// The messages that make sense.
    pub(crate) rows: Vec<T>,
    /// Those that do not. A list that lacks them is not complete, so that nothing is concluded from their absence.
    pub(crate) malformed: Vec<ConvertError>,
}

/// Why a message of the cloud cannot be put into the words of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ConvertError {
    /// A preset whose size cannot be judged: the wire carries signed numbers.
    #[error("preset `{preset}` of platform `{platform}` has {amount} {what}")]
    Amount {
        /// The platform's name.
        platform: String,
        /// The preset's name.
        preset: String,
        /// What there is too little of.
        what: &'static str,
        /// How much the cloud says there is.
        amount: i32,
    },
    /// A message without the name that launches would use.
    #[error("a {0} has no name")]
    Nameless(&'static str),
    /// A block of capacity whose hardware this build does not understand.
    #[error("capacity block group `{0}` does not say which platform it holds")]
    UnknownAffinity(String),
}

impl<T> Converted<T> {
    /// Sorts results into rows and errors.
    fn collect(results: impl IntoIterator<Item = Result<T, ConvertError>>) -> Self {
        let mut converted = Self {
            rows: Vec::new(),
            malformed: Vec::new(),
        };
        for result in results {
            match result {
                Ok(row) => converted.rows.push(row),
                Err(error) => {
                    tracing::info!(%error, "left out a row that makes no sense");
                    converted.malformed.push(error);
                }
            }
        }
        converted
    }

    /// The rows as a source answers them: interrupted by what stopped the reading, else by the rows left out.
    pub(crate) fn into_read(
        self,
        interrupted_by: Option<SourceError>,
        recorded_at: Option<u64>,
    ) -> Read<Vec<T>> {
        let how_many = self.malformed.len();
        let left_out = self.malformed.into_iter().next().map(|first| {
            let text = format!(
                "left out {how_many} of the cloud's rows that make no sense, the first because {first}"
            );
            SourceError::new(SourceErrorKind::Invalid, text).because(first)
        });
        Read {
            value: self.rows,
            interrupted_by: interrupted_by.or(left_out),
            recorded_at,
        }
    }
}

/// Types as an answer. The cloud does not say where disks and addresses are to be had.
pub(crate) fn types_answer(items: Vec<InstanceType>) -> Answer {
    Answer::Types {
        items,
        kinds: Vec::new(),
    }
}

/// Milliseconds since the Unix epoch; none for an instant before it or beyond what can be counted.
fn milliseconds(timestamp: &Timestamp) -> Option<u64> {
    let seconds = u64::try_from(timestamp.seconds).ok()?;
    let nanoseconds = u64::try_from(timestamp.nanos).ok()?;
    seconds
        .checked_mul(1_000)?
        .checked_add(nanoseconds / 1_000_000)
}

/// None for the empty string, which is how the wire spells an absent one.
fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_that_cannot_be_counted_are_none() {
        let at = |seconds, nanos| milliseconds(&Timestamp { seconds, nanos });
        assert_eq!(at(1, 2_999_999), Some(1_002));
        assert_eq!(at(-1, 0), None);
        assert_eq!(at(0, -1), None);
        assert_eq!(at(i64::MAX, 0), None);
    }

    #[test]
    fn rows_left_out_make_a_list_incomplete() {
        let results = [Ok(1), Err(ConvertError::Nameless("preset")), Ok(3)];
        let read = Converted::collect(results).into_read(None, Some(7));
        assert_eq!(read.value, [1, 3]);
        assert_eq!(read.recorded_at, Some(7));
        let interruption = read.interrupted_by.unwrap();
        assert_eq!(interruption.kind, SourceErrorKind::Invalid);
        assert!(interruption.message.contains("a preset has no name"));
    }

    #[test]
    fn what_stopped_the_reading_comes_before_rows_left_out() {
        let stopped = SourceError::new(SourceErrorKind::Unavailable, "stopped".to_owned());
        let results = [Ok(1), Err(ConvertError::Nameless("preset"))];
        let read = Converted::collect(results).into_read(Some(stopped.clone()), None);
        assert_eq!(read.interrupted_by, Some(stopped));
    }
}
