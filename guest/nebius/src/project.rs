//! In which states a project launches.

use quotagate_engine::ProjectState;

/// What a project in this state can launch, by the words of both versions of the API. Only an active one launches (nebius rule 32).
pub(crate) fn state(word: &str) -> ProjectState {
    ProjectState::LaunchesNothing(match word {
        "ACTIVE" => return ProjectState::Launches,
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
        _ => return ProjectState::Unknown,
    })
}
