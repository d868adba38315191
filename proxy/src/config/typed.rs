//! From values to a [`Config`]: unknown keys, wrong types, missing keys.
//!
//! Deserializing stops at the first error, so what is wrong is taken out and the rest is read again, until it reads.

use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use wireloom_router::config::Node;
use wireloom_router::filter::Unread;

use super::Config;
use super::error::ConfigError;
use super::expect::{Mistake, Schema};
use super::locate::Index;
use super::suggest;

/// More errors than this help nobody.
const MAX_ERRORS: usize = 50;

/// Reads `value`, or tells what is wrong with it.
pub(super) fn read(value: Value, index: &Index) -> Result<Config, Vec<ConfigError>> {
    let attempt = |value: &Value| {
        serde_path_to_error::deserialize::<_, Config>(Node(value)).map_err(|error| Unread::Type {
            path: error.path().clone(),
            message: error.inner().to_string(),
        })
    };
    read_at("", value, index, attempt, Schema::new)
}

/// The same for a value of another type that stands at `prefix`, and has a schema of its own.
pub(super) fn read_at<T>(
    prefix: &str,
    mut value: Value,
    index: &Index,
    attempt: impl Fn(&Value) -> Result<T, Unread>,
    schema: impl Fn() -> Schema,
) -> Result<T, Vec<ConfigError>> {
    let mut errors: Vec<ConfigError> = Vec::new();
    let mut removed: Vec<String> = Vec::new();
    // Every turn takes a key out, or ends.
    loop {
        let (at, message) = match attempt(&value) {
            Ok(read) if errors.is_empty() => return Ok(read),
            Ok(_) => return Err(errors),
            Err(Unread::Type { path, message }) => (path, message),
            Err(Unread::Wrong(problems)) => {
                errors.extend(problems.into_iter().map(|problem| {
                    let path = join(prefix, &problem.path);
                    ConfigError {
                        place: Some(index.find(&path).value),
                        path,
                        message: problem.message,
                    }
                }));
                return Err(errors);
            }
        };
        let path = text(&at);
        let mistake = Mistake::new(&message);
        if let Mistake::UnknownKey { key, known } = &mistake
            && let Some(meant) = suggest::nearest(key, known.iter().map(String::as_str))
        {
            // It is there, under a wrong name.
            let parent = path.strip_suffix(key.as_str()).unwrap_or_default();
            removed.push(join(parent.trim_end_matches('.'), meant));
        }
        if !follows(&path, &mistake, &removed) {
            let path = join(prefix, &path);
            let spot = index.find(&path);
            errors.push(ConfigError {
                place: Some(match mistake {
                    Mistake::UnknownKey { .. } => spot.key,
                    _ => spot.value,
                }),
                message: mistake.explain(&schema(), &at),
                path,
            });
        }
        if errors.len() >= MAX_ERRORS || !remove(&mut value, &at, &mut removed) {
            return Err(errors);
        }
    }
}

/// True if the error comes from nothing but what was taken out before.
fn follows(path: &str, mistake: &Mistake, removed: &[String]) -> bool {
    match mistake {
        // Of a cluster's `endpoints` and `discovery` one is enough, also one that is wrong.
        Mistake::MissingKey(key) => {
            let gone = |key: &str| removed.contains(&join(path, key));
            gone(key) || key == "endpoints" && gone("discovery")
        }
        Mistake::UnknownKey { .. } => false,
        _ => removed.iter().any(|removed| {
            removed
                .strip_prefix(path)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|key| !key.contains(['.', '[']))
        }),
    }
}

fn join(path: &str, key: &str) -> String {
    match (path.is_empty(), key.is_empty() || key.starts_with('[')) {
        (true, _) => key.to_owned(),
        (false, true) => format!("{path}{key}"),
        (false, false) => format!("{path}.{key}"),
    }
}

/// The path as errors show it.
fn text(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } => text = join(&text, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// Takes out the innermost key on `path`. False if there is none, or it is not there.
fn remove(value: &mut Value, path: &Path, removed: &mut Vec<String>) -> bool {
    let segments: Vec<&Segment> = path
        .iter()
        .filter(|segment| matches!(segment, Segment::Seq { .. } | Segment::Map { .. }))
        .collect();
    let last = |segment: &&Segment| matches!(segment, Segment::Map { .. });
    let Some(last) = segments.iter().rposition(last) else {
        return false;
    };
    let mut at = value;
    let mut name = String::new();
    for segment in segments.iter().take(last) {
        let next = match segment {
            Segment::Seq { index } => {
                name.push_str(&format!("[{index}]"));
                at.get_mut(index)
            }
            Segment::Map { key } => {
                name = join(&name, key);
                at.get_mut(key)
            }
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        let Some(next) = next else { return false };
        at = next;
    }
    let (Some(Segment::Map { key }), Some(map)) = (segments.get(last), at.as_object_mut()) else {
        return false;
    };
    removed.push(join(&name, key));
    map.shift_remove(key).is_some()
}
