//! `host:port` or `unix:/path`, as configs, logs and metrics write it.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The longest name DNS can carry, in its written form (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
/// The longest label of such a name (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// What begins the address of a Unix socket.
const UNIX: &str = "unix:";
/// The longest path of a Unix socket, in bytes: `sun_path` has 108, and a path ends with a zero (unix(7)).
const MAX_PATH: usize = 107;

/// Where to listen or to connect: an IP address or a host name, and a port; or a Unix socket.
///
/// IPv6 addresses are written in brackets: `[::1]:2045`. Names are looked up when they are used and not before,
/// so that a name which does not resolve yet is no error of the configuration. A Unix socket is `unix:` and an
/// absolute path, or `unix:@` and a name that is in no file system (Linux's abstract sockets). Cloning copies no text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(Inner);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Inner {
    Ip(SocketAddr),
    Name(Arc<str>, u16),
    Unix(Arc<str>),
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an address like 10.0.0.1:2045, [::1]:2045 or orders.example:2045: {why}")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl Address {
    /// The port; 0 for a Unix socket, which has none.
    pub fn port(&self) -> u16 {
        match &self.0 {
            Inner::Ip(address) => address.port(),
            Inner::Name(_, port) => *port,
            Inner::Unix(_) => 0,
        }
    }

    /// The IP address and port, unless it is a name or a Unix socket.
    pub fn as_socket_addr(&self) -> Option<SocketAddr> {
        match self.0 {
            Inner::Ip(address) => Some(address),
            Inner::Name(..) | Inner::Unix(_) => None,
        }
    }

    /// The host name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Inner::Name(name, _) => Some(name),
            Inner::Ip(_) | Inner::Unix(_) => None,
        }
    }

    /// The path of a Unix socket; one that is in no file system begins with `@`.
    pub fn unix_path(&self) -> Option<&str> {
        match &self.0 {
            Inner::Unix(path) => Some(path),
            Inner::Ip(_) | Inner::Name(..) => None,
        }
    }

    /// A host name and port. None if the name is none; one that ends with a dot is kept as it is.
    pub fn of_name(name: &str, port: u16) -> Option<Self> {
        check_name(name).ok()?;
        Some(Self(Inner::Name(name.into(), port)))
    }

    /// Every socket address that it stands for now, in the resolver's order. An IP address is never looked up; a Unix
    /// socket has no such address, which is an error.
    ///
    /// The lookup is the operating system's and runs on the runtime's blocking threads; it goes on there if this
    /// future is dropped.
    pub async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        match &self.0 {
            Inner::Ip(address) => Ok(vec![*address]),
            Inner::Name(name, port) => {
                Ok(tokio::net::lookup_host((&**name, *port)).await?.collect())
            }
            Inner::Unix(_) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "a Unix socket has no IP address",
            )),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self(Inner::Ip(address))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |why| AddressError {
            text: text.chars().take(MAX_NAME + 8).collect(),
            why,
        };
        if let Some(path) = text.strip_prefix(UNIX) {
            check_path(path).map_err(wrong)?;
            return Ok(Self(Inner::Unix(path.into())));
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self(Inner::Ip(address)));
        }
        if text.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) {
            return Err(wrong("an IPv6 address needs brackets and a port"));
        }
        if text.starts_with('[') {
            return Err(wrong(
                "what is in the brackets is no IPv6 address, or no port follows",
            ));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(wrong("the port is missing"));
        };
        if host.contains(':') {
            return Err(wrong(if host.contains('/') {
                "leave out the scheme"
            } else {
                "there is more than one colon; an IPv6 address needs brackets"
            }));
        }
        if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong("the port is not a number"));
        }
        let port = port.parse().map_err(|_| wrong("the port is over 65535"))?;
        check_name(host).map_err(wrong)?;
        Ok(Self(Inner::Name(host.into(), port)))
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    let name = path.strip_prefix('@').or_else(|| path.strip_prefix('/'));
    match name {
        None => Err("a Unix socket's path begins with '/', or with '@' if it is in no file system"),
        Some("") => Err("the Unix socket's path is empty"),
        Some(_) if path.len() > MAX_PATH => Err("a Unix socket's path has at most 107 bytes"),
        Some(name) if name.contains('\0') => Err("the Unix socket's path has a zero byte in it"),
        Some(_) => Ok(()),
    }
}

