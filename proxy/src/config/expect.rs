//! What would have been right: deserializers' messages, made into sentences for people with the schema's help.

use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::suggest::{self, shown};

/// What a deserializer complained about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// A key that does not exist here, and those that do.
    UnknownKey { key: String, known: Vec<String> },
    /// A key that must be there.
    MissingKey(String),
    /// A word that is none of the choice.
    UnknownWord { word: String, known: Vec<String> },
    /// A value of another type: what was found, and what the type calls itself.
    WrongType { found: String, expected: String },
    /// A sentence from the type itself.
    Told(String),
}

impl Mistake {
    /// Takes apart what serde's error constructors make (`serde::de::Error`).
    pub(super) fn new(message: &str) -> Self {
        if let Some((key, known)) = quoted(message, "unknown field ") {
            return Self::UnknownKey { key, known };
        }
        if let Some((word, known)) = quoted(message, "unknown variant ") {
            return Self::UnknownWord { word, known };
        }
        if let Some((key, _)) = quoted(message, "missing field ") {
            return Self::MissingKey(key);
        }
        let wrong = message
            .strip_prefix("invalid type: ")
            .or_else(|| message.strip_prefix("invalid value: "));
        if let Some((found, expected)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) {
            return Self::WrongType {
                found: found_value(found),
                expected: expected.to_owned(),
            };
        }
        Self::Told(message.to_owned())
    }

    /// The sentence for it, at `path`.
    pub(super) fn explain(&self, schema: &Schema, path: &Path) -> String {
        match self {
            Self::UnknownKey { key, known } => {
                let known = known.iter().map(String::as_str);
                let instead = suggest::or_list(key, known, "keys here");
                format!("unknown key `{}`; {instead}", shown(key))
            }
            Self::UnknownWord { word, known } => {
                let known = known.iter().map(String::as_str);
                let instead = suggest::or_list(word, known, "choices");
                format!("`{}` is not known here; {instead}", shown(word))
            }
            Self::MissingKey(key) => match schema.description(path, key) {
                Some(what) => format!("the key `{key}` is missing: {what}"),
                None => format!("the key `{key}` is missing"),
            },
            Self::WrongType { found, expected } => {
                let expected = match plain_type(expected) {
                    Some(plain) => schema.expected(path).unwrap_or_else(|| plain.to_owned()),
                    // The type's own words know more than the schema.
                    None => expected.clone(),
                };
                format!("{found} where {expected} is expected")
            }
            Self::Told(message) if message.contains("untagged enum") => {
                let expected = schema.expected(path);
                let expected = expected.unwrap_or_else(|| "another form".to_owned());
                format!("this is not valid here: {expected} is expected")
            }
            Self::Told(message) => message.clone(),
        }
    }
}

/// "unknown field `a`, expected one of `b`, `c`": the first name, and the others.
fn quoted(message: &str, start: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix(start)?.strip_prefix('`')?;
    // A key may hold a backtick itself: what follows it is fixed.
    let ends = ["`, expected one of `", "`, expected `", "`, there are no "];
    let end = ends.iter().find_map(|end| rest.find(end));
    let Some(end) = end else {
        return Some((rest.trim_end_matches('`').to_owned(), Vec::new()));
    };
    let (name, list) = rest.split_at_checked(end)?;
    let known = list.split('`').skip(2).step_by(2);
    Some((name.to_owned(), known.map(str::to_owned).collect()))
}

/// serde's words for what it found.
fn found_value(found: &str) -> String {
    let name = |prefix| {
        let rest: &str = found.strip_prefix(prefix)?;
        Some(rest.trim_matches('`').to_owned())
    };
    match found {
        "null" | "unit value" => "nothing".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        _ => name("string ")
            .or_else(|| name("integer "))
            .or_else(|| name("floating point "))
            .or_else(|| name("boolean "))
            .map_or_else(|| shown(found), |value| shown_value(&value)),
    }
}

fn shown_value(value: &str) -> String {
    let mut shown: String = value.chars().take(60).collect();
    if value.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

/// The words of serde and of Rust for types, in the user's. None for a type that describes itself.
fn plain_type(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "usize" | "u8" | "u16" | "u32" | "u64" => "a whole number of 0 or more",
        "isize" | "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "string or map" | "variant identifier" => "a string",
        "a sequence" => "a list",
        "a map" => "a mapping",
        _ if expected.starts_with("struct ") => "a mapping",
        _ if expected.starts_with("enum ") => "a string",
        _ => return None,
    })
}

/// The configuration's own JSON Schema, to look things up in.
pub(super) struct Schema(Value);

impl Schema {
    pub(super) fn new() -> Self {
        Self(super::schema())
    }

    /// Another one.
    pub(super) fn of(schema: Value) -> Self {
        Self(schema)
    }

    /// What `path` should hold: `a duration like 250ms`, `one of a, b`, `a list`.
    fn expected(&self, path: &Path) -> Option<String> {
        let mut kinds: Vec<String> = Vec::new();
        for (name, node) in self.at(path) {
            if let Some(kind) = kind(name, node)
                && !kinds.contains(&kind)
            {
                kinds.push(kind);
            }
        }
        // Words of a choice come one by one.
        let (words, mut rest): (Vec<_>, Vec<_>) =
            kinds.into_iter().partition(|kind| kind.starts_with('`'));
        if !words.is_empty() {
            rest.push(format!("one of {}", words.join(", ")));
        }
        (!rest.is_empty()).then(|| rest.join(" or "))
    }

