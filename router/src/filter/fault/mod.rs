//! `fault`: requests that are late, or fail, because the configuration says so.

use std::sync::Arc;
use std::time::Duration;

use wireloom_codecs::units::Span;
use wireloom_codecs::{Argument, ArgumentPath, LocalError, Needs, RequestHead};

use super::permits::Permits;
use super::{Configured, Exchanged, Filter, Flow};
use crate::matcher::{FieldName, Matcher, Share};
use crate::{Arguments, Lookup, Mention, Problem};

mod config;
mod failure;

pub use config::{AbortConfig, DelayConfig, FaultConfig};
pub use failure::{GrpcStatus, Kind};

use failure::Failure;

/// The most that a header can ask for if the configuration does not say.
const DEFAULT_MAX: Duration = Duration::from_secs(10);

/// No delay is longer.
const LONGEST: Duration = Duration::from_secs(3600);

/// See [`FaultConfig`].
#[derive(Debug)]
pub(super) struct Fault {
    rule: Option<Matcher>,
    /// Which the rule names.
    protocols: Vec<Mention>,
    delay: Option<Delay>,
    abort: Option<Abort>,
}

#[derive(Debug)]
struct Delay {
    duration: Option<Duration>,
    header: Option<FieldName>,
    max: Duration,
    share: Share,
    waiting: Arc<Permits>,
}

#[derive(Debug)]
struct Abort {
    failure: Option<Failure>,
    header: Option<FieldName>,
    share: Share,
}

impl Configured for Fault {
    const NAME: &'static str = "fault";
    type Config = FaultConfig;

    fn new(config: FaultConfig) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if config.delay.is_none() && config.abort.is_none() {
            let message = "does nothing: write `delay`, `abort` or both, or leave the filter out";
            problems.push(Problem::new("", message));
        }
        let rule = config.r#match.as_ref().map(|rule| {
            let matcher = Matcher::compile("match", rule, 0).unwrap_or_else(|wrong| {
                problems.extend(wrong);
                Matcher::default()
            });
            if matcher.body() > 0 {
                let message = "looks into bodies of HTTP, for which a fault does not wait: match them in the route";
                problems.push(Problem::new("match.arguments", message));
            }
            matcher
        });
        let delay = config
            .delay
            .as_ref()
            .and_then(|delay| Delay::new(delay, &mut problems));
        let abort = config
            .abort
            .as_ref()
            .and_then(|abort| Abort::new(abort, &mut problems));
        match problems.is_empty() {
            true => Ok(Self {
                protocols: config
                    .r#match
                    .map(|rule| rule.protocols("match"))
                    .unwrap_or_default(),
                rule,
                delay,
                abort,
            }),
            false => Err(problems),
        }
    }
}

impl Delay {
    fn new(config: &DelayConfig, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let mut note = |key: &str, message: String| {
            problems.push(Problem::new(
                format!("delay.{key}").trim_end_matches('.'),
                message,
            ));
        };
        if config.duration.is_none() && config.header.is_none() {
            note(
                "",
                "says nothing of how long: write `duration`, `header` or both".to_owned(),
            );
        }
        for (key, span) in [("duration", config.duration), ("max", config.max)] {
            let Some(span) = span else { continue };
            if span.0.is_zero() {
                note(
                    key,
                    "is no time: write how long, or leave the key out".to_owned(),
                );
            } else if span.0 > LONGEST {
                note(
                    key,
                    format!("{span} is too long: write at most {}", Span(LONGEST)),
                );
            }
        }
        if config.max.is_some() && config.header.is_none() {
            note(
                "max",
                "bounds what a header asks for, and there is no `header`".to_owned(),
            );
        }
        if config.concurrent == 0 {
            note(
                "concurrent",
                "is 0, so that no request is ever late: write at least 1".to_owned(),
            );
        }
        let header = header(config.header.as_deref(), &mut note);
        let share = share(config.percentage, 1, &mut note)?;
        (problems.len() == before).then(|| Self {
            duration: config.duration.map(|span| span.0),
            header,
            max: config.max.map_or(DEFAULT_MAX, |span| span.0),
            share,
            waiting: Permits::new(config.concurrent),
        })
    }

