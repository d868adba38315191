//! Choosing cases by name.

/// Whether a name matches a pattern, in which `*` stands for anything, slashes too, and `?` for one character.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Where the last star is, and how much of the name it has taken.
    let mut star: Option<(usize, usize)> = None;
    while seen < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(byte) if *byte == b'?' || name.get(seen) == Some(byte) => {
                at += 1;
                seen += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    at = place + 1;
                    seen = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, expected) in [
            ("dubbo/wire/success", "dubbo/wire/success", true),
            ("dubbo/*", "dubbo/wire/success", true),
            ("*/success", "dubbo/wire/success", true),
            ("*wire*", "dubbo/wire/success", true),
            ("d*o/w*/s*s", "dubbo/wire/success", true),
            ("bolt*/wire/?uccess", "bolt-v2/wire/success", true),
            ("dubbo", "dubbo/wire/success", false),
            ("*/wire", "dubbo/wire/success", false),
            ("?", "", false),
            ("", "x", false),
            ("*", "", true),
            ("**a", "aaa", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
