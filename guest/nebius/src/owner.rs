//! The owners of Nebius: what rows mean at each level, and in which states a project launches.

use alloc::{format, string::String};

use quotagate_guest::{LevelRules, Meaning, Owner, OwnerState};

/// The level of the ceilings of a region.
pub(crate) const TENANT: &str = "tenant";
/// The level of the shares of them.
pub(crate) const PROJECT: &str = "project";

/// What rows of a level mean where they give no number (nebius rules 5 to 8).
pub(crate) fn level_rules(level: &str) -> LevelRules {
    let is_project = level == PROJECT;
    let missing = if is_project {
        Meaning::Unconstrained
    } else {
        Meaning::Unknown
    };
    LevelRules {
        absent: missing,
        unset: missing,
        changing: Meaning::Unknown,
        suspended: Meaning::Blocks,
        gone: if is_project {
            Meaning::Unknown
        } else {
            Meaning::Blocks
        },
    }
}

pub(crate) fn list_name(level: &str) -> String {
    format!("the {level}'s quota list")
}

/// What a project in this state can launch, by the words of both versions of the API. Only an active one launches (nebius
/// rule 32). Of a tenant no state is known that would keep its projects from launching.
pub(crate) fn state(owner: &Owner) -> OwnerState {
    let Some(word) = owner.state.as_deref().filter(|_| owner.level == PROJECT) else {
        return OwnerState::Launches;
    };
    OwnerState::LaunchesNothing(match word {
        "ACTIVE" => return OwnerState::Launches,
        "CREATING" => "is being created",
        "CREATED" => "was created and is not active yet",
        "ACTIVATING" => "is being activated",
        "PARKING" => "is being parked",
        "PARKED" => "is parked",
        "SCHEDULING_FOR_DELETION" | "SCHEDULING_FOR_DELETION_BY_PARENT" => {
            "is being scheduled for deletion"
        }
        "SCHEDULED_FOR_DELETION" | "SCHEDULED_FOR_DELETION_BY_PARENT" => {
            "is scheduled for deletion"
        }
        "UNDELETING" => "is being restored after its deletion",
        "PURGING" => "is being purged",
        "PURGED" => "was purged",
        _ => return OwnerState::Unknown,
    })
}
