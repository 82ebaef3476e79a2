//! What failed launches taught the host: launches like them are judged by it until it ends.

use alloc::{format, string::String};
use core::fmt;

use crate::{
    account::Account,
    vocabulary::{Block, BlockKind, Launch},
};

/// The blocks of one kind that stand and concern launches of this project and region.
pub(crate) fn standing<'a>(
    account: &'a Account,
    kind: BlockKind,
    region: &'a str,
    now: u64,
) -> impl Iterator<Item = &'a Block> {
    account.blocks.iter().filter(move |block| {
        block.kind == kind
            && block.until > now
            && block.region == region
            && block
                .project
                .as_ref()
                .is_none_or(|project| *project == account.project)
    })
}

/// Whether a block that is not of a quota concerns a launch.
pub(crate) fn concerns(block: &Block, launch: &Launch) -> bool {
    let offer = &launch.offer;
    block
        .instance_type
        .as_ref()
        .is_none_or(|name| *name == offer.instance_type)
        && block
            .lifecycle
            .is_none_or(|lifecycle| lifecycle == offer.lifecycle)
        && (block.fabric.is_none() || block.fabric == launch.profile.fabric)
}

/// The block in words.
pub(crate) fn said(block: &Block) -> String {
    format!(
        "a launch like it failed: {}; believed until {}",
        block.cause,
        Utc(block.until)
    )
}

/// An instant as people read it, in UTC to the second.
struct Utc(u64);

impl fmt::Display for Utc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000;
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Years of 365.2425 days that begin in March, so that the leap day is the last, counted in eras of 400 (days from
        // the civil calendar, Hinnant).
        let shifted = days + 719_468;
        let (era, day) = (shifted / 146_097, shifted % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, later) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        write!(
            formatter,
            "{:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            era * 400 + year + later,
            rest / 3_600,
            rest / 60 % 60,
            rest % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn instants_are_written_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc(seconds * 1_000 + 999).to_string(), text);
        }
        // No instant of the contract is too late to be written.
        assert!(!Utc(u64::MAX).to_string().is_empty());
    }
}
