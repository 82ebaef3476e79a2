//! Under which host names the services answer.
//!
//! The host of a service is `{api_service_name}.{domain}`; the name is an option of the service's definition, and without
//! it the second part of the service's full name.

use std::net::IpAddr;

/// The services whose definition names their host.
const NAMED: &[(&str, &str)] = &[
    ("nebius.quotas.", "quota-dispatcher.billing-cpl"),
    (
        "nebius.capacity.v1.ResourceAdviceService",
        "capacity-advisor.billing-cpl",
    ),
    (
        "nebius.capacity.v1.CapacityBlockGroupService",
        "capacity-blocks.billing-cpl",
    ),
    (
        "nebius.capacity.v1.CapacityIntervalService",
        "capacity-blocks.billing-cpl",
    ),
    (
        "nebius.capacity.v1.CapacityAllowanceService",
        "capacity-blocks.billing-cpl",
    ),
    ("nebius.iam.v1.TokenExchangeService", "tokens.iam"),
    ("nebius.iam.", "cpl.iam"),
];

/// An operation is asked of the host that returned it.
const OPERATIONS: &str = "nebius.common.v1.OperationService";
const WITH_OPERATIONS: &[&str] = &["compute", "vpc", "quota-dispatcher.billing-cpl"];

/// Whether a method is answered under this host name, which may have a port; `domain` is where the services are, if
/// that is fixed. Otherwise an address or `localhost` stands for one server of everything.
pub(crate) fn is_answered(method: &str, authority: &str, domain: Option<&str>) -> bool {
    let service = method.trim_start_matches('/').split('/').next();
    let service = service.unwrap_or_default();
    let host = host(authority);
    let is_under = |prefix: &str| {
        let rest = host
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| domain.is_none_or(|domain| rest == domain))
    };
    let is_anyones = host.parse::<IpAddr>().is_ok() || host == "localhost";
    if domain.is_none() && is_anyones {
        true
    } else if service == OPERATIONS {
        WITH_OPERATIONS.iter().any(|prefix| is_under(prefix))
    } else {
        is_under(prefix(service))
    }
}

fn prefix(service: &str) -> &str {
    let named = NAMED.iter().find(|(name, _)| service.starts_with(name));
    let second = || service.split('.').nth(1).unwrap_or_default();
    named.map_or_else(second, |(_, prefix)| prefix)
}

/// The host of an authority, without port and brackets.
fn host(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
}
