//! From a file to a configuration, or to everything that is wrong with it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use wireloom_router::filter::Registry;

use super::locate::Index;
use super::{Config, ConfigError, ConfigErrors, check, filters, typed, yaml};
use crate::sources::Sources;

/// The longest file, in bytes: 8 MiB, which is some 100,000 endpoints.
pub const MAX_FILE: usize = 8 << 20;

/// Reads the file at `path`. `protocols` are the names that may stand where a protocol is named.
///
/// # Errors
/// Everything that is wrong, with its place in the file. What is wrong with the YAML hides what is wrong with the
/// values, and that hides what is wrong between them.
pub fn load(path: &Path, protocols: &[&str]) -> Result<Config, ConfigErrors> {
    load_with(path, protocols, &Registry::builtin(), &Sources::new())
}

/// The same where these filters and sources of endpoints may be named.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    path: &Path,
    protocols: &[&str],
    filters: &Registry,
    sources: &Sources,
) -> Result<Config, ConfigErrors> {
    let bytes = read(path).map_err(|message| ConfigErrors::whole(path, message))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => parse_with(path, text, protocols, filters, sources),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = format!("is not text in UTF-8 (line {line} has bytes that are none)");
            Err(ConfigErrors::whole(path, message))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let told = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read: permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory; name a file in it".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let file = File::open(path).map_err(told)?;
    let mut bytes = Vec::new();
    // By what comes and not by what the file system says, for pipes have no length.
    let limit = MAX_FILE as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(told)?;
    if bytes.len() > MAX_FILE {
        return Err(format!(
            "is longer than {} MiB, the most that a configuration may have",
            MAX_FILE >> 20
        ));
    }
    Ok(bytes)
}

/// Reads `text`, which is said to come from `file`: files that it names are looked for in the same folder. See [`load`].
pub fn parse(file: &Path, text: &str, protocols: &[&str]) -> Result<Config, ConfigErrors> {
    parse_with(file, text, protocols, &Registry::builtin(), &Sources::new())
}

/// The same where these filters and sources of endpoints may be named.
///
/// # Errors
/// As [`load`].
pub fn parse_with(
    file: &Path,
    text: &str,
    protocols: &[&str],
    filters: &Registry,
    sources: &Sources,
) -> Result<Config, ConfigErrors> {
    let index = Index::new(text);
    let value = match yaml::read(text, &index) {
        Ok(Value::Null) => {
            return Err(ConfigErrors::whole(
                file,
                "is empty; a configuration has at least `listeners`, `routes` and `clusters`",
            ));
        }
        Ok(value) => value,
        Err(error) => return Err(ConfigErrors::new(file, vec![error])),
    };
    let mut config =
        typed::read(value, &index).map_err(|errors| ConfigErrors::new(file, errors))?;
    // Whoever reads the file from elsewhere, now or later, means the same certificates.
    config.resolve(file.parent().unwrap_or(Path::new("")));
    let problems = check::problems(&config, protocols, sources);
    let mut errors = filters::problems(&config, (filters, protocols), &index);
    if problems.is_empty() && errors.is_empty() {
        return Ok(config);
    }
    let locate = |problem: wireloom_router::Problem| ConfigError {
        place: Some(index.find(&problem.path).value),
        path: problem.path,
        message: problem.message,
    };
    errors.extend(problems.into_iter().map(locate));
    Err(ConfigErrors::new(file, errors))
}
