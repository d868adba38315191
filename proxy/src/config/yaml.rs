//! From text to values: syntax, duplicate keys, aliases, nesting.

use serde_json::Value;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{DuplicateKeyPolicy, Error, MessageFormatter, Options, UserMessageFormatter};

use super::error::ConfigError;
use super::locate::{Index, Place};

/// Levels of mappings and lists within each other. The longest path of the schema has nine.
const MAX_DEPTH: usize = 64;
/// Values in all, aliases expanded. A list of 100,000 endpoints with weights has 500,000.
const MAX_NODES: usize = 1_000_000;

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_documents: 1,
            max_aliases: 10_000,
            max_anchors: 10_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_NODES / 10,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        // `no` and `on` are words; `on` is even a key.
        strict_booleans: true,
        with_snippet: false,
        emit_comments: false,
    }
}

/// Reads `text`. The values keep the order of the file.
pub(super) fn read(text: &str, index: &Index) -> Result<Value, ConfigError> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| explain(&error, index))
}

fn explain(error: &Error, index: &Index) -> ConfigError {
    let error = match error.without_snippet() {
        // What came of an alias; its own place is the alias's.
        Error::AliasError { error, .. } => error.without_snippet(),
        error => error,
    };
    let place = error.location().filter(|at| at.line() > 0).map(|at| Place {
        line: usize::try_from(at.line()).unwrap_or(usize::MAX),
        column: usize::try_from(at.column()).unwrap_or(usize::MAX),
    });
    let message = match error {
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => {
                format!("nests deeper than {MAX_DEPTH} levels, which no configuration needs")
            }
            BudgetBreach::Documents { .. } => several_documents(),
            _ => too_complex(),
        },
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => too_complex(),
        Error::MultipleDocuments { .. } => several_documents(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            "this alias (`*name`) stands within its own anchor".to_owned()
        }
        Error::DuplicateMappingKey { .. } => "this key is there twice; keep one".to_owned(),
        Error::UnknownAnchor { .. } => {
            "this alias (`*name`) has no anchor (`&name`) before it".to_owned()
        }
        other => format!(
            "is not valid YAML: {}",
            UserMessageFormatter.format_message(other)
        ),
    };
    let path = match error {
        Error::DuplicateMappingKey { .. } => place.and_then(|place| index.path_at(place)),
        _ => None,
    };
    ConfigError {
        place: place.or(Some(Place::START)),
        path: path.unwrap_or_default(),
        message,
    }
}

fn several_documents() -> String {
    "there is more than one YAML document (`---`); keep one".to_owned()
}

fn too_complex() -> String {
    format!("has more than {MAX_NODES} values, or too many anchors and aliases")
}
