//! The tag `ReplicationSource`. Every principal that may tag parameters can write it.

use failover_replicator::domain::{PROVENANCE_KEY, Region, Tags, Timestamp, Version};
use failover_replicator::ownership::{Fingerprint, FoundBy, Provenance, RefusedForm, Tombstone};

/// AWS's limit for the value of a tag.
const TAG_VALUE: usize = 256;
/// The first millisecond of the year 10000, later than any date of AWS.
const END_OF_DATES: u64 = 253_402_300_800_000;

/// Checks the properties with the bytes as the tag's text, and as the numbers of a provenance.
pub fn check(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        check_parse(text);
    }
    check_format(bytes);
}

fn check_parse(text: &str) {
    let read = Provenance::parse(text);
    assert_eq!(read, Provenance::parse(text), "the same text gives a different result");
    let tags = Tags::from([(PROVENANCE_KEY.to_owned(), text.to_owned())]);
    assert_eq!(Provenance::of(&tags), read);
    let Some(read) = read else { return };

    let written = read.to_string();
    assert!(written.len() <= TAG_VALUE, "{} characters: {written}", written.len());
    let again = Provenance::parse(&written).expect("readable");
    // These parts are written only if the tag has room for them.
    let known = |provenance: &Provenance| Provenance {
        retagged: None,
        unknown: String::new(),
        ..provenance.clone()
    };
    assert_eq!(known(&again), known(&read), "{written}");
    let is_kept = again.unknown == read.unknown;
    assert!(is_kept || text.len() > TAG_VALUE, "keys of another release are lost: {written}");

    let mut parts: Vec<&str> = text.split(' ').collect();
    for part in &parts {
        let (key, value) = part.split_once('=').expect("a key and a value");
        match key {
            "version" | "replica" => {
                assert!(value.bytes().all(|b| b.is_ascii_digit()), "not a version number: {part}");
            }
            "form" | "of" | "tags" | "retagged" => {
                let is_form = value.len() == 8 && value.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(is_form, "not eight hex digits: {part}");
            }
            _ => assert!(!value.is_empty(), "a key without a value: {part}"),
        }
        let without: Vec<&str> = parts.iter().filter(|other| *other != part).copied().collect();
        let without = Provenance::parse(&without.join(" "));
        let may_be_missing = !["region", "version", "modified", "replica", "form"].contains(&key);
        assert_eq!(without.is_some(), may_be_missing, "without {part}");
        assert_eq!(Provenance::parse(&format!("{text} {part}")), None, "{part} twice");
    }
    if !read.unknown.contains("later=") {
        let later = Provenance::parse(&format!("{text} later=1")).expect("readable");
        assert!(later.unknown.ends_with("later=1"), "the key of a later release is kept: {later}");
    }
    parts.reverse();
    let reversed = Provenance::parse(&parts.join(" ")).map(|reversed| known(&reversed));
    assert_eq!(reversed, Some(known(&read)), "the order of the keys is irrelevant");
}

/// The text of a provenance parses to the same provenance, fits into a tag, and names only one version.
fn check_format(bytes: &[u8]) {
    let mut numbers = bytes
        .chunks(8)
        .map(|chunk| chunk.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
    let mut number = || numbers.next().unwrap_or_default();
    let version = |number: u64| i64::try_from(number >> 1).unwrap_or_default();
    let date = |number: u64| {
        Timestamp::from_millis(i64::try_from(number % END_OF_DATES).unwrap_or_default())
    };
    let fingerprint =
        |number: u64| Fingerprint(u32::try_from(number & 0xffff_ffff).unwrap_or_default());
    let choice = number();
    let is = |bit: u32| choice >> bit & 1 == 1;
    let region = if is(0) { "us-east-2" } else { "ap-southeast-10" };
    let provenance = Provenance {
        region: Region::parse(region).expect("a Region"),
        source: Version { number: version(number()), modified: date(number()) },
        replica: version(number()),
        written: is(1).then(|| date(number())),
        form: fingerprint(number()),
        of: is(4).then(|| fingerprint(number())),
        tags: is(5).then(|| fingerprint(number())),
        retagged: None,
        adopted: is(2),
        // AWS numbers the versions of a parameter consecutively, so version numbers have fewer than seven digits.
        refused: is(6).then(|| RefusedForm {
            version: version(number()) % 1_000_000,
            form: fingerprint(number()),
        }),
        gone: is(3).then(|| Tombstone {
            due: date(number()),
            by: if is(7) { FoundBy::Event } else { FoundBy::List },
        }),
        unknown: String::new(),
    };
    let text = provenance.to_string();
    assert!(text.len() <= TAG_VALUE, "{} characters: {text}", text.len());
    assert_eq!(Provenance::parse(&text).as_ref(), Some(&provenance), "{text}");
    let named = |number, modified| provenance.names_replica(Version { number, modified });
    match provenance.written {
        Some(written) => {
            assert!(named(provenance.replica, written));
            let later = Timestamp::from_millis(written.millis() + 1);
            assert!(!named(provenance.replica, later), "the same number with a later date");
        }
        None => assert_eq!(named(provenance.replica, date(0)), provenance.replica == 1),
    }
    assert!(!named(provenance.replica ^ 1, provenance.written.unwrap_or(date(0))));
}