    /// How late a request shall be.
    fn of(&self, head: &RequestHead) -> Option<Duration> {
        let header = self.header.as_ref();
        let asked = header.and_then(|name| asked(name.values(head).next()?));
        let asked = asked.map(|asked| asked.min(self.max));
        let delay = asked.or(self.duration).filter(|delay| !delay.is_zero())?;
        self.share.takes(rand::random()).then_some(delay)
    }
}

/// Milliseconds, or a number with a unit.
fn asked(value: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    match text.parse::<u32>() {
        Ok(millis) => Some(Duration::from_millis(millis.into())),
        Err(_) => text.parse::<Span>().ok().map(|span| span.0),
    }
}

impl Abort {
    fn new(config: &AbortConfig, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let mut note = |key: &str, message: String| {
            problems.push(Problem::new(
                format!("abort.{key}").trim_end_matches('.'),
                message,
            ));
        };
        let failure = Failure::new(config.error, config.http, config.grpc);
        if failure.is_none() && config.header.is_none() {
            let message = "says nothing of how: write `error`, `http`, `grpc` or `header`";
            note("", message.to_owned());
        }
        if let Some(status) = config.http
            && !(400..=599).contains(&status)
        {
            note(
                "http",
                format!("{status} is no failure: write a status from 400 to 599"),
            );
        }
        let header = header(config.header.as_deref(), &mut note);
        let share = share(config.percentage, 2, &mut note)?;
        (problems.len() == before).then_some(Self {
            failure,
            header,
            share,
        })
    }

    /// How a request shall fail.
    fn of(&self, head: &RequestHead) -> Option<LocalError> {
        let header = self.header.as_ref();
        let asked = header.and_then(|name| Failure::asked(name.values(head).next()?));
        let failure = asked.or(self.failure)?;
        let taken = self.share.takes(rand::random());
        taken.then(|| failure.error(head.protocol))
    }
}

fn header(name: Option<&str>, note: &mut impl FnMut(&str, String)) -> Option<FieldName> {
    if name == Some("") {
        note("header", "the name of a field cannot be empty".to_owned());
    }
    name.map(FieldName::new)
}

fn share(percentage: f64, salt: u64, note: &mut impl FnMut(&str, String)) -> Option<Share> {
    let share = Share::new(percentage, salt);
    if share.is_none() {
        note(
            "percentage",
            format!("{percentage} is out of range: 0 to 100"),
        );
    }
    share
}

/// What is inside of a request, for the rule.
struct Inside<'a, 'e>(&'a Exchanged<'e>);

impl Arguments for Inside<'_, '_> {
    fn find(&self, path: &ArgumentPath, budget: usize) -> Option<Argument<'_>> {
        self.0.argument(path, budget)
    }
}

impl Filter for Fault {
    fn protocols(&self) -> Vec<Mention> {
        self.protocols.clone()
    }

    fn needs(&self) -> Needs {
        let delay = self.delay.as_ref().and_then(|delay| delay.header.as_ref());
        let abort = self.abort.as_ref().and_then(|abort| abort.header.as_ref());
        let headers = delay.into_iter().chain(abort).flat_map(FieldName::forms);
        let matched = self.rule.iter().flat_map(Matcher::field_names);
        Needs::fields(headers.chain(matched))
    }

    fn request(&self, exchange: &mut Exchanged<'_>) -> Flow {
        if let Some(rule) = &self.rule {
            let lookup = Lookup {
                arguments: &Inside(exchange),
                random: if rule.draws() { rand::random() } else { 0 },
                ..Lookup::new(&exchange.request.head, exchange.downstream)
            };
            if !rule.matches(&lookup) {
                return Flow::Continue;
            }
        }
        let head = &exchange.request.head;
        let delay = self.delay.as_ref().and_then(|delay| {
            let late = delay.of(head)?;
            Some((late, delay.waiting.take()?))
        });
        let end = match self.abort.as_ref().and_then(|abort| abort.of(head)) {
            Some(error) => Flow::reject(error, "abort"),
            None => Flow::Continue,
        };
        match delay {
            None => end,
            Some((late, permit)) => Flow::wait(async move {
                tokio::time::sleep(late).await;
                drop(permit);
                end
            }),
        }
    }
}

#[cfg(test)]
mod tests;
