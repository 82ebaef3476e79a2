//! Which tenant the credentials ask about.

use nebius_api::nebius::iam::v2::Tenant;
use quotagate::source::SourceErrorKind;
use tokio::time::Instant;

use crate::{client::NebiusClient, error::CallError, pages::Fetched};

impl NebiusClient {
    /// The tenant that was named, else the one that the cloud names. Found out once; failures are not kept.
    pub(crate) async fn resolve_tenant(&self, until: Instant) -> Result<&str, CallError> {
        if let Some(named) = &self.named_tenant {
            return Ok(named);
        }
        let looked_up = self
            .found_tenant
            .get_or_try_init(|| self.look_up_tenant(until));
        match tokio::time::timeout_at(until, looked_up).await {
            Ok(outcome) => outcome.map(String::as_str),
            Err(_) => Err(CallError::NoTimeLeft {
                asked: "find out the tenant".to_owned(),
                host: self.caller.channels().host(crate::address::Service::Iam),
            }),
        }
    }

    /// The only tenant that the credentials see. Where they may not list tenants, or see none or several, the one that
    /// the named project belongs to.
    async fn look_up_tenant(&self, until: Instant) -> Result<String, CallError> {
        let failure = match self.fetch_tenants(until).await {
            Ok(tenants) => match self.only(tenants) {
                Ok(tenant) => return Ok(tenant),
                Err(failure) => failure,
            },
            Err(denied) if denied.kind() == SourceErrorKind::Denied => denied,
            Err(error) => return Err(error),
        };
        let Some(project) = &self.project else {
            return Err(failure);
        };
        tracing::info!(%failure, project, "asking for the tenant of the project");
        let project = self.fetch_project(project, until).await?;
        let metadata = project.metadata.unwrap_or_default();
        if metadata.parent_id.is_empty() {
            Err(CallError::NoParent(metadata.id))
        } else {
            Ok(metadata.parent_id)
        }
    }

    fn only(&self, tenants: Fetched<Tenant>) -> Result<String, CallError> {
        let origin = self.caller.origin().to_string();
        let mut ids = Vec::new();
        let mut labels = Vec::new();
        for tenant in tenants.items {
            let metadata = tenant.metadata.unwrap_or_default();
            labels.push(if metadata.name.is_empty() {
                format!("`{}`", metadata.id)
            } else {
                format!("`{}` ({})", metadata.id, metadata.name)
            });
            ids.push(metadata.id);
        }
        match (tenants.interrupted, ids.as_slice()) {
            // One of a list that was cut short need not be the only one.
            (Some(interruption), [] | [_]) => Err(interruption.error),
            (None, []) => Err(CallError::NoTenant(origin)),
            (None, [only]) => Ok(only.clone()),
            (_, _) => Err(CallError::SeveralTenants {
                origin,
                tenants: labels,
            }),
        }
    }
}
