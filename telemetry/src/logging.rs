//! The subscriber, with a filter that changes while it runs.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Registry, fmt, reload};

use crate::writer::Lines;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why logs cannot be had as asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Neither a level nor `target=level`.
    #[error(
        "{0:?} is not a log filter; write one of off, error, warn, info, debug and trace, or target=level, with commas in between"
    )]
    Word(String),
    /// The filter's own parser refused it.
    #[error("{0:?} is not a log filter: {1}")]
    Filter(String, ParseError),
    /// The process logs already.
    #[error("logging was set up before")]
    Twice(#[from] TryInitError),
    /// No thread could be made for it.
    #[error("the log thread does not start: {0}")]
    Thread(#[from] io::Error),
    /// The subscriber is gone.
    #[error("the log filter cannot be changed any more: {0}")]
    Gone(#[from] reload::Error),
}

/// A filter that can be changed, and the way to get the last lines out. Dropping it waits for these, a second at most.
#[derive(Debug)]
pub struct LogControl {
    filter: reload::Handle<EnvFilter, Registry>,
    lines: Lines,
}

impl LogControl {
    /// Puts another filter to work, such as `debug` or `info,wireloom_cluster=trace`.
    pub fn set(&self, filter: &str) -> Result<(), LogError> {
        Ok(self.filter.reload(parse(filter)?)?)
    }

    /// The filter at work.
    pub fn current(&self) -> String {
        self.filter
            .with_current(ToString::to_string)
            .unwrap_or_default()
    }

    /// Waits until what was logged is written, a second at most.
    pub fn flush(&self) {
        self.lines.flush(Duration::from_secs(1));
    }
}

impl Drop for LogControl {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Checks a filter without putting it to work.
pub fn check_filter(filter: &str) -> Result<(), LogError> {
    parse(filter).map(drop)
}

fn parse(filter: &str) -> Result<EnvFilter, LogError> {
    // The filter's parser takes any word for a target, so that `debgu` would silence everything.
    let words = filter.split(',').map(str::trim);
    for word in words.filter(|word| !word.contains(['=', '['])) {
        if word.parse::<LevelFilter>().is_err() || word.is_empty() {
            return Err(LogError::Word(word.to_owned()));
        }
    }
    EnvFilter::try_new(bounded(filter).as_ref())
        .map_err(|error| LogError::Filter(filter.to_owned(), error))
}

/// The h2 library warns of what any peer can send as often as it likes. Unless the filter names it, it is not heard.
fn bounded(filter: &str) -> Cow<'_, str> {
    let named = |word: &str| word.trim().starts_with("h2") || word.trim() == "off";
    match filter.split(',').any(named) {
        true => filter.into(),
        false => format!("{filter},h2=off").into(),
    }
}

/// Sends the process's logs to standard error, through `filter`. Colours only for a terminal, and without `NO_COLOR`.
pub fn init(filter: &str, format: Format) -> Result<LogControl, LogError> {
    let (filter, handle) = reload::Layer::new(parse(filter)?);
    let lines = Lines::spawn(io::stderr())?;
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let layer = fmt::layer().with_writer(lines.clone());
    let layer = match format {
        Format::Text => layer.with_ansi(colour).boxed(),
        Format::Json => layer.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()?;
    Ok(LogControl {
        filter: handle,
        lines,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_peers_can_make_talk_is_heard_only_if_asked_for() {
        assert_eq!(bounded("info"), "info,h2=off");
        for own in ["off", "info,h2=debug", "h2::codec=trace,warn"] {
            assert_eq!(bounded(own), own);
        }
    }

    #[test]
    fn filters_that_would_silence_everything_are_refused() {
        for good in ["info", "DEBUG", "off", "info,wireloom=debug", "a::b=trace"] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in ["debgu", "", "info,", "wireloom", "a=loud", "info debug"] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains("is not a log filter"), "{bad}: {error}");
        }
    }

    #[test]
    fn the_filter_changes_while_it_runs() {
        let control = init("warn", Format::Json).unwrap();
        assert_eq!(control.current(), "h2=off,warn");
        assert!(!tracing::enabled!(tracing::Level::DEBUG));
        control.set("debug").unwrap();
        assert!(tracing::enabled!(tracing::Level::DEBUG));
        control.set("nonsense").unwrap_err();
        assert_eq!(control.current(), "h2=off,debug");
        assert!(matches!(
            init("info", Format::Text),
            Err(LogError::Twice(_))
        ));
    }
}
