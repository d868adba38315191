//! Lists that may be written as their only entry.

use crate::config::OneOrMany;

/// Each text with the path that it is found at: a single one may stand without a list.
pub(crate) fn each(
    path: String,
    texts: Option<&OneOrMany>,
) -> impl Iterator<Item = (String, &str)> {
    let texts = texts.into_iter().flat_map(|texts| {
        let one = texts.is_one();
        texts.iter().map(move |text| (one, text))
    });
    texts.enumerate().map(move |(at, (one, text))| match one {
        // The first entry of a list of one is found at the list's place too.
        true => (path.clone(), text),
        false => (format!("{path}[{at}]"), text),
    })
}
