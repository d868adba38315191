//! `rate_limit`: so many requests in a time.
//!
//! | file | holds |
//! |---|---|
//! | `rate` | `100/s` |
//! | `config` | what users write |
//! | `bucket` | a token bucket in one word |
//! | `keys` | one for each key, in bounded memory |

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::net::IpAddr;
use std::time::Instant;

use wireloom_codecs::{ErrorKind, LocalError, Needs, clock};

use super::client::Client;
use super::{Configured, Exchanged, Filter, Flow};
use crate::Problem;
use crate::matcher::FieldName;

mod bucket;
mod config;
mod keys;
mod rate;

use bucket::{Bucket, Limit, Ticks};
use keys::{Keys, Refused};

pub use config::{Key, KeyPart, RateLimitConfig};
pub use rate::{Rate, Unit};

/// How many keys have buckets if the configuration does not say.
const DEFAULT_KEYS: u32 = 10_000;
const MAX_KEYS: u32 = 10_000_000;

/// See [`RateLimitConfig`].
#[derive(Debug)]
pub(super) struct RateLimit {
    limit: Limit,
    buckets: Buckets,
    /// The time from which [`Ticks`] count.
    since: Instant,
}

#[derive(Debug)]
enum Buckets {
    One(Bucket),
    Each(Box<Each>),
}

#[derive(Debug)]
struct Each {
    parts: Box<[Part]>,
    client: Client,
    secret: RandomState,
    keys: Keys,
}

#[derive(Debug)]
enum Part {
    Source,
    Service,
    Method,
    Identity,
    Header(FieldName),
}

impl Configured for RateLimit {
    const NAME: &'static str = "rate_limit";
    type Config = RateLimitConfig;

    fn new(config: RateLimitConfig) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut note = |path: &str, message: String| problems.push(Problem::new(path, message));
        let rate = config.rate;
        let burst = config.burst.unwrap_or(rate.requests);
        let limit = Limit::new(rate, burst);
        if rate.requests == 0 {
            let message = "is 0, which refuses every request: write how many may pass";
            note("rate", message.to_owned());
        } else if config.burst == Some(0) {
            let message = "is 0, which refuses every request: write at least 1";
            note("burst", message.to_owned());
        } else if Limit::new(rate, 1).is_none() {
            note(
                "rate",
                format!("{rate} is more than can be told apart: write at most 16000000/s"),
            );
        } else if limit.is_none() {
            let message = format!("{burst} at {rate} take more than a year to come back: lower it");
            note("burst", message);
        }
        check_keys(&config, &mut note);
        let client = Client::compile("forwarded", config.forwarded.as_ref(), &mut problems);
        let (Some(limit), true) = (limit, problems.is_empty()) else {
            return Err(problems);
        };
        let buckets = match &config.key {
            None => Buckets::One(Bucket::default()),
            Some(Key(parts)) => Buckets::Each(Box::new(Each {
                parts: parts.iter().map(Part::new).collect(),
                client,
                secret: RandomState::new(),
                keys: Keys::new(config.keys.unwrap_or(DEFAULT_KEYS) as usize),
            })),
        };
        Ok(Self {
            limit,
            buckets,
            since: Instant::now(),
        })
    }
}

fn check_keys(config: &RateLimitConfig, note: &mut impl FnMut(&str, String)) {
    let parts = config.key.as_ref().map(|Key(parts)| parts.as_slice());
    if parts == Some(&[]) {
        let message = "the list is empty: write what has a bucket of its own, or leave the key out";
        note("key", message.to_owned());
    }
    let parts = parts.unwrap_or_default();
    for (at, part) in parts.iter().enumerate() {
        if parts.iter().take(at).any(|other| other == part) {
            note(
                &format!("key[{at}]"),
                "is in this list already: remove it".to_owned(),
            );
        }
        if let KeyPart::Header(name) = part
            && name.is_empty()
        {
            note("key", "the name of a field cannot be empty".to_owned());
        }
    }
    if let Some(keys) = config.keys {
        if parts.is_empty() {
            let message =
                "is the number of keys, and there is no `key`: write what has a bucket of its own";
            note("keys", message.to_owned());
        }
        if !(1..=MAX_KEYS).contains(&keys) {
            note("keys", format!("{keys} is out of range: 1 to {MAX_KEYS}"));
        }
    }
    if config.forwarded.is_some() && !parts.contains(&KeyPart::Source) {
        let message = "says where the client's address is, and `key` has no `source`: remove one, or add the other";
        note("forwarded", message.to_owned());
    }
}

impl Part {
    fn new(config: &KeyPart) -> Self {
        match config {
            KeyPart::Source => Self::Source,
            KeyPart::Service => Self::Service,
            KeyPart::Method => Self::Method,
            KeyPart::Identity => Self::Identity,
            KeyPart::Header(name) => Self::Header(FieldName::new(name)),
        }
    }

    /// Slices are hashed with their length, and what is not there apart from what is empty: no two keys run together.
    fn hash(&self, exchange: &Exchanged<'_>, client: &Client, to: &mut impl Hasher) {
        let head = &exchange.request.head;
        match self {
            Self::Source => client.of(exchange).map(network).hash(to),
            Self::Service => head.service.as_bytes().hash(to),
            Self::Method => head.method.as_bytes().hash(to),
            Self::Identity => {
                let tls = exchange.downstream.tls.as_ref();
                let name = tls.and_then(|tls| tls.identities.first());
                name.map(|name| name.as_bytes()).hash(to);
            }
            Self::Header(name) => name.values(head).next().hash(to),
        }
    }
}

/// What one client has to itself.
fn network(address: IpAddr) -> (u8, u64) {
    match address {
        IpAddr::V4(address) => (4, u32::from(address).into()),
        IpAddr::V6(address) => (6, (u128::from(address) >> 64) as u64),
    }
}

impl RateLimit {
    fn take(&self, exchange: &Exchanged<'_>, now: Instant) -> Result<(), Refused> {
        let now = Ticks::from(now.saturating_duration_since(self.since));
        match &self.buckets {
            Buckets::One(bucket) => bucket.take(&self.limit, now).map_err(Refused::Rate),
            Buckets::Each(each) => {
                let mut hasher = each.secret.build_hasher();
                for part in &each.parts {
                    part.hash(exchange, &each.client, &mut hasher);
                }
                each.keys.take(hasher.finish(), &self.limit, now)
            }
        }
    }

    fn at(&self, exchange: &Exchanged<'_>, now: Instant) -> Flow {
        let (wait, reason) = match self.take(exchange, now) {
            Ok(()) => return Flow::Continue,
            Err(Refused::Rate(wait)) => (wait, "rate"),
            Err(Refused::Keys(wait)) => (wait, "keys"),
        };
        let error = LocalError::new(
            ErrorKind::RateLimited,
            "more requests than may pass in this time",
        );
        Flow::reject(error.with_retry_after(wait.duration()), reason)
    }
}

impl Filter for RateLimit {
    fn needs(&self) -> Needs {
        let Buckets::Each(each) = &self.buckets else {
            return Needs::NOTHING;
        };
        let names = each.parts.iter().flat_map(|part| match part {
            Part::Header(name) => name.forms().map(str::to_owned).collect(),
            _ => Vec::new(),
        });
        Needs::fields(names).union(&each.client.needs())
    }

    fn request(&self, exchange: &mut Exchanged<'_>) -> Flow {
        self.at(exchange, clock::now())
    }
}

#[cfg(test)]
mod tests;
