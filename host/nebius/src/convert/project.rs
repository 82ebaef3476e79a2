//! Projects of the second version of the IAM API, which holds the region in the spec (nebius.md section 1.7).

use nebius_api::nebius::iam::v2::Project as CloudProject;
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
        })
    }))
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
