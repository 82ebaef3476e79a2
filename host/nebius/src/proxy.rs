//! The way to a host: direct, or through the proxy that `HTTPS_PROXY` names, except for what `NO_PROXY` lists.

use hyper::{Uri, header::HeaderValue};
use hyper_util::client::{
    legacy::connect::{HttpConnector, proxy::Tunnel},
    proxy::matcher::Matcher,
};

use crate::{address::AddressError, credentials::Environment};

const PROXY_VARIABLES: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Which proxy leads where. Plain text goes to this machine alone, and never through a proxy.
#[derive(Debug, Default)]
pub(crate) struct Proxies(Option<Matcher>);

/// A proxy for one host.
#[derive(Clone)]
pub(crate) struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl Proxies {
    /// Those that the variables name.
    pub(crate) fn of(environment: &Environment) -> Result<Self, AddressError> {
        let first = |names: [&'static str; 2]| {
            names
                .into_iter()
                .find_map(|name| Some((name, environment.variable(name)?)))
        };
        let Some((variable, proxy)) = first(PROXY_VARIABLES) else {
            return Ok(Self::default());
        };
        let exceptions = first(EXCEPTIONS).map(|(_, list)| list).unwrap_or_default();
        let matcher = |exceptions: &str| {
            let builder = Matcher::builder().https(proxy.as_str());
            builder.no(exceptions).build()
        };
        // The value may hold a password, so it is not quoted.
        let any = matcher("").intercept(&Uri::from_static("https://any.test"));
        if any.is_none_or(|proxy| proxy.uri().scheme_str() != Some("http")) {
            return Err(AddressError::Proxy(variable));
        }
        Ok(Self(Some(matcher(&exceptions))))
    }

    /// The proxy for an address; none where it is reached without one.
    pub(crate) fn to(&self, address: &str) -> Option<Proxy> {
        let uri: Uri = address.parse().ok()?;
        let host = uri.host().unwrap_or_default();
        if uri.scheme_str() != Some("https") || host == "localhost" || host.ends_with(".localhost")
        {
            return None;
        }
        let proxy = self.0.as_ref()?.intercept(&uri)?;
        Some(Proxy {
            uri: proxy.uri().clone(),
            authorization: proxy.basic_auth().cloned(),
        })
    }
}

impl Proxy {
    /// Its host and port, without a password.
    pub(crate) fn name(&self) -> String {
        self.uri
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// What connects through it.
    pub(crate) fn connector(self) -> Tunnel<HttpConnector> {
        let mut direct = HttpConnector::new();
        direct.set_nodelay(true);
        let tunnel = Tunnel::new(self.uri, direct);
        match self.authorization {
            Some(authorization) => tunnel.with_auth(authorization),
            None => tunnel,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, AddressError> {
        Proxies::of(&Environment::new(variables.iter().copied(), None))
    }

    #[test]
    fn a_proxy_leads_to_everything_but_the_exceptions_and_this_machine() {
        let variables = [
            ("HTTPS_PROXY", "http://user:SECRET@proxy.test:3128"),
            ("NO_PROXY", "inside.test, 10.0.0.0/8"),
        ];
        let proxies = proxies(&variables).unwrap();
        let name = |address| proxies.to(address).map(|proxy| proxy.name());
        for address in ["https://compute.api.nebius.cloud", "https://11.0.0.1:444"] {
            assert_eq!(name(address).as_deref(), Some("proxy.test:3128"));
        }
        for address in [
            "https://inside.test",
            "https://cpl.iam.inside.test:8443",
            "https://10.1.2.3:443",
            "http://127.0.0.1:80",
            "http://[::1]:80",
            "https://localhost",
            "https://compute.localhost:8443",
        ] {
            assert_eq!(name(address), None, "{address}");
        }
    }

    #[test]
    fn the_small_variables_count_too_and_none_means_no_proxy() {
        let small = proxies(&[("https_proxy", "proxy.test"), ("no_proxy", "*")]).unwrap();
        assert!(small.to("https://api.test").is_none());
        let small = proxies(&[("https_proxy", "proxy.test")]).unwrap();
        let proxy = small.to("https://api.test").unwrap();
        assert_eq!(proxy.name(), "proxy.test");
        assert!(proxies(&[("HTTPS_PROXY", " ")]).unwrap().0.is_none());
    }

    #[test]
    fn what_is_no_proxy_is_refused_and_not_quoted() {
        for value in [
            "socks5://proxy.test:1080",
            "https://SECRET@proxy.test",
            "SECRET SECRET",
            "ftp://proxy.test",
        ] {
            let error = proxies(&[("HTTPS_PROXY", value)]).unwrap_err().to_string();
            assert!(error.contains("HTTPS_PROXY"), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
        }
    }
}
