//! What a detail of a launch error says of one quota, or of hardware, and what to do about it.

use alloc::{format, string::String};

use quotagate_guest::{Finding, QuotaOutcome, Reason, Remedy};

use super::{QuotaViolation, ResourceViolation};
use crate::{
    owner::{PROJECT, TENANT},
    remedy::gibibytes,
    title,
};

/// A quota that the cloud refused. Its `requested` is a total: what the quota would have reached, usage and demand together.
/// So it is the smallest limit that would have done, and says nothing of the launch's own part.
pub(super) fn of_quota(violation: &QuotaViolation) -> Finding {
    let QuotaViolation {
        quota,
        message,
        limit,
        requested,
    } = violation;
    // A number that does not parse stays in the detail, in the cloud's words.
    let number = |text: &str| text.trim().parse::<u64>().ok();
    // A total of nothing is over no limit: it is a number that was not told.
    let total = number(requested).filter(|total| *total > 0);
    // One that is within the limit is not what was refused.
    let over = total.filter(|total| number(limit).is_none_or(|limit| *total > limit));
    let container = Container::named_in(message);
    let size = quota.contains(".size") || quota.ends_with(".memory");
    let unit = if size { "byte" } else { "count" };
    let numbers = format!("limit {limit}, requested {requested} in total");
    Finding {
        title: title::of(quota).map(String::from),
        quota: Some(quota.clone()),
        level: container.as_ref().map(|container| container.level.into()),
        owner: container
            .as_ref()
            .map(|container| String::from(container.id)),
        unit: String::from(unit),
        limit: number(limit),
        shortfall: total
            .zip(number(limit))
            .and_then(|(total, limit)| total.checked_sub(limit))
            .filter(|shortfall| *shortfall > 0),
        minimum_limit: over,
        detail: Some(if message.is_empty() {
            numbers
        } else {
            format!("{message} ({numbers})")
        }),
        remedy: Some(Remedy::from(raise(quota, unit, over, container.as_ref()))),
        ..Finding::new(Reason::Shortage, QuotaOutcome::Blocked)
    }
}

/// Hardware that was not free.
pub(super) fn of_hardware(violation: &ResourceViolation) -> Finding {
    Finding {
        detail: Some(if violation.requested.is_empty() {
            violation.message.clone()
        } else {
            format!("{} (requested {})", violation.message, violation.requested)
        }),
        ..Finding::new(Reason::NoCapacity, QuotaOutcome::Fits)
    }
}

fn raise(quota: &str, unit: &str, total: Option<u64>, container: Option<&Container<'_>>) -> String {
    let to = total.map_or_else(String::new, |total| {
        format!(" to {total}{} or more", gibibytes(total, unit))
    });
    match container {
        Some(Container { level: TENANT, id }) => format!(
            "raise {quota} of the tenant {id}{to}: in the console under Administration, Limits, Quotas"
        ),
        Some(Container { level: PROJECT, id }) => format!(
            "raise the share of the project {id} in {quota}{to}; a project's share cannot exceed the tenant's limit"
        ),
        _ => format!(
            "the error does not say whose quota it is: raise {quota}{to} for the project if its share is the smaller, else for the tenant in the console under Administration, Limits, Quotas"
        ),
    }
}

/// Whose row refused, where the cloud's words name it: `Exceeded limit for container tenant-...`.
#[derive(Debug, PartialEq, Eq)]
struct Container<'a> {
    level: &'static str,
    id: &'a str,
}

impl<'a> Container<'a> {
    /// The container that the words name: the one after the word `container`, else the only id of a tenant or a project.
    fn named_in(words: &'a str) -> Option<Self> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        let mut tokens = words
            .split(|letter| !is_part(letter))
            .filter(|token| !token.is_empty());
        if tokens.by_ref().any(|token| token == "container")
            && let Some(named) = tokens.next().and_then(Self::of)
        {
            return Some(named);
        }
        let mut ids = words
            .split(|letter| !is_part(letter))
            .filter_map(Self::of)
            // `project-wide` is a word, and no id.
            .filter(|container| container.id.bytes().any(|byte| byte.is_ascii_digit()));
        let first = ids.next()?;
        ids.all(|other| other == first).then_some(first)
    }

    fn of(id: &'a str) -> Option<Self> {
        let level = match id.split_once('-')? {
            ("tenant", rest) if !rest.is_empty() => TENANT,
            ("project", rest) if !rest.is_empty() => PROJECT,
            _ => return None,
        };
        Some(Self { level, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_violation_name_whose_row_refused() {
        for (words, id) in [
            (
                "Exceeded limit for container tenant-e00acme",
                Some("tenant-e00acme"),
            ),
            (
                "Exceeded limit for container project-main.",
                Some("project-main"),
            ),
            ("the limit of tenant-e00a is 3", Some("tenant-e00a")),
            ("the project-wide limit of project-e0", Some("project-e0")),
            ("tenant-e00a refused project-e00b", None),
            ("tenant-e00a, once more tenant-e00a", Some("tenant-e00a")),
            ("a container without a name", None),
            ("container tenant-", None),
            ("", None),
        ] {
            let named = Container::named_in(words);
            assert_eq!(named.map(|named| named.id), id, "{words}");
        }
    }
}