/// Names as resolvers take them: letters, digits, `-`, `_` and dots. Underscores are no host names by RFC 952, but
/// container networks are full of them.
fn check_name(host: &str) -> Result<(), &'static str> {
    if host.is_empty() {
        return Err("the host is missing");
    }
    if host.len() > MAX_NAME {
        return Err("the host is longer than 253 characters");
    }
    if !host.is_ascii() {
        return Err("write names beyond ASCII in their xn-- form");
    }
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let host = host.strip_suffix('.').unwrap_or(host);
    for label in host.split('.') {
        if label.is_empty() || label.len() > MAX_LABEL {
            return Err("between its dots the host needs 1 to 63 characters");
        }
        if !label.bytes().all(fine) {
            return Err("the host may have letters, digits, '-', '_' and dots");
        }
    }
    // The last label of a name is never a number, so that this is a mistyped IPv4 address (RFC 3696 §2).
    let last = host.rsplit('.').next().unwrap_or(host);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("an IPv4 address has four numbers from 0 to 255");
    }
    Ok(())
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Ip(address) => address.fmt(f),
            Inner::Name(name, port) => write!(f, "{name}:{port}"),
            Inner::Unix(path) => write!(f, "{UNIX}{path}"),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Address;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address like 10.0.0.1:2045")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Address, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl schemars::JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "host:port, IPv6 addresses in brackets; or unix: and the path of a socket",
            "pattern": "^((\\[[0-9A-Fa-f:.%]+\\]|[0-9A-Za-z._-]+):[0-9]{1,5}|unix:[/@].+)$",
            "examples": ["127.0.0.1:2045", "[::1]:2045", "orders.example:20880", "unix:/run/orders.sock"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> &'static str {
        text.parse::<Address>().unwrap_err().why
    }

    #[test]
    fn addresses_round_trip() {
        for text in [
            "127.0.0.1:2045",
            "[::1]:2045",
            "[::]:0",
            "[fe80::1%2]:80",
            "localhost:65535",
            "orders-v2.shop.svc.cluster.local:20880",
            "order_db:1",
            "1password.com:443",
            "example.com.:80",
            "unix:/run/orders.sock",
            "unix:@orders",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
            let json = serde_json::to_string(&address).unwrap();
            assert_eq!(serde_json::from_str::<Address>(&json).unwrap(), address);
        }
        let address: Address = "[::1]:2045".parse().unwrap();
        assert_eq!(address.port(), 2045);
        assert_eq!(address.name(), None);
        assert!(address.as_socket_addr().unwrap().is_ipv6());
        let unix: Address = "unix:/run/a:1.sock".parse().unwrap();
        assert_eq!(unix.unix_path(), Some("/run/a:1.sock"));
        assert_eq!(
            (unix.port(), unix.name(), unix.as_socket_addr()),
            (0, None, None)
        );
    }

    #[test]
    fn wrong_ones_say_what_is_wrong() {
        assert_eq!(why("127.0.0.1"), "the port is missing");
        assert_eq!(why("::1"), "an IPv6 address needs brackets and a port");
        assert_eq!(why("::1:2045"), "an IPv6 address needs brackets and a port");
        assert!(why("[::1]").contains("no port follows"));
        assert!(why("[zz]:1").contains("no IPv6 address"));
        assert_eq!(why("http://a:80"), "leave out the scheme");
        assert!(why("a:b:80").contains("more than one colon"));
        assert_eq!(why("a:http"), "the port is not a number");
        assert_eq!(why("a:"), "the port is not a number");
        assert_eq!(why("a:+1"), "the port is not a number");
        assert_eq!(why("a:65536"), "the port is over 65535");
        assert_eq!(why(":80"), "the host is missing");
        assert!(why("10.0.0.256:80").contains("four numbers"));
        assert!(why("10.0.1:80").contains("four numbers"));
        assert!(why("a..b:80").contains("1 to 63"));
        assert!(why("a b:80").contains("may have letters"));
        assert!(why("bücher.example:80").contains("xn--"));
        assert!(why(&format!("{}:80", "a.".repeat(127) + "a")).contains("253"));
        assert!(why("unix:run/a.sock").contains("begins with '/'"));
        assert!(why("unix:/").contains("empty"));
        assert!(why(&format!("unix:/{}", "a".repeat(107))).contains("107"));
        let error = "x".parse::<Address>().unwrap_err().to_string();
        assert!(
            error.starts_with("\"x\" is not an address like 10.0.0.1:2045"),
            "{error}"
        );
        assert!(
            serde_json::from_str::<Address>("20880")
                .unwrap_err()
                .to_string()
                .contains("10.0.0.1:2045")
        );
    }

    #[tokio::test]
    async fn names_resolve_and_literals_stand_for_themselves() {
        let literal: Address = "127.0.0.1:7".parse().unwrap();
        assert_eq!(
            literal.resolve().await.unwrap(),
            [literal.as_socket_addr().unwrap()]
        );
        let name: Address = "localhost:7".parse().unwrap();
        let found = name.resolve().await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|a| a.ip().is_loopback() && a.port() == 7));
    }
}
