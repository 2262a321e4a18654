//! The committed corpus of the fuzz targets, and the project's payloads, asked for the same properties as what the
//! fuzzer invents (`make fuzz`): whatever it once found stays found, without the fuzzer.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "../fuzz/properties/lib.rs"]
#[expect(unreachable_pub, reason = "they are a library of the fuzz targets, too")]
mod properties;

/// Bytes of a file and files of a target: a corpus is read by people.
const SMALL: (usize, usize) = (2500, 60);

/// The files in `folder` of the project.
fn files(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::read_dir(&folder)
        .expect("a folder of the project")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let bytes = fs::read(&path).expect("a readable file");
            (path, bytes)
        })
        .collect()
}

fn hold(check: fn(&[u8]), files: &[(PathBuf, Vec<u8>)]) {
    let broken: Vec<String> = files
        .iter()
        .filter(|(_, bytes)| catch_unwind(|| check(bytes)).is_err())
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(broken.is_empty(), "what failed is said above, of {}", broken.join(", "));
}

/// The properties `check` hold of the corpus of `target`, which is there and small.
fn of_the_corpus(target: &str, check: fn(&[u8])) {
    let files = files(&format!("tests/fuzz/corpus/{target}"));
    let (bytes, count) = SMALL;
    assert!((20..=count).contains(&files.len()), "{} files", files.len());
    let large = files.iter().find(|(_, content)| content.len() > bytes);
    assert!(large.is_none(), "{large:?}");
    hold(check, &files);
}

#[test]
fn requests_hold_to_their_properties() {
    of_the_corpus("request", properties::request::check);
    let payloads = [files("payloads"), files("payloads/events")].concat();
    assert!(payloads.len() > 20, "{} payloads", payloads.len());
    hold(properties::request::check, &payloads);
}

#[test]
fn provenance_holds_to_its_properties() {
    of_the_corpus("provenance", properties::provenance::check);
}

#[test]
fn settings_hold_to_their_properties() {
    of_the_corpus("settings", properties::settings::check);
}

#[test]
fn arns_hold_to_their_properties() {
    of_the_corpus("arn", properties::arn::check);
}
