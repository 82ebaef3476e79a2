//! Files that commands read whole: `-` is stdin, and what is far too large for them is not read to its end.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use crate::error::CliError;

/// More than any plan or error has, and little enough for any machine.
const LARGEST: u64 = 16 << 20;

/// What was read, and what to call it.
pub(crate) struct Input {
    /// The file's name, or `stdin`.
    pub(crate) name: String,
    /// All of it.
    pub(crate) bytes: Vec<u8>,
}

/// Whether a path means stdin, or stdout where something is written.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a file, or stdin.
pub(crate) fn read(path: &Path) -> Result<Input, CliError> {
    let mut bytes = Vec::new();
    let read = if is_stdin(path) {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    let name = if is_stdin(path) {
        String::from("stdin")
    } else {
        path.display().to_string()
    };
    match read {
        Ok(length) if length as u64 > LARGEST => Err(CliError::Usage {
            message: format!("`{name}` is larger than 16 MiB"),
            hint: String::new(),
        }),
        Ok(_) => Ok(Input { name, bytes }),
        Err(source) => Err(CliError::File {
            verb: "read",
            path: name.into(),
            source,
        }),
    }
}
