//! What travels with a refused call beside its code: the details of its status.

use std::time::Duration;

use nebius_api::{google::rpc, nebius::common::v1::ServiceError};
use prost::{Message, Name};

const RETRY_INFO: &str = "google.rpc.RetryInfo";

/// `google.rpc.RetryInfo`, as far as it is needed: <https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryInfo {
    /// How long to wait before the next attempt.
    #[prost(message, optional, tag = "1")]
    pub(crate) retry_delay: Option<prost_types::Duration>,
}

/// The details of a status.
#[derive(Debug, Default)]
pub(crate) struct StatusDetails {
    /// What the service says about the failure.
    pub(crate) errors: Vec<ServiceError>,
    /// How long the service asks to wait before the next attempt.
    pub(crate) retry_delay: Option<Duration>,
    /// Whether there is more, or anything that cannot be read.
    pub(crate) has_unknown: bool,
}

impl StatusDetails {
    /// Reads the value of `grpc-status-details-bin`.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut details = Self::default();
        let Ok(status) = rpc::Status::decode(bytes) else {
            details.has_unknown = true;
            return details;
        };
        let service_error = ServiceError::full_name();
        for any in status.details {
            let name = any.type_url.rsplit('/').next().unwrap_or_default();
            let is_known = if name == service_error {
                let error = ServiceError::decode(any.value.as_slice());
                error.map(|error| details.errors.push(error)).is_ok()
            } else if name == RETRY_INFO {
                let info = RetryInfo::decode(any.value.as_slice());
                info.map(|info| details.retry_delay = delay(info)).is_ok()
            } else {
                false
            };
            details.has_unknown |= !is_known;
        }
        details
    }
}

/// A delay that is not negative.
fn delay(info: RetryInfo) -> Option<Duration> {
    Duration::try_from(info.retry_delay?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(details: Vec<prost_types::Any>) -> StatusDetails {
        let status = rpc::Status {
            details,
            ..rpc::Status::default()
        };
        StatusDetails::of(&status.encode_to_vec())
    }

    fn any(name: &str, value: Vec<u8>) -> prost_types::Any {
        prost_types::Any {
            type_url: format!("type.googleapis.com/{name}"),
            value,
        }
    }

    #[test]
    fn what_is_known_is_read_and_the_rest_is_noticed() {
        let details = read(vec![]);
        assert!(details.errors.is_empty() && !details.has_unknown);
        assert!(!StatusDetails::of(&[]).has_unknown);

        let error = ServiceError::default().encode_to_vec();
        let details = read(vec![any("nebius.common.v1.ServiceError", error)]);
        assert_eq!((details.errors.len(), details.has_unknown), (1, false));

        for (name, value) in [
            ("nebius.common.error.v1alpha1.ServiceError", vec![]),
            ("nebius.common.v1.ServiceError", vec![0xff]),
            (RETRY_INFO, vec![0xff]),
        ] {
            let details = read(vec![any(name, value)]);
            assert!(details.errors.is_empty() && details.has_unknown, "{name}");
        }
        assert!(StatusDetails::of(&[0xff]).has_unknown);
    }

    #[test]
    fn a_delay_is_read_unless_it_is_negative() {
        for (seconds, nanos, expected) in [
            (2, 500_000_000, Some(Duration::from_millis(2_500))),
            (0, 0, Some(Duration::ZERO)),
            (-1, 0, None),
        ] {
            let retry_delay = Some(prost_types::Duration { seconds, nanos });
            let info = RetryInfo { retry_delay }.encode_to_vec();
            let details = read(vec![any(RETRY_INFO, info)]);
            assert_eq!(details.retry_delay, expected);
            assert!(!details.has_unknown);
        }
        let details = read(vec![any(RETRY_INFO, vec![])]);
        assert_eq!(details.retry_delay, None);
    }
}
