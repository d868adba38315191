//! The four forms of a request target (RFC 9112 §3.2), and hosts.

use bytes::Bytes;
use http::Method;
use wireloom_codecs::Str;

use crate::h1::refusal::Refusal;

/// What a request line asks for.
#[derive(Debug)]
pub(crate) struct Target {
    /// Of a target in absolute or authority form.
    pub(crate) authority: Option<Str>,
    /// Path and query, or `*`; empty for CONNECT.
    pub(crate) path: Str,
    /// The port that the scheme of an absolute form stands for.
    port: &'static str,
}

impl Target {
    /// Reads `text`, a slice of `head`.
    pub(crate) fn read(method: &Method, head: &Bytes, text: &str) -> Result<Self, Refusal> {
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
        {
            return Err(Refusal::bad(
                "a target with control bytes, spaces or a fragment",
            ));
        }
        let slice =
            |text: &str| Str::from_utf8(head.slice_ref(text.as_bytes())).unwrap_or_default();
        if *method == Method::CONNECT {
            if !is_authority(text.as_bytes()) || !has_port(text) {
                return Err(Refusal::bad("CONNECT to what is no host and port"));
            }
            return Ok(Self {
                authority: Some(slice(text)),
                path: Str::default(),
                port: "",
            });
        }
        if text.starts_with('/') || text == "*" && *method == Method::OPTIONS {
            return Ok(Self {
                authority: None,
                path: slice(text),
                port: "",
            });
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Refusal::bad("a target without a slash"));
        };
        let port = if scheme.eq_ignore_ascii_case("http") {
            ":80"
        } else if scheme.eq_ignore_ascii_case("https") {
            ":443"
        } else {
            return Err(Refusal::bad("a target of another scheme"));
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || !is_authority(authority.as_bytes()) {
            return Err(Refusal::bad("a target without a valid host"));
        }
        let path = match path.as_bytes().first() {
            Some(b'/') => slice(path),
            Some(_) => Str::from(format!("/{path}")),
            None if *method == Method::OPTIONS => Str::from_static("*"),
            None => Str::from_static("/"),
        };
        Ok(Self {
            authority: Some(slice(authority)),
            path,
            port,
        })
    }

    /// True if a Host field names the same.
    pub(crate) fn agrees(&self, host: &[u8]) -> bool {
        let Some(own) = &self.authority else {
            return true;
        };
        let bare = |authority: &'_ [u8]| {
            let port = self.port.as_bytes();
            authority.len()
                - if authority.ends_with(port) {
                    port.len()
                } else {
                    0
                }
        };
        let own = own.as_bytes();
        let own = own.get(..bare(own)).unwrap_or_default();
        own.eq_ignore_ascii_case(host.get(..bare(host)).unwrap_or_default())
    }
}

fn has_port(authority: &str) -> bool {
    authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && !port.ends_with(']'))
}

/// Whether it is a host with or without a port: no user, no list, no path.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    if let [b'[', rest @ ..] = text {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, rest) = rest.split_at(end);
        let address = std::str::from_utf8(address).unwrap_or_default();
        return address.parse::<std::net::Ipv6Addr>().is_ok() && is_port(rest.get(1..));
    }
    let end = text.iter().position(|byte| *byte == b':');
    let (host, port) = text.split_at(end.unwrap_or(text.len()));
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
    !host.is_empty() && host.iter().all(plain) && is_port(Some(port))
}

/// Nothing, or a colon and a number that a port may be.
fn is_port(text: Option<&[u8]>) -> bool {
    match text {
        Some([]) => true,
        Some([b':', digits @ ..]) => {
            let number = digits.iter().try_fold(0u16, |number, digit| {
                let digit = u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
                number.checked_mul(10)?.checked_add(digit)
            });
            number.is_some()
        }
        _ => false,
    }
}
