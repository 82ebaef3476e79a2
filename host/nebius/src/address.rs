//! Which host answers for which service, and whether the connection is encrypted.

use std::{fmt, net::IpAddr};

/// The domain of the public cloud.
const DOMAIN: &str = "api.nebius.cloud";
const HTTPS: u16 = 443;

/// A service of the cloud that questions go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// Tenants and projects.
    Iam,
    /// The exchange of keys for tokens.
    Tokens,
    /// Platforms.
    Compute,
    /// Quota allowances.
    Quotas,
    /// Advice on free hardware.
    CapacityAdvice,
    /// Reserved capacity and its shares.
    CapacityBlocks,
}

impl Service {
    /// The first part of its host's name: `api_service_name` of the protocol definitions.
    const fn host_prefix(self) -> &'static str {
        match self {
            Self::Iam => "cpl.iam",
            Self::Tokens => "tokens.iam",
            Self::Compute => "compute",
            Self::Quotas => "quota-dispatcher.billing-cpl",
            Self::CapacityAdvice => "capacity-advisor.billing-cpl",
            Self::CapacityBlocks => "capacity-blocks.billing-cpl",
        }
    }
}

/// Where the cloud is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A host per service below one domain, with TLS.
    Domain {
        /// Such as `api.nebius.cloud`.
        name: String,
        /// Mostly 443.
        port: u16,
    },
    /// One server for everything.
    Server {
        /// As it stands in a URI: an IPv6 address has its brackets.
        host: String,
        /// Its port.
        port: u16,
        /// The domain below which it is asked for each service by name; none where it is asked by its own.
        domain: Option<String>,
    },
}

/// Why an address cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The address of a server is not `HOST:PORT`.
    #[error("`{0}` is no endpoint: give `HOST:PORT`, as in `127.0.0.1:8080`")]
    Endpoint(String),
    /// A variable names no proxy that can be used.
    #[error(
        "`{0}` names no proxy that can be used: give `http://HOST:PORT`, with `USER:PASSWORD@` before the host if need be"
    )]
    Proxy(&'static str),
    /// The name of a domain is not `DOMAIN` or `DOMAIN:PORT`.
    #[error(
        "`{name}` from {origin} is no API domain: give `DOMAIN` or `DOMAIN:PORT`, as in `{DOMAIN}`"
    )]
    Domain {
        /// What was given.
        name: String,
        /// Where it was given.
        origin: String,
    },
}

impl Address {
    /// Of one server, from `HOST:PORT`.
    pub(crate) fn server(endpoint: &str) -> Result<Self, AddressError> {
        match split(endpoint) {
            Some((host, Some(port))) => Ok(Self::Server {
                host: host.to_owned(),
                port,
                domain: None,
            }),
            _ => Err(AddressError::Endpoint(endpoint.to_owned())),
        }
    }

    /// Of a domain, from `DOMAIN` or `DOMAIN:PORT`; `origin` says where it was given.
    pub(crate) fn domain(name: &str, origin: &str) -> Result<Self, AddressError> {
        match split(name) {
            Some((host, port)) if !host.starts_with('[') => Ok(Self::Domain {
                name: host.to_owned(),
                port: port.unwrap_or(HTTPS),
            }),
            _ => Err(AddressError::Domain {
                name: name.to_owned(),
                origin: origin.to_owned(),
            }),
        }
    }

    /// The same, asked for each service by the name that it has below `domain`.
    pub(crate) fn naming(self, domain: Self) -> Self {
        match (self, domain) {
            (Self::Server { host, port, .. }, Self::Domain { name, .. }) => Self::Server {
                host,
                port,
                domain: Some(name),
            },
            (other, _) => other,
        }
    }

    /// Of the public cloud.
    pub(crate) fn cloud() -> Self {
        Self::Domain {
            name: DOMAIN.to_owned(),
            port: HTTPS,
        }
    }

    /// Whether the connection is TLS: it is not only where the server is on this machine.
    pub(crate) fn is_encrypted(&self) -> bool {
        match self {
            Self::Domain { .. } => true,
            Self::Server { host, .. } => !is_loopback(host),
        }
    }

