//! `scheme://host:port/service/method?key=value`, taken apart.

use std::str::FromStr;

use wireloom_net::Address;

use super::Wrong;
use crate::config::nearest;

/// Where a call goes and what it is about, as one URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallUrl {
    /// Which protocol, in lower case.
    pub scheme: String,
    /// The server, or a proxy before it.
    pub address: Address,
    /// What is between the slashes behind the address, decoded. The web's schemes have `target` alone.
    pub path: Vec<String>,
    /// All that is behind the address, as it was written.
    pub target: String,
    query: Vec<(String, String)>,
}

impl CallUrl {
    /// The service and the method: the last part of the path, and what comes before it. `form` is what a URL of the
    /// protocol looks like.
    pub fn service_and_method(&self, form: &str) -> Result<(String, &str), Wrong> {
        match self.path.split_last() {
            Some((method, service)) if !service.is_empty() => {
                if self.path.iter().any(String::is_empty) {
                    let what = "its path has nothing between two slashes, or at its end";
                    return Err(Wrong::url(format!("{what}: write {form}")));
                }
                Ok((service.join("/"), method))
            }
            _ => Err(Wrong::url(format!(
                "it must name a service and a method: write {form}"
            ))),
        }
    }

    /// The value of a key, if it is there.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.query.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a key is `true`.
    pub fn flag(&self, key: &str) -> Result<bool, Wrong> {
        match self.get(key) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Wrong::url(format!(
                "`{key}={other}` must be `{key}=true` or `{key}=false`"
            ))),
        }
    }

    /// Refuses keys other than these, and any that is there twice.
    pub fn allow(&self, keys: &[&str]) -> Result<(), Wrong> {
        for (at, (key, _)) in self.query.iter().enumerate() {
            if !keys.contains(&key.as_str()) {
                let instead = match nearest(key, keys.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if keys.is_empty() => "there is none".to_owned(),
                    None => format!("there are {}", keys.join(", ")),
                };
                return Err(Wrong::url(format!("it has no key `{key}`; {instead}")));
            }
            if self.query.iter().take(at).any(|(name, _)| name == key) {
                return Err(Wrong::url(format!("it has the key `{key}` twice")));
            }
        }
        Ok(())
    }
}

impl FromStr for CallUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Wrong::url(
                "it must begin with a scheme: write PROTOCOL://HOST:PORT/SERVICE/METHOD",
            ));
        };
        let scheme = scheme.to_ascii_lowercase();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let web = matches!(scheme.as_str(), "http" | "ws");
        let address = address(web, authority)?;
        // What a web server makes of it is its own affair: it gets the target as it is.
        let named = if web { "" } else { target };
        let (path, query) = named.split_once('?').unwrap_or((named, ""));
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = match path {
            "" => Vec::new(),
            path => path.split('/').map(decode).collect::<Result<_, _>>()?,
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(key)?, decode(value)?))
        };
        Ok(Self {
            scheme,
            address,
            target: target.to_owned(),
            path,
            query: pairs.map(pair).collect::<Result<_, Wrong>>()?,
        })
    }
}

/// The address; where the web's schemes have no port it is 80.
fn address(web: bool, authority: &str) -> Result<Address, Wrong> {
    let address = authority.parse::<Address>();
    let plain = match web && !authority.is_empty() {
        true => format!("{authority}:80").parse().ok(),
        false => None,
    };
    address.or_else(|error| plain.ok_or_else(|| Wrong::url(error)))
}

/// Text with its `%XX` replaced by the bytes they stand for (RFC 3986 §2.1).
fn decode(text: &str) -> Result<String, Wrong> {
    let bad = || Wrong::url(format!("`{text}` is not percent-encoded UTF-8"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit().zip(digit()).map(|(high, low)| high << 4 | low);
        let byte = value.and_then(|value| u8::try_from(value).ok());
        bytes.push(byte.ok_or_else(bad)?);
    }
    String::from_utf8(bytes).map_err(|_| bad())
}
