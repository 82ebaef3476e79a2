//! Catalogs as JSON lines: an object for each offer.

use std::io::BufRead;

use quotagate::Descriptor;

use super::{Catalog, CatalogError, line::Line, malformed};

/// Reads the lines of a catalog.
pub(super) fn read(
    text: impl BufRead,
    file: &str,
    cloud: &Descriptor,
    lines_before: u64,
) -> Result<Catalog, CatalogError> {
    let mut catalog = Catalog::default();
    for (line, number) in text.lines().zip(lines_before + 1..) {
        let line = line.map_err(|source| CatalogError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
        if line.trim().is_empty() {
            continue;
        }
        serde_json::from_str::<Line>(&line)
            .map_err(|error| without_place(&error))
            .and_then(|line| catalog.add(line, cloud))
            .map_err(|reason| malformed(file, number, reason))?;
    }
    Ok(catalog)
}

/// What the parser says, without its own line number: it was given one line.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => format!("{reason} (column {})", error.column()),
        None => text,
    }
}
