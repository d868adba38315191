//! `wireloom new-codec`: a crate to begin with.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("new_codec/Cargo.toml.in")),
    ("mesh.yaml", include_str!("new_codec/mesh.yaml.in")),
    ("src/lib.rs", include_str!("new_codec/lib.rs.in")),
    ("src/main.rs", include_str!("new_codec/main.rs.in")),
];

/// Writes the crate `name` into a new folder of that name in `parent`. `wireloom` is a checkout of Wireloom, on whose crates it
/// depends by their paths.
pub(crate) fn write(name: &str, parent: &Path, wireloom: &Path) -> anyhow::Result<()> {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !first || !name.chars().all(plain) {
        bail!("`{name}` is no name for a protocol: write letters a to z, digits and `-`");
    }
    if crate::PROTOCOLS.contains(&name) {
        bail!("Wireloom speaks `{name}` already");
    }
    let found = wireloom.join("codecs/Cargo.toml").is_file();
    if !found {
        let at = wireloom.display();
        bail!("{at} is not a checkout of Wireloom; `--wireloom DIR` says where one is");
    }
    let wireloom = fs::canonicalize(wireloom)?;
    let folder = parent.join(name);
    fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::create_dir(folder.join("src"))?;
    let path = wireloom.to_str().context("the path is not UTF-8")?;
    for (file, text) in FILES {
        let text = text.replace("@NAME@", name).replace("@WIRELOOM@", path);
        let text = text.replace("@MODULE@", &name.replace('-', "_"));
        fs::write(folder.join(file), text)?;
    }
    // The versions that Wireloom was tested with; what is not needed is left out by the first build.
    let lock = wireloom.join("Cargo.lock");
    if lock.is_file() {
        fs::copy(lock, folder.join("Cargo.lock"))?;
    }
    Ok(())
}
