//! "Did you mean …?"

/// Choices that are listed where none is near.
const MAX_LISTED: usize = 12;

/// The one of `known` that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(word);
    let distance = |name: &str| strsim::damerau_levenshtein(&folded, &fold(name));
    let (name, distance) = known
        .into_iter()
        .map(|name| (name, distance(name)))
        .min_by_key(|(_, distance)| *distance)?;
    let longest = name.chars().count().max(word.chars().count());
    (distance <= (longest / 3).max(1) && distance < longest).then_some(name)
}

/// Case and the kind of dash are the usual mistakes.
fn fold(word: &str) -> String {
    // The distance costs the product of both lengths.
    let folded = word.chars().take(64).flat_map(char::to_lowercase);
    folded.map(|c| if c == '-' { '_' } else { c }).collect()
}

/// A key or word from the file, short enough for a line.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

/// `did you mean `x`?`, or else the whole choice in `what`'s words.
pub(crate) fn or_list<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
) -> String {
    if let Some(name) = nearest(word, known.clone()) {
        return format!("did you mean `{name}`?");
    }
    let mut names: Vec<&str> = known.into_iter().collect();
    let rest = names.len().saturating_sub(MAX_LISTED);
    names.truncate(MAX_LISTED);
    if names.is_empty() {
        return format!("there are no {what}");
    }
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    format!("the {what} are {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_only() {
        let keys = ["timeout", "to", "retry", "name", "match"];
        assert_eq!(nearest("timeuot", keys), Some("timeout"));
        assert_eq!(nearest("Timeout", keys), Some("timeout"));
        assert_eq!(nearest("mach", keys), Some("match"));
        assert_eq!(nearest("xyz", keys), None);
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(
            nearest("connect-timeout", ["connect_timeout"]),
            Some("connect_timeout")
        );
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn else_the_choice() {
        assert_eq!(or_list("zzz", ["a1", "b2"], "keys"), "the keys are a1, b2");
        assert_eq!(or_list("zzz", [], "clusters"), "there are no clusters");
        let many: Vec<String> = (0..100).map(|n| format!("cluster{n}")).collect();
        let text = or_list("zzz", many.iter().map(String::as_str), "clusters");
        assert!(text.ends_with("cluster11 and 88 more"), "{text}");
    }
}
