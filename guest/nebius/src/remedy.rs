//! What a person can do about a finding on Nebius, and where (nebius rule 37).

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use quotagate_guest::{Finding, Reason, Remedy, SourceState};

use crate::owner::{PROJECT, TENANT};

/// The remedy, where there is one; `list` says how far the list was read that the finding rests on, where it does.
pub(crate) fn of(finding: &Finding, list: Option<SourceState>) -> Option<Remedy> {
    let text = match finding.reason {
        Reason::Shortage | Reason::ExceedsLimit | Reason::LimitUnset => {
            return raise(finding);
        }
        Reason::Frozen | Reason::Deleted => {
            "ask Nebius support why the quota is out of use; it takes no launch whatever its limit says"
        }
        Reason::Provisioning => "the quota is being allocated: try again in a few minutes",
        Reason::UsageUnmeasured => {
            "the cloud did not measure the usage; try again in a few minutes"
        }
        Reason::ScopeUnreadable => {
            return read(finding.level.as_deref(), list?).map(Remedy::from);
        }
        Reason::MayBeHeld => {
            "stopped instances are being started that may take it: try again when they have started, or when their holds have ended"
        }
        Reason::Stale => "refresh the sources, or allow older ones",
        Reason::ReservationExhausted => {
            "wait for the reservation to free up, extend it with Nebius, or launch with reservation use `auto`"
        }
        Reason::NoCapacity => {
            "raising a quota will not help: try another region or type, or again later"
        }
        Reason::FailedBefore if finding.quota.is_some() => {
            return failed_before(finding).map(Remedy::from);
        }
        Reason::FailedBefore => {
            "raising a quota may not help: try another region or type, or again when this has ended"
        }
        _ => return None,
    };
    Some(text.into())
}

/// A role helps against a denial alone.
fn read(level: Option<&str>, list: SourceState) -> Option<&'static str> {
    match (list, level) {
        (SourceState::Denied, Some(TENANT)) => {
            Some("reading the tenant's quotas needs the viewer role in the tenant")
        }
        (SourceState::Denied, Some(PROJECT)) => {
            Some("reading the project's quotas needs the viewer role in the project")
        }
        (SourceState::Denied, _) => {
            Some("reading what the project is offered needs the viewer role in the project")
        }
        (SourceState::Unavailable | SourceState::Incomplete, _) => {
            Some("ask again later: the list could not be read to its end")
        }
        (SourceState::Complete | SourceState::Unsupported, _) => None,
    }
}

/// The error does not say whose row it was, nor what limit would do.
fn failed_before(finding: &Finding) -> Option<String> {
    let quota = finding.quota.as_deref()?;
    let region = finding.region.as_deref().unwrap_or_default();
    Some(format!(
        "free up or raise {quota} in {region}: this ends as soon as more of it is read than when the launch failed"
    ))
}

fn raise(finding: &Finding) -> Option<Remedy> {
    let owner = finding.owner.as_deref().unwrap_or_default();
    let quota = finding.quota.as_deref()?;
    let region = finding.region.as_deref().unwrap_or_default();
    match finding.level.as_deref()? {
        TENANT => {
            let to = finding.minimum_limit.map_or_else(String::new, |limit| {
                format!(" to {limit}{} or more", gibibytes(limit, &finding.unit))
            });
            Some(Remedy::from(format!(
                "raise {quota} in {region}{to}: in the console under Administration, Limits, Quotas, by an admin; Nebius reviews the request"
            )))
        }
        PROJECT => finding.minimum_limit.map(|limit| Remedy {
            text: format!(
                "raise the project's share to {limit}{} or more",
                gibibytes(limit, &finding.unit)
            ),
            command: raise_share(owner, quota, region, &limit.to_string()),
            link: None,
        }),
        _ => None,
    }
}

/// The command that raises what a project may take of a quota.
fn raise_share(owner: &str, quota: &str, region: &str, limit: &str) -> Vec<String> {
    let words = [
        "nebius",
        "quotas",
        "quota-allowance",
        "create",
        "--parent-id",
        owner,
        "--name",
        quota,
        "--region",
        region,
        "--limit",
        limit,
    ];
    words.map(String::from).into()
}

/// A limit of a row that counts bytes, once more in the unit that people think of disks in; rounded up, so that it does.
pub(crate) fn gibibytes(limit: u64, unit: &str) -> String {
    if unit == "byte" {
        format!(" ({} GiB)", limit.div_ceil(1 << 30))
    } else {
        String::new()
    }
}
