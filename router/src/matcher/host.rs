//! Conditions on the host that a request names.

use std::net::Ipv6Addr;

use wireloom_codecs::{HttpRequest, Scheme};

/// The longest name of a host (RFC 1035 §2.3.4). No longer one is looked up.
const LONGEST_HOST: usize = 253;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Host {
    name: Name,
    /// The port that the request's must be.
    port: Option<u16>,
}

/// A pattern without a port. Texts are in lower case.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    /// Any that is not empty.
    Any,
    /// This one.
    Exact(Box<[u8]>),
    /// This address.
    V6(Ipv6Addr),
    /// With the dot that it starts with.
    Suffix(Box<[u8]>),
    /// With the dot that it ends with.
    Prefix(Box<[u8]>),
}

impl Host {
    /// Compiles a pattern, or says what is wrong with it.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let (name, port) = Name::with_port(text)?;
        Ok(Self { name, port })
    }

    pub(super) fn matches(&self, request: &HttpRequest) -> bool {
        self.name.matches(plain(request.host()))
            && self.port.is_none_or(|wanted| port(request) == Some(wanted))
    }

    /// The name that a request must have, if it is one alone. In lower case.
    pub(super) fn exact(&self) -> Option<&[u8]> {
        match &self.name {
            Name::Exact(name) => Some(name),
            _ => None,
        }
    }
}

impl Name {
    /// Compiles a pattern without a port, or says what is wrong with it.
    pub(crate) fn alone(text: &str) -> Result<Self, String> {
        match Self::with_port(text)? {
            (name, None) => Ok(name),
            (_, Some(_)) => Err(format!(
                "{text:?} has a port, by which nothing is grouped: match it with `match: {{http: {{host: …}}}}`"
            )),
        }
    }

    fn with_port(text: &str) -> Result<(Self, Option<u16>), String> {
        let lower = text.to_ascii_lowercase();
        let (name, port) = split(&lower)?;
        let name = Self::compile(name).ok_or_else(|| {
            format!(
                "{text:?} is not a host: write one like a.example, *.example, example.*, [::1] or *"
            )
        })?;
        Ok((name, port))
    }

    fn compile(name: &str) -> Option<Self> {
        if name == "*" {
            return Some(Self::Any);
        }
        if let Some(address) = name.strip_prefix('[') {
            let address = address.strip_suffix(']')?;
            return address.parse().ok().map(Self::V6);
        }
        let text = |text: &str| Box::from(text.as_bytes());
        if let Some(suffix) = name.strip_prefix('*') {
            let rest = suffix.strip_prefix('.')?;
            let rest = rest.strip_suffix('.').unwrap_or(rest);
            return is_name(rest).then(|| Self::Suffix(text(&format!(".{rest}"))));
        }
        if let Some(prefix) = name.strip_suffix('*') {
            let rest = prefix.strip_suffix('.')?;
            return is_name(rest).then(|| Self::Prefix(text(prefix)));
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        is_name(name).then(|| Self::Exact(text(name)))
    }

    fn matches(&self, host: &[u8]) -> bool {
        match self {
            Self::Any => !host.is_empty(),
            Self::Exact(name) => name.eq_ignore_ascii_case(host),
            Self::V6(address) => v6(host) == Some(*address),
            Self::Suffix(suffix) => host
                .len()
                .checked_sub(suffix.len())
                .filter(|rest| *rest > 0)
                .and_then(|at| host.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix)),
            Self::Prefix(prefix) => {
                host.len() > prefix.len()
                    && host
                        .get(..prefix.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
        }
    }
}

/// What is wrong with a host that the configuration puts into a message.
pub(crate) fn check(host: &str) -> Result<(), String> {
    let (name, port) = split(host)?;
    if port.is_some() {
        return Err(format!(
            "{host:?} has a port, which has a key of its own: write {name:?}"
        ));
    }
    known(host, name)
}

/// What is wrong with a host, perhaps with a port, that the configuration puts into a message.
pub(crate) fn check_authority(authority: &str) -> Result<(), String> {
    let (name, _) = split(authority)?;
    known(authority, name)
}

fn known(text: &str, name: &str) -> Result<(), String> {
    match Name::compile(name) {
        Some(Name::Exact(_) | Name::V6(_)) => Ok(()),
        _ => Err(format!(
            "{text:?} is not a host: write one like a.example or [::1]"
        )),
    }
}

/// A host and the port behind it.
fn split(text: &str) -> Result<(&str, Option<u16>), String> {
    let Some((name, port)) = text
        .rsplit_once(':')
        .filter(|(_, port)| !port.ends_with(']'))
    else {
        return Ok((text, None));
    };
    if name.contains(':') && !name.ends_with(']') {
        return Err(format!(
            "an IPv6 address stands in brackets: write [{text}]"
        ));
    }
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|port| digits && *port > 0);
    let port =
        port.ok_or_else(|| format!("{text:?} has no port from 1 to 65535 behind its colon"))?;
    Ok((name, Some(port)))
}

/// Labels of letters, digits, hyphens and underscores, or an IPv4 address.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= LONGEST_HOST && name.split('.').all(label)
}

/// Without the dot that makes a name absolute.
fn plain(host: &[u8]) -> &[u8] {
    host.strip_suffix(b".").unwrap_or(host)
}

pub(crate) fn v6(host: &[u8]) -> Option<Ipv6Addr> {
    let address = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    std::str::from_utf8(address).ok()?.parse().ok()
}

/// The port of the request, or its scheme's; None for what is no port.
pub(crate) fn port(request: &HttpRequest) -> Option<u16> {
    let named = request.authority.as_bytes().get(request.host().len()..);
    match named.and_then(|rest| rest.strip_prefix(b":")) {
        None | Some([]) => Some(default_port(request.scheme)),
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok()?.parse().ok()
        }
        Some(_) => None,
    }
}

/// What a scheme's URLs mean without a port.
pub(crate) const fn default_port(scheme: Scheme) -> u16 {
    match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    }
}

/// A request's host in the form that [`Host::exact`] has, on the stack.
pub(crate) struct Key {
    bytes: [u8; LONGEST_HOST],
    len: usize,
}

impl Key {
    /// None for what no pattern names alone.
    pub(crate) fn new(request: &HttpRequest) -> Option<Self> {
        let host = plain(request.host());
        let mut bytes = [0; LONGEST_HOST];
        let place = bytes.get_mut(..host.len())?;
        place.copy_from_slice(host);
        place.make_ascii_lowercase();
        let len = host.len();
        Some(Self { bytes, len })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