    /// What the key is for, from the schema: the first sentence.
    fn description(&self, path: &Path, key: &str) -> Option<String> {
        self.at(path).into_iter().find_map(|(_, node)| {
            let text = node.get("properties")?.get(key)?.get("description")?;
            let text = text.as_str()?.split(". ").next()?.replace('\n', " ");
            Some(text.trim_end_matches('.').to_owned())
        })
    }

    /// The schemas that apply at `path`, with the names of their definitions.
    fn at(&self, path: &Path) -> Vec<(&str, &Value)> {
        let mut here = Vec::new();
        self.open("", &self.0, &mut here, 0);
        for segment in path {
            let mut below = Vec::new();
            for (_, node) in here {
                let child = match segment {
                    Segment::Map { key } => node
                        .get("properties")
                        .and_then(|keys| keys.get(key))
                        .or_else(|| node.get("additionalProperties")),
                    Segment::Seq { .. } => node.get("items"),
                    Segment::Enum { .. } | Segment::Unknown => None,
                };
                if let Some(child) = child {
                    self.open("", child, &mut below, 0);
                }
            }
            here = below;
        }
        here
    }

    /// Follows references and alternatives.
    fn open<'a>(
        &'a self,
        name: &'a str,
        node: &'a Value,
        out: &mut Vec<(&'a str, &'a Value)>,
        depth: usize,
    ) {
        if depth > 16 {
            return;
        }
        out.push((name, node));
        if let Some(reference) = node.get("$ref").and_then(Value::as_str)
            && let Some(name) = reference.strip_prefix("#/$defs/")
            && let Some(target) = self.0.get("$defs").and_then(|defs| defs.get(name))
        {
            self.open(name, target, out, depth + 1);
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            let alternatives = node.get(key).and_then(Value::as_array);
            for alternative in alternatives.into_iter().flatten() {
                self.open(name, alternative, out, depth + 1);
            }
        }
    }
}

/// One schema in words.
fn kind(name: &str, node: &Value) -> Option<String> {
    if let Some(example) = node.pointer("/examples/0").and_then(Value::as_str) {
        let name = name.to_lowercase();
        let article = if name.starts_with(['a', 'e', 'i', 'o']) {
            "an"
        } else {
            "a"
        };
        return Some(match name.as_str() {
            "" => format!("something like {example}"),
            _ => format!("{article} {name} like {example}"),
        });
    }
    if let Some(word) = node.get("const").and_then(Value::as_str) {
        return Some(format!("`{word}`"));
    }
    if let Some(words) = node.get("enum").and_then(Value::as_array) {
        let words = words.iter().filter_map(Value::as_str);
        return Some(
            words
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", "),
        );
    }
    let plain = match node.get("type").and_then(Value::as_str)? {
        "string" => "a string",
        "integer" => return Some(integer(node)),
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => return Some(object(node)),
        _ => return None,
    };
    Some(plain.to_owned())
}

/// A whole number, with its bounds.
fn integer(node: &Value) -> String {
    let bound = |key| node.get(key).and_then(Value::as_u64);
    match (bound("minimum"), bound("maximum")) {
        (Some(low), Some(high)) => format!("a whole number from {low} to {high}"),
        (Some(low), None) => format!("a whole number of {low} or more"),
        _ => "a whole number".to_owned(),
    }
}

/// A mapping, with its keys if they are few.
fn object(node: &Value) -> String {
    let keys = node.get("properties").and_then(Value::as_object);
    match keys {
        Some(keys) if !keys.is_empty() && keys.len() <= 12 => {
            let keys: Vec<&str> = keys.keys().map(String::as_str).collect();
            format!("a mapping ({})", keys.join(", "))
        }
        _ => "a mapping".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_messages_apart() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        for (message, mistake) in [
            (
                "unknown field `a`, expected one of `b`, `c`, `d`",
                Mistake::UnknownKey {
                    key: "a".into(),
                    known: words(&["b", "c", "d"]),
                },
            ),
            (
                "unknown field `a`, expected `b`",
                Mistake::UnknownKey {
                    key: "a".into(),
                    known: words(&["b"]),
                },
            ),
            (
                "unknown field `a`, expected `b` or `c`",
                Mistake::UnknownKey {
                    key: "a".into(),
                    known: words(&["b", "c"]),
                },
            ),
            (
                "unknown field `a`, there are no fields",
                Mistake::UnknownKey {
                    key: "a".into(),
                    known: vec![],
                },
            ),
            (
                "unknown variant `x`y`, expected `b` or `c`",
                Mistake::UnknownWord {
                    word: "x`y".into(),
                    known: words(&["b", "c"]),
                },
            ),
            ("missing field `to`", Mistake::MissingKey("to".into())),
            (
                "invalid type: integer `5`, expected a string",
                Mistake::WrongType {
                    found: "5".into(),
                    expected: "a string".into(),
                },
            ),
            (
                "invalid type: string \", expected x\", expected usize",
                Mistake::WrongType {
                    found: "\", expected x\"".into(),
                    expected: "usize".into(),
                },
            ),
            ("anything else", Mistake::Told("anything else".into())),
        ] {
            assert_eq!(Mistake::new(message), mistake, "{message}");
        }
    }

    #[test]
    fn a_hostile_key_stays_on_its_line() {
        let key = "\u{1b}[2J\n".repeat(100);
        let mistake = Mistake::new(&format!("unknown field `{key}`, expected `b`"));
        let Mistake::UnknownKey { key, .. } = mistake else {
            panic!("{mistake:?}")
        };
        let line = shown(&key);
        assert!(
            line.chars().count() < 600 && !line.contains(['\u{1b}', '\n']),
            "{line}"
        );
    }
}
