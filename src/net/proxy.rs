//! *Proxies*: which requests go through one, by the rules of Go's `net/http/httpproxy`, which every
//! tool of the field follows.
//!
//! ```text
//! NO_PROXY = entry *( "," entry )
//! entry    = "*" / ( host [ ":" port ] ) / ( address "/" bits )
//! host     = name            ; it and what lies below it
//!          / "." name        ; what lies below it
//!          / "*." name       ; the same
//!          / address
//! ```

use std::net::IpAddr;

use ureq::Proxy;
use ureq::http::Uri;

use super::Error;

/// The proxies of a user, and what is reached without.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exempt: Vec<Exempt>,
}

/// The way to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Direct,
    /// Through the proxy for `http` URLs.
    Http,
    /// Through the proxy for `https` URLs.
    Https,
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    pub fn parse(
        http: Option<&str>,
        https: Option<&str>,
        no_proxy: Option<&str>,
    ) -> Result<Self, Error> {
        let exempt = no_proxy.unwrap_or_default().split(',').map(str::trim);
        Ok(Self {
            http: proxy("HTTP_PROXY", http)?,
            https: proxy("HTTPS_PROXY", https)?,
            exempt: exempt.filter(|entry| !entry.is_empty()).map(Exempt::parse).collect(),
        })
    }

    pub(super) fn of(&self, route: Route) -> Option<&Proxy> {
        match route {
            Route::Direct => None,
            Route::Http => self.http.as_ref(),
            Route::Https => self.https.as_ref(),
        }
    }

    /// The way to `url`. This machine itself is never asked through a proxy.
    pub(super) fn route(&self, url: &Uri) -> Route {
        let route = match url.scheme_str() {
            Some("http") => Route::Http,
            _ => Route::Https,
        };
        if self.of(route).is_none() {
            return Route::Direct;
        }
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let port = url.port_u16().unwrap_or(if route == Route::Http { 80 } else { 443 });
        let is_exempt = self.exempt.iter().any(|entry| entry.covers(&host, address, port));
        if is_here || is_exempt { Route::Direct } else { route }
    }
}

/// A proxy's URL; what it says stays out of messages, for it may hold a password.
fn proxy(variable: &'static str, text: Option<&str>) -> Result<Option<Proxy>, Error> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let proxy = Proxy::new(text).map_err(|_| Error::Proxy { variable, why: "it is no URL" })?;
    match proxy.protocol() {
        ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(Some(proxy)),
        _ => Err(Error::Proxy { variable, why: "it is neither an HTTP nor an HTTPS proxy" }),
    }
}

/// An entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exempt {
    Everything,
    /// Addresses that begin with these bits.
    Block(IpAddr, u32),
    Host {
        name: String,
        /// Whether the name itself is exempt, not only what lies below it.
        itself: bool,
        port: Option<u16>,
    },
}

impl Exempt {
    fn parse(entry: &str) -> Self {
        if entry == "*" {
            return Self::Everything;
        }
        if let Some((address, bits)) = entry.split_once('/')
            && let (Ok(address), Ok(bits)) = (address.parse(), bits.parse())
        {
            return Self::Block(address, bits);
        }
        // An IPv6 address holds colons that begin no port.
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if entry.parse::<IpAddr>().is_err() => (host, port.parse().ok()),
            _ => (entry, None),
        };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let (name, itself) = below.map_or((host.as_str(), true), |below| (below, false));
        Self::Host { name: name.to_owned(), itself, port }
    }

    fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match self {
            Self::Everything => true,
            Self::Block(block, bits) => address.is_some_and(|it| is_within(it, *block, *bits)),
            Self::Host { name, itself, port: only } => {
                let is_it = match name.parse::<IpAddr>() {
                    Ok(name) => address == Some(name),
                    Err(_) => {
                        (*itself && host == name)
                            || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'))
                    }
                };
                is_it && only.is_none_or(|only| only == port)
            }
        }
    }
}

fn is_within(address: IpAddr, block: IpAddr, bits: u32) -> bool {
    match (address, block) {
        (IpAddr::V4(address), IpAddr::V4(block)) if bits <= 32 => {
            let differs = address.to_bits() ^ block.to_bits();
            differs.leading_zeros() >= bits
        }
        (IpAddr::V6(address), IpAddr::V6(block)) if bits <= 128 => {
            let differs = address.to_bits() ^ block.to_bits();
            differs.leading_zeros() >= bits
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(no_proxy: &str, url: &str) -> Route {
        let proxies = Proxies::parse(
            Some("http://proxy.example:3128"),
            Some("proxy.example:3129"),
            Some(no_proxy),
        );
        proxies.unwrap().route(&url.parse().unwrap())
    }

    #[test]
    fn the_scheme_chooses_the_proxy() {
        assert_eq!(route("", "http://r.example/"), Route::Http);
        assert_eq!(route("", "https://r.example/"), Route::Https);
        let only_http = Proxies::parse(Some("http://p:1"), None, None).unwrap();
        assert_eq!(only_http.route(&"https://r.example/".parse().unwrap()), Route::Direct);
    }

    #[test]
    fn this_machine_is_never_behind_a_proxy() {
        for host in ["localhost", "LOCALHOST:5000", "127.0.0.1", "127.8.9.1:80", "[::1]:5000"] {
            assert_eq!(route("", &format!("https://{host}/")), Route::Direct, "{host}");
        }
    }

    #[test]
    fn exemptions() {
        for (no_proxy, host, exempt) in [
            ("*", "r.example", true),
            ("r.example", "r.example", true),
            ("r.example", "R.EXAMPLE:5000", true),
            ("r.example", "a.r.example", true),
            ("r.example", "ar.example", false),
            (".r.example", "r.example", false),
            (".r.example", "a.r.example", true),
            ("*.r.example", "r.example", false),
            ("*.r.example", "a.b.r.example", true),
            ("r.example:5000", "r.example:5000", true),
            ("r.example:5000", "r.example", false),
            ("r.example:443", "r.example", true),
            ("a.example, r.example", "r.example", true),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "r.example", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("192.0.2.1", "192.0.2.1:5000", true),
            ("192.0.2.1", "192.0.2.11", false),
            ("2001:db8::/32", "[2001:db8::7]:5000", true),
            ("2001:db8::/32", "[2001:db9::7]", false),
            ("2001:db8::7", "[2001:db8::7]", true),
            ("", "r.example", false),
            (",", "r.example", false),
        ] {
            let expected = if exempt { Route::Direct } else { Route::Https };
            assert_eq!(route(no_proxy, &format!("https://{host}/")), expected, "{no_proxy} {host}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_an_error_that_keeps_the_password() {
        for (text, said) in [
            ("http://alice:secret@", "`HTTPS_PROXY` cannot be used: it is no URL"),
            ("gopher://alice:secret@p:1", "`HTTPS_PROXY` cannot be used: it is no URL"),
            (
                "socks5://alice:secret@p:1",
                "`HTTPS_PROXY` cannot be used: it is neither an HTTP nor an HTTPS proxy",
            ),
        ] {
            let error = Proxies::parse(None, Some(text), None).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
    }
}
