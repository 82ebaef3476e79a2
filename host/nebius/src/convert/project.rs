//! Projects of the second version of the IAM API, which holds the region in the spec.

use nebius_api::nebius::iam::v2::{
    Project as CloudProject, ProjectStatus, project_status::ProjectState,
};
use quotagate::source::{Account, Project, Read};

use super::{ConvertError, Converted};

/// The projects in the order of the cloud.
pub(crate) fn projects(items: &[CloudProject]) -> Converted<Project> {
    Converted::collect(items.iter().map(|item| {
        let metadata = item.metadata.clone().unwrap_or_default();
        if metadata.id.is_empty() {
            return Err(ConvertError::Nameless("project"));
        }
        Ok(Project {
            id: metadata.id,
            name: metadata.name,
            region: item
                .spec
                .as_ref()
                .map(|spec| spec.region.clone())
                .unwrap_or_default(),
            state: item.status.as_ref().map(state),
        })
    }))
}

/// The cloud's own word for a project's state; its number where this build does not know the word. A status that names no
/// state says `STATE_UNSPECIFIED`: so does a recording with a word that this build does not know, and nothing is made of it.
fn state(status: &ProjectStatus) -> String {
    let number = status.project_state;
    match ProjectState::try_from(number) {
        Ok(state) => state.as_str_name().to_owned(),
        Err(_) => number.to_string(),
    }
}

/// The projects with their tenant.
pub(crate) fn account(tenant: String, projects: Read<Vec<Project>>) -> Read<Account> {
    Read {
        value: Account {
            tenant,
            projects: projects.value,
        },
        interrupted_by: projects.interrupted_by,
        recorded_at: projects.recorded_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_in_the_clouds_own_word() {
        let word = |number| {
            let status = ProjectStatus {
                project_state: number,
            };
            let item = CloudProject {
                metadata: Some(nebius_api::nebius::common::v1::ResourceMetadata {
                    id: String::from("project-1"),
                    ..Default::default()
                }),
                status: Some(status),
                ..CloudProject::default()
            };
            projects(&[item]).rows.remove(0).state
        };
        assert_eq!(word(2).as_deref(), Some("ACTIVE"));
        assert_eq!(word(3).as_deref(), Some("PURGING"));
        assert_eq!(word(0).as_deref(), Some("STATE_UNSPECIFIED"));
        assert_eq!(word(99).as_deref(), Some("99"));
    }
}
