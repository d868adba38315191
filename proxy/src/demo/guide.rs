//! What to try, for people.

use std::fmt::Write;
use std::net::SocketAddr;

use super::exhibit::Exhibit;

/// The commands, ready to be copied. `program` is how this one was called.
pub(super) fn text(
    program: &str,
    exhibits: &[Exhibit],
    proxy: SocketAddr,
    admin: Option<SocketAddr>,
) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let names: Vec<&str> = exhibits.iter().map(|exhibit| exhibit.title).collect();
    let names = match names.split_last() {
        Some((last, names)) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        _ => names.concat(),
    };
    writeln!(
        out,
        "{names} on {proxy}, with an echo service behind each. Ctrl-C ends it. Try:"
    )?;
    for exhibit in exhibits {
        writeln!(out, "\n{}", exhibit.title)?;
        for each in (exhibit.tries)() {
            writeln!(out, "  # {}", each.about)?;
            writeln!(out, "  {}", each.command(program, proxy))?;
        }
        for (about, line) in (exhibit.others)(proxy) {
            writeln!(out, "  # {about}\n  {line}")?;
        }
    }
    if let Some(admin) = admin {
        writeln!(out, "\nAdmin")?;
        for (about, command) in [
            ("what was answered, and how fast", "metrics"),
            ("what runs", "config"),
            ("where requests go", "clusters"),
        ] {
            writeln!(out, "  # {about}\n  curl http://{admin}/{command}")?;
        }
    }
    Ok(out)
}
