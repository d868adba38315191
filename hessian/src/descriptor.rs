//! JVM type descriptors, in which a Dubbo request states its argument types:
//! `Ljava/lang/String;[[IJ` is a String, an `int[][]` and a long.
//!
//! Grammar: JVM specification §4.3; class names are written with `/`. A method has at most 255
//! parameters (§4.11) and an array at most 255 dimensions (§4.4.1).

/// The most arguments a descriptor may have.
pub const MAX_ARGS: usize = 255;

const MAX_DIMENSIONS: usize = 255;

/// Text that is no sequence of type descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the type descriptor is malformed at byte {at}")]
pub struct BadDescriptor {
    /// Offset in bytes.
    pub at: usize,
}

/// The number of arguments in a descriptor. Empty text has none. Work is linear and nothing is allocated.
pub fn count(descriptor: &str) -> Result<usize, BadDescriptor> {
    split(descriptor).try_fold(0, |count, arg| arg.map(|_| count + 1))
}

/// The arguments of a descriptor, one by one; ends behind the first error.
pub fn split(descriptor: &str) -> Args<'_> {
    Args {
        text: descriptor,
        at: 0,
        count: 0,
    }
}

/// See [`split`].
#[derive(Debug, Clone)]
pub struct Args<'a> {
    text: &'a str,
    at: usize,
    count: usize,
}

impl<'a> Iterator for Args<'a> {
    type Item = Result<&'a str, BadDescriptor>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let len = first(rest).filter(|_| self.count < MAX_ARGS);
        let Some(arg) = len.and_then(|len| rest.get(..len)) else {
            let at = std::mem::replace(&mut self.at, self.text.len());
            return Some(Err(BadDescriptor { at }));
        };
        self.count += 1;
        self.at += arg.len();
        Some(Ok(arg))
    }
}

/// The length of the descriptor that `text` starts with.
fn first(text: &str) -> Option<usize> {
    let dimensions = text.bytes().take_while(|b| *b == b'[').count();
    let element = text
        .get(dimensions..)
        .filter(|_| dimensions <= MAX_DIMENSIONS)?;
    match element.bytes().next()? {
        b'L' => element
            .find(';')
            .filter(|end| *end > 1)
            .map(|end| dimensions + end + 1),
        b'V' if dimensions > 0 => None,
        b'V' | b'Z' | b'B' | b'C' | b'D' | b'F' | b'I' | b'J' | b'S' => Some(dimensions + 1),
        _ => None,
    }
}

const PRIMITIVES: [(&str, &str); 9] = [
    ("V", "void"),
    ("Z", "boolean"),
    ("B", "byte"),
    ("C", "char"),
    ("D", "double"),
    ("F", "float"),
    ("I", "int"),
    ("J", "long"),
    ("S", "short"),
];

/// One descriptor as Java source spells the type: `[Ljava/lang/String;` is `java.lang.String[]`.
pub fn java_name(descriptor: &str) -> Result<String, BadDescriptor> {
    if first(descriptor) != Some(descriptor.len()) {
        return Err(BadDescriptor { at: 0 });
    }
    let element = descriptor.trim_start_matches('[');
    let dimensions = descriptor.len() - element.len();
    let primitive = PRIMITIVES.iter().find(|(code, _)| *code == element);
    let mut name = match primitive {
        Some((_, name)) => (*name).to_owned(),
        None => class_of(element).unwrap_or_default(),
    };
    for _ in 0..dimensions {
        name.push_str("[]");
    }
    Ok(name)
}

/// The descriptor of a type named as in Java source (`int`, `java.util.List`, `long[][]`) or as
/// `Class.getName` names it (`[Ljava.lang.String;`), which is how a SOFA request states its argument types.
/// A text that is a descriptor already comes back as it is.
pub fn of_java_name(name: &str) -> Result<String, BadDescriptor> {
    let dotless = name.replace('.', "/");
    if (dotless.starts_with('[') || dotless.ends_with(';') || dotless.len() == 1)
        && first(&dotless) == Some(dotless.len())
    {
        return Ok(dotless);
    }
    let mut element = dotless.as_str();
    let mut descriptor = String::new();
    while let Some(inner) = element.strip_suffix("[]") {
        descriptor.push('[');
        element = inner;
    }
    match PRIMITIVES.iter().find(|(_, name)| *name == element) {
        Some((code, _)) => descriptor.push_str(code),
        None => {
            descriptor.push('L');
            descriptor.push_str(element);
            descriptor.push(';');
        }
    }
    match first(&descriptor) == Some(descriptor.len()) && !element.contains(['[', ']', ' ']) {
        true => Ok(descriptor),
        false => Err(BadDescriptor { at: 0 }),
    }
}

/// The class that an `L...;` descriptor names, with dots.
pub(crate) fn class_of(descriptor: &str) -> Option<String> {
    let name = descriptor.strip_prefix('L')?.strip_suffix(';')?;
    Some(name.replace('/', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_split_and_counted() {
        let args = |text| split(text).collect::<Result<Vec<_>, _>>();
        assert_eq!(args(""), Ok(vec![]));
        assert_eq!(
            args("Ljava/lang/String;[[IJ"),
            Ok(vec!["Ljava/lang/String;", "[[I", "J"])
        );
        assert_eq!(
            args("[[Ljava/lang/String;Z"),
            Ok(vec!["[[Ljava/lang/String;", "Z"])
        );
        assert_eq!(count("VZBCDFIJS"), Ok(9));
        assert_eq!(count("LIJ;"), Ok(1));
        assert_eq!(count("Lcom/acme/Über$Inner;I"), Ok(2));
    }

    #[test]
    fn malformed_text_is_an_error_where_it_is() {
        for (text, at) in [
            ("X", 0),
            ("IQ", 1),
            ("Ljava/lang/String", 0),
            ("L;", 0),
            ("I[", 1),
            ("[V", 0),
            ("java.lang.String", 0),
            ("Iü", 1),
            ("ILÜ", 1),
        ] {
            assert_eq!(count(text), Err(BadDescriptor { at }), "{text}");
        }
    }

    #[test]
    fn numbers_of_arguments_and_dimensions_are_bounded() {
        assert_eq!(count(&"I".repeat(255)), Ok(255));
        assert_eq!(count(&"I".repeat(256)), Err(BadDescriptor { at: 255 }));
        assert_eq!(count(&("[".repeat(255) + "I")), Ok(1));
        assert_eq!(
            count(&("[".repeat(256) + "I")),
            Err(BadDescriptor { at: 0 })
        );
        assert_eq!(count(&"[".repeat(1 << 20)), Err(BadDescriptor { at: 0 }));
    }

    #[test]
    fn names_go_both_ways() {
        for (descriptor, name) in [
            ("I", "int"),
            ("[[J", "long[][]"),
            ("Ljava/lang/String;", "java.lang.String"),
            ("[Lcom/acme/A$B;", "com.acme.A$B[]"),
        ] {
            assert_eq!(java_name(descriptor).as_deref(), Ok(name));
            assert_eq!(of_java_name(name).as_deref(), Ok(descriptor));
            assert_eq!(of_java_name(descriptor).as_deref(), Ok(descriptor));
        }
        assert_eq!(
            of_java_name("[Ljava.lang.String;").as_deref(),
            Ok("[Ljava/lang/String;")
        );
        assert_eq!(of_java_name("[I").as_deref(), Ok("[I"));
        assert!(of_java_name("").is_err());
        assert!(of_java_name("a b").is_err());
        assert!(java_name("II").is_err());
    }
}
