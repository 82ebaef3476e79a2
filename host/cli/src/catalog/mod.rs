//! Offers from a file instead of the account: the CSV that gpuhunt or SkyPilot writes, or the same as JSON lines.

mod comma_separated;
mod json_lines;
mod line;
#[cfg(test)]
#[path = "../../../../tests/fuzz/checks/mutate.rs"]
pub(crate) mod mutate;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use nebius_api::text::{self, NotJson};
use quotagate::{Descriptor, Offer};

use self::line::Line;
use crate::gpu::Gpus;

/// The offers of a catalog.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Catalog {
    /// Those of the account's cloud, and those that name no cloud.
    pub(crate) entries: Vec<Entry>,
    /// How many rows name another cloud.
    pub(crate) of_other_clouds: usize,
}

/// An offer of a catalog.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The offer.
    pub(crate) offer: Offer,
    /// Its price per hour, where the catalog has one.
    pub(crate) price: Option<f64>,
    /// The GPUs of one instance, where the catalog says.
    pub(crate) gpus: Option<Gpus>,
}

/// Why a catalog cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CatalogError {
    /// The file cannot be read.
    #[error("cannot read the catalog `{file}`")]
    Unreadable {
        /// The file.
        file: String,
        /// What the file system says.
        source: io::Error,
    },
    /// A line makes no sense.
    #[error("the catalog `{file}` is malformed at line {line}: {reason}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// There is nothing in it.
    #[error(
        "the catalog `{0}` is empty: give a CSV of gpuhunt or SkyPilot with its header, or JSON lines"
    )]
    Empty(String),
    /// It is something else.
    #[error("the catalog `{file}` {what}; give a CSV of gpuhunt or SkyPilot, or JSON lines")]
    Other {
        /// The file.
        file: String,
        /// What it is.
        what: NotJson,
    },
}

/// Reads the offers of a cloud from a catalog; `-` is stdin.
pub(crate) fn read(path: &Path, cloud: &Descriptor) -> Result<Catalog, CatalogError> {
    if path.as_os_str() == "-" {
        let stdin = BufReader::new(Bounded::new(io::stdin().lock()));
        return parse(stdin, "stdin", cloud);
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => parse(BufReader::new(Bounded::new(file)), &name, cloud),
        Err(source) => Err(CatalogError::Unreadable { file: name, source }),
    }
}

/// More than the catalogues of all clouds together have, and little enough for any machine.
const LARGEST: u64 = 64 << 20;

/// What is read, up to the largest catalog; beyond it reading fails.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    const fn new(inner: R) -> Self {
        Self {
            inner,
            left: LARGEST,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other("it is larger than 64 MiB, and no catalog is"))?;
        Ok(read)
    }
}

/// The mark that some editors put before UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a catalog from text: JSON lines where it starts with `{`, else CSV.
fn parse(mut text: impl BufRead, file: &str, cloud: &Descriptor) -> Result<Catalog, CatalogError> {
    let unreadable = |source| CatalogError::Unreadable {
        file: file.to_owned(),
        source,
    };
    let start = text.fill_buf().map_err(unreadable)?;
    if let Some(what) = text::unlike_text(start) {
        return Err(CatalogError::Other {
            file: file.to_owned(),
            what,
        });
    }
    if start.starts_with(MARK) {
        text.consume(MARK.len());
    }
    // The first byte that is not white space decides; what comes before it is of no use to either form.
    let mut lines_before = 0;
    loop {
        let buffer = text.fill_buf().map_err(unreadable)?;
        let Some(first) = buffer.first().copied() else {
            return Err(CatalogError::Empty(file.to_owned()));
        };
        if first == b'{' {
            return json_lines::read(text, file, cloud, lines_before);
        }
        if first == b'[' {
            let reason =
                String::from("it is a JSON list: give a line for each item (`jq -c '.[]'`)");
            return Err(malformed(file, lines_before + 1, reason));
        }
        if !first.is_ascii_whitespace() {
            return comma_separated::read(text, file, cloud, lines_before);
        }
        lines_before += u64::from(first == b'\n');
        text.consume(1);
    }
}

impl Catalog {
    fn add(&mut self, line: Line, cloud: &Descriptor) -> Result<(), String> {
        match line.entries(cloud)? {
            Some(entries) => self.entries.extend(entries),
            None => self.of_other_clouds += 1,
        }
        Ok(())
    }
}

fn malformed(file: &str, line: u64, reason: String) -> CatalogError {
    CatalogError::Malformed {
        file: file.to_owned(),
        line,
        reason,
    }
}
