//! Why holds cannot be kept in a file.

use std::{io, path::PathBuf};

use super::{file::LONGEST, lines::FORMAT};

/// Why holds cannot be kept in a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HoldFileError {
    /// Another process keeps its holds there.
    #[error("`{}` is in use by another process: give each its own file, or stop the other", .0.display())]
    InUse(PathBuf),
    /// The file or its lock is a link, a directory or a device.
    #[error("`{}` is not an ordinary file: holds are kept in one, and no link is followed to it", .0.display())]
    NotAFile(PathBuf),
    /// The file is far too long.
    #[error("`{}` is longer than any file of holds ({} MiB): give another file", .0.display(), LONGEST >> 20)]
    TooLong(PathBuf),
    /// There is no room for another hold, and the file cannot be shortened.
    #[error(
        "`{}` is full ({} MiB) and cannot be shortened: let this process make files in its folder",
        path.display(), LONGEST >> 20
    )]
    Full {
        /// Which.
        path: PathBuf,
        /// Why it cannot be shortened.
        #[source]
        source: Box<Self>,
    },
    /// The file cannot be read or written: no permission, no space, no such folder.
    #[error("cannot keep holds in `{}`", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the file system says.
        #[source]
        source: io::Error,
    },
    /// Another version of quotagate wrote it.
    #[error(
        "`{}` holds lines of format {found}, and this version reads format {FORMAT}: holds end by themselves within \
         minutes; then move the file away",
        path.display()
    )]
    OtherFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It holds something else.
    #[error(
        "line {line} of `{}` is no event of a hold; if no launch is under way, move the file away",
        path.display()
    )]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}