    /// The host that answers for a service, with its port where that is not the usual one.
    pub(crate) fn host(&self, service: Service) -> String {
        match self {
            Self::Domain { name, port: HTTPS } => format!("{}.{name}", service.host_prefix()),
            Self::Domain { name, port } => format!("{}.{name}:{port}", service.host_prefix()),
            Self::Server { host, port, .. } => format!("{host}:{port}"),
        }
    }

    /// The URI that a service is asked by, where that is not the one to connect to.
    pub(crate) fn origin(&self, service: Service) -> Option<String> {
        match self {
            Self::Server {
                domain: Some(name), ..
            } => {
                let scheme = if self.is_encrypted() { "https" } else { "http" };
                Some(format!("{scheme}://{}.{name}", service.host_prefix()))
            }
            Self::Server { domain: None, .. } | Self::Domain { .. } => None,
        }
    }

    /// The URI to connect to for a service.
    pub(crate) fn uri(&self, service: Service) -> String {
        let scheme = if self.is_encrypted() { "https" } else { "http" };
        format!("{scheme}://{}", self.host(service))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain { name, port: HTTPS } => formatter.write_str(name),
            Self::Domain { name: host, port } | Self::Server { host, port, .. } => {
                write!(formatter, "{host}:{port}")
            }
        }
    }
}

/// The host and, if there is one, the port. None for anything that is not a bare authority.
fn split(address: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !address.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (address, None),
    };
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok()),
        None => is_name(host),
    };
    bare.then_some((host, port))
}

fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn is_loopback(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_a_host_below_the_domain() {
        let cloud = Address::cloud();
        let hosts = [
            (Service::Iam, "https://cpl.iam.api.nebius.cloud"),
            (Service::Tokens, "https://tokens.iam.api.nebius.cloud"),
            (Service::Compute, "https://compute.api.nebius.cloud"),
            (
                Service::Quotas,
                "https://quota-dispatcher.billing-cpl.api.nebius.cloud",
            ),
            (
                Service::CapacityAdvice,
                "https://capacity-advisor.billing-cpl.api.nebius.cloud",
            ),
            (
                Service::CapacityBlocks,
                "https://capacity-blocks.billing-cpl.api.nebius.cloud",
            ),
        ];
        for (service, uri) in hosts {
            assert_eq!(cloud.uri(service), uri);
        }
        let other = Address::domain("api.example.test:8443", "the options").unwrap();
        assert_eq!(
            other.uri(Service::Compute),
            "https://compute.api.example.test:8443"
        );
        assert_eq!(
            Address::domain("api.nebius.cloud:443", "the options"),
            Ok(Address::cloud())
        );
    }

    #[test]
    fn only_loopback_is_plain_text() {
        let cases = [
            ("127.0.0.1:1", false),
            ("127.255.0.9:1", false),
            ("[::1]:1", false),
            ("[::ffff:127.0.0.1]:1", false),
            ("localhost:1", false),
            ("LocalHost:1", false),
            ("128.0.0.1:1", true),
            ("10.0.0.1:1", true),
            ("0.0.0.0:1", true),
            ("[::]:1", true),
            ("[fe80::1]:1", true),
            ("localhost.example.test:1", true),
            ("127.0.0.1.example.test:1", true),
        ];
        for (endpoint, encrypted) in cases {
            let address = Address::server(endpoint).unwrap();
            assert_eq!(address.is_encrypted(), encrypted, "{endpoint}");
            let scheme = if encrypted { "https" } else { "http" };
            assert_eq!(address.uri(Service::Iam), format!("{scheme}://{endpoint}"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let refused = [
            "",
            ":",
            ":1",
            "host",
            "host:",
            "host:x",
            "host:65536",
            "host:-1",
            "http://host:1",
            "user@host:1",
            "host:1/path",
            "::1:80",
            "[::1]",
            "[host]:1",
            "[::1",
            "ho st:1",
        ];
        for endpoint in refused {
            let error = Address::server(endpoint).unwrap_err();
            assert!(error.to_string().contains("HOST:PORT"), "{endpoint}");
        }
        for domain in [
            "",
            "https://api.nebius.cloud",
            "[::1]:443",
            "api.nebius.cloud:x",
        ] {
            let error = Address::domain(domain, "`NEBIUS_ENDPOINT`").unwrap_err();
            assert!(error.to_string().contains("NEBIUS_ENDPOINT"), "{domain}");
        }
    }
}
