//! Projects of the second version of the IAM API, which holds the region in the spec.

use nebius_api::nebius::iam::v2::{
    Project as CloudProject, ProjectStatus, project_status::ProjectState,
};
use quotagate::{
    Owner, Place,
    source::{Account, Read},
};

use super::{ConvertError, Converted, filled};

/// The level of a tenant among the owners of a project.
pub(crate) const TENANT: &str = "tenant";
/// The level of a project.
const PROJECT: &str = "project";

/// The projects in the order of the cloud.
pub(crate) fn projects(items: &[CloudProject]) -> Converted<Owner> {
    Converted::collect(items.iter().map(|item| {
        let metadata = item.metadata.clone().unwrap_or_default();
        if metadata.id.is_empty() {
            return Err(ConvertError::Nameless("project"));
        }
        Ok(Owner {
            id: metadata.id,
            name: filled(&metadata.name),
            level: PROJECT.to_owned(),
            place: region_of(item),
            state: item.status.as_ref().map(state),
        })
    }))
}

/// Where a project lives: a region, or everywhere where the cloud names none.
pub(crate) fn region_of(project: &CloudProject) -> Place {
    let spec = project.spec.as_ref();
    Place {
        region: spec.and_then(|spec| filled(&spec.region)),
        zone: None,
    }
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

/// A project below its tenant, of which no more is known than whose it is.
pub(crate) fn chain(tenant: Option<&str>, project: &str) -> Vec<Owner> {
    let owner = |id: &str, level: &str| Owner {
        id: id.to_owned(),
        level: level.to_owned(),
        ..Owner::default()
    };
    let tenant = tenant.map(|tenant| owner(tenant, TENANT));
    tenant
        .into_iter()
        .chain([owner(project, PROJECT)])
        .collect()
}

/// The projects, each below the tenant.
pub(crate) fn account(tenant: &str, projects: Read<Vec<Owner>>) -> Read<Account> {
    let tenant = Owner {
        id: tenant.to_owned(),
        level: TENANT.to_owned(),
        ..Owner::default()
    };
    projects.map(|projects| Account {
        projects: projects
            .into_iter()
            .map(|project| vec![tenant.clone(), project])
            .collect(),
        places: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use nebius_api::nebius::{common::v1::ResourceMetadata, iam::v2::ProjectSpec};

    use super::*;

    fn project(number: i32) -> CloudProject {
        CloudProject {
            metadata: Some(ResourceMetadata {
                id: "project-1".to_owned(),
                name: "training".to_owned(),
                ..ResourceMetadata::default()
            }),
            spec: Some(ProjectSpec {
                region: "eu-west1".to_owned(),
            }),
            status: Some(ProjectStatus {
                project_state: number,
            }),
        }
    }

    #[test]
    fn a_project_is_below_its_tenant() {
        let read = projects(&[project(2)]).into_read(None, Some(7));
        let account = account("tenant-1", read);
        assert_eq!(account.recorded_at, Some(7));
        let tenant = Owner {
            id: "tenant-1".to_owned(),
            level: "tenant".to_owned(),
            ..Owner::default()
        };
        let project = Owner {
            id: "project-1".to_owned(),
            name: Some("training".to_owned()),
            level: "project".to_owned(),
            place: Place::region("eu-west1"),
            state: Some("ACTIVE".to_owned()),
        };
        assert_eq!(account.value.projects, [vec![tenant, project]]);
        assert_eq!(account.value.places, []);
    }

    #[test]
    fn what_the_cloud_leaves_out_is_not_made_up() {
        let bare = CloudProject {
            metadata: Some(ResourceMetadata {
                id: "project-1".to_owned(),
                ..ResourceMetadata::default()
            }),
            ..CloudProject::default()
        };
        let owner = projects(&[bare]).rows.remove(0);
        assert_eq!(
            (owner.name, owner.place, owner.state),
            (None, Place::EVERYWHERE, None)
        );
        let nameless = projects(&[CloudProject::default()]);
        assert_eq!(nameless.malformed, [ConvertError::Nameless("project")]);
    }

    #[test]
    fn a_state_is_told_in_the_clouds_own_word() {
        let word = |number| projects(&[project(number)]).rows.remove(0).state;
        assert_eq!(word(2).as_deref(), Some("ACTIVE"));
        assert_eq!(word(3).as_deref(), Some("PURGING"));
        assert_eq!(word(0).as_deref(), Some("STATE_UNSPECIFIED"));
        assert_eq!(word(99).as_deref(), Some("99"));
    }
}
