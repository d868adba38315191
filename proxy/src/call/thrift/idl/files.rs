//! A file and all that it includes.

use std::fs::File as Handle;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::lexer::{Mistake, place};
use super::parser::parse;
use super::resolve::resolve;
use super::service::Idl;
use super::syntax::{Document, Name};

/// The most files, and the longest one, in bytes.
const MAX_FILES: usize = 1000;
const LONGEST: u64 = 16 << 20;

/// A file that was read.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    text: String,
    pub(super) document: Document,
    /// Names of included files, as they stand before a dot, and which these are.
    pub(super) includes: Vec<(String, usize)>,
}

/// Reads a file and what it includes. What is included is looked for beside the file that says so, and then in `dirs`.
///
/// An error reads `FILE:LINE:COLUMN: what is wrong`.
pub(in super::super) fn load(path: &Path, dirs: &[PathBuf]) -> Result<Idl, String> {
    let mut loader = Loader {
        dirs,
        files: Vec::new(),
        known: Vec::new(),
        open: Vec::new(),
    };
    let text = read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let main = loader.file(path, text)?;
    resolve(&loader.files, main).map_err(|(at, mistake)| {
        loader
            .files
            .get(at)
            .map_or_else(String::new, |file| file.told(&mistake))
    })
}

impl File {
    fn told(&self, mistake: &Mistake) -> String {
        told(&self.path, &self.text, mistake)
    }
}

fn told(path: &Path, text: &str, mistake: &Mistake) -> String {
    let (line, column) = place(text, mistake.at);
    format!("{}:{line}:{column}: {}", path.display(), mistake.what)
}

struct Loader<'a> {
    dirs: &'a [PathBuf],
    files: Vec<File>,
    /// Where each file really is.
    known: Vec<(PathBuf, usize)>,
    /// The files whose includes are being read.
    open: Vec<PathBuf>,
}

impl Loader<'_> {
    fn file(&mut self, path: &Path, text: String) -> Result<usize, String> {
        let document = parse(&text).map_err(|mistake| told(path, &text, &mistake))?;
        self.open.push(real(path));
        let mut includes = Vec::new();
        for include in &document.includes {
            let wrong = |what: String| {
                let mistake = Mistake::new(include.at, what);
                told(path, &text, &mistake)
            };
            let stem = Path::new(&include.text).file_stem().unwrap_or_default();
            let name = stem.to_string_lossy().into_owned();
            let (found, content) = self.find(path, include).map_err(wrong)?;
            let place = real(&found);
            let known = self.known.iter().find(|(known, _)| *known == place);
            let at = match known {
                Some((_, at)) => *at,
                None if self.open.contains(&place) => {
                    return Err(wrong(format!("`{}` includes itself", include.text)));
                }
                None if self.known.len() + self.open.len() >= MAX_FILES => {
                    return Err(wrong(format!("there are more than {MAX_FILES} files")));
                }
                None => self.file(&found, content)?,
            };
            includes.push((name, at));
        }
        self.open.pop();
        let at = self.files.len();
        self.known.push((real(path), at));
        self.files.push(File {
            path: path.to_owned(),
            text,
            document,
            includes,
        });
        Ok(at)
    }

    fn find(&self, from: &Path, include: &Name) -> Result<(PathBuf, String), String> {
        let own = from.parent().map(Path::to_owned);
        let places = own
            .iter()
            .chain(self.dirs)
            .map(|dir| dir.join(&include.text));
        for place in places {
            match read(&place) {
                Ok(text) => return Ok((place, text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("cannot read {}: {error}", place.display())),
            }
        }
        Err(format!(
            "`{}` is not there; --proto-path names more places to look at",
            include.text
        ))
    }
}

/// The path without links and dots.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = Handle::open(path)?
        .take(LONGEST + 1)
        .read_to_string(&mut text)?;
    match u64::try_from(read) {
        Ok(..=LONGEST) => Ok(text),
        _ => Err(io::Error::other(format!(
            "it is longer than {LONGEST} bytes"
        ))),
    }
}
