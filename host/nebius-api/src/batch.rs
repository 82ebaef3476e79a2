//! Files that are replaced together: none before all are on the disk, and each whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    mem,
    path::{Path, PathBuf},
};

/// How many names are tried for a file that is being written.
const TRIES: u32 = 100;

/// Files that wait to take their places. Dropped before that, they leave everything as it was.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Where each is, and where it belongs.
    staged: Vec<(PathBuf, PathBuf)>,
    /// Files that are to go.
    gone: Vec<PathBuf>,
}

/// What the file system refused, and where.
pub(crate) type Refused = (PathBuf, io::Error);

impl Batch {
    /// Writes a file beside its place.
    pub(crate) fn write(&mut self, place: &Path, text: &str) -> Result<(), Refused> {
        let folder = place.parent().unwrap_or(Path::new(""));
        let refused = |error| (place.to_owned(), error);
        if !folder.as_os_str().is_empty() {
            fs::create_dir_all(folder).map_err(|error| (folder.to_owned(), error))?;
        }
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let (path, mut file) = create(folder, &name).map_err(refused)?;
        self.staged.push((path, place.to_owned()));
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(refused)
    }

    /// Lets a file go with the others.
    pub(crate) fn remove(&mut self, place: &Path) {
        self.gone.push(place.to_owned());
    }

    /// Puts every file in its place, in the order in which they were written.
    pub(crate) fn commit(mut self) -> Result<(), Refused> {
        for (path, place) in &self.staged {
            fs::rename(path, place).map_err(|error| (place.clone(), error))?;
        }
        self.staged.clear();
        for place in mem::take(&mut self.gone) {
            match fs::remove_file(&place) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err((place, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for (path, _) in &self.staged {
            // It may have taken its place already.
            let _gone = fs::remove_file(path);
        }
    }
}

/// Makes a file that was not there, so that no link is followed.
fn create(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let process = std::process::id();
    let mut last = io::Error::from(ErrorKind::AlreadyExists);
    for number in 0..TRIES {
        let path = folder.join(format!(".{name}.{process}-{number}.new"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
