//! Saves a status in a file, for the day on which the table is out of reach.
//!
//! The file names accounts, parameters and secrets, so only its owner may read it. It appears as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::status::HubStatus;

/// The version of the format of the file.
const FORMAT: u64 = 1;

/// Writes the status and the accounts of the organisation, each with its id and name.
///
/// # Errors
/// The reason, for a person.
pub(super) fn save(status: &HubStatus, path: &Path) -> Result<(), String> {
    let accounts: Vec<Value> = status
        .in_scope
        .iter()
        .map(|account| json!({"id": account.as_str(), "name": status.name(account)}))
        .collect();
    let document = json!({"format": FORMAT, "status": status.whole(), "accounts": accounts});
    let text = format!("{document:#}\n");
    replace(path, text.as_bytes()).map_err(|error| {
        format!(
            "cannot save the status in `{}`: {error}; a file there stays as it was",
            path.display()
        )
    })
}

/// Writes a new file beside `path`, and gives it the name of `path` when it is complete.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = draft_of(path)?;
    let written = written(&draft, bytes).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // The draft does not exist if it could not be created.
        drop(fs::remove_file(&draft));
    }
    written
}

fn written(draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private_file(draft)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn draft_of(path: &Path) -> io::Result<PathBuf> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "it is not the name of a file");
    let name = path.file_name().ok_or_else(no_name)?.to_string_lossy().into_owned();
    Ok(path.with_file_name(format!(".{name}.{}.tmp", std::process::id())))
}

/// A new file that only its owner may read and write.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("hubctl-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir(&folder).expect("a folder");
        folder
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_only_its_owner_may_read_it() {
        let folder = folder("saves");
        let path = folder.join("status.json");
        fs::write(&path, "old, and longer than the new text").expect("a file");
        replace(&path, b"new").expect("it is written");
        assert_eq!(fs::read(&path).expect("a file"), b"new");
        #[cfg(unix)]
        {
            let mode = fs::metadata(&path).expect("a file").permissions();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "no draft is left");
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_and_leaves_no_draft() {
        let folder = folder("fails");
        let taken = folder.join("taken");
        fs::create_dir(&taken).expect("a folder");
        fs::write(taken.join("file"), "x").expect("a file");
        for path in [folder.join("no/such/file"), taken, folder.join("..")] {
            replace(&path, b"new").expect_err("not a place for a file");
        }
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "no draft is left");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
