//! The tag `ReplicationSource`: the source of a replica, and the versions of source and replica.
//!
//! `region=us-east-2 version=12 modified=2026-11-24T10:00:00.123Z replica=5 written=2026-11-24T10:00:03.456Z form=9c1e20aa of=5d03b1c2 tags=1f00c3d4`
//!
//! The tag proves parity from lists alone. Both versions have a date, because a number can return after a deletion. `form`
//! is a hash over everything sent except the value, `of` over the parameter that the tag belongs to, `tags` over the sent
//! tags of the source, and `retagged` over the last corrected difference in tags. Keys may be in any order. A missing or
//! repeated key makes the tag unreadable; unknown keys of a later release are kept and ignored.

use std::fmt;

use super::Fingerprint;
use crate::domain::{AccountId, PROVENANCE_KEY, ParameterName, Region, Tags, Timestamp, Version};

/// AWS limits the value of a tag to 256 characters.
const LONGEST_VALUE: usize = 256;

/// The content of the tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The Region of the source.
    pub region: Region,
    /// The copied version of the source.
    pub source: Version,
    /// The number of the replica's version that holds the copy.
    pub replica: i64,
    /// The date of that version; `None` for a create, which sends tags and value in one call.
    pub written: Option<Timestamp>,
    /// A hash over everything sent except the value.
    pub form: Fingerprint,
    /// A hash over account, target Region and name; `None` in tags of earlier releases.
    pub of: Option<Fingerprint>,
    /// A hash over the sent tags of the source; `None` in tags of earlier releases.
    pub tags: Option<Fingerprint>,
    /// A hash over a difference in tags that the hub corrected without a change of the source's tags. The hub does not
    /// correct the same difference again and again.
    pub retagged: Option<Fingerprint>,
    /// The hub adopted the replica: when the source is gone, the replica is released instead of deleted.
    pub adopted: bool,
    /// AWS permanently refused to give the replica the source's type or data type.
    pub refused: Option<RefusedForm>,
    /// The source is gone.
    pub gone: Option<Tombstone>,
    /// Pairs `key=value` that this release does not know, separated by spaces.
    pub unknown: String,
}

/// `refused=12/9c1e20aa`: what AWS permanently refused. The hub tries again when the version or the form changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedForm {
    /// The number of the source's version.
    pub version: i64,
    /// A hash over everything that the hub tried to send except the value.
    pub form: Fingerprint,
}

/// `gone=2026-12-01T10:00:00.000Z by=event`: a replica that is kept for some time after its source is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The time from which on the hub may delete the replica.
    pub due: Timestamp,
    /// What reported that the source is gone.
    pub by: FoundBy,
}

/// What reported that a source is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// A witness: an event of the deletion or of the expiration.
    Event,
    /// A sweep did not find the source. Also the meaning of tags of earlier releases, which do not have the key.
    List,
}

impl FoundBy {
    /// The word in the tag.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::List => "list",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Event, Self::List].into_iter().find(|by| by.word() == word)
    }
}

impl RefusedForm {
    fn parse(text: &str) -> Option<Self> {
        let (version, form) = text.split_once('/')?;
        Some(Self { version: number(version)?, form: Fingerprint::parse(form)? })
    }
}

impl Provenance {
    /// The value of `replica` while the hub creates a labelled replica. No version has this number.
    pub const UNFINISHED: i64 = 0;

    /// Whether a create of a labelled replica stopped before its current value.
    pub const fn is_unfinished(&self) -> bool {
        self.replica == Self::UNFINISHED
    }

    /// Reads the text of the tag; `None` if the text is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        const KEYS: [&str; 13] = [
            "region", "version", "modified", "replica", "written", "form", "of", "tags",
            "retagged", "adopted", "refused", "gone", "by",
        ];
        let mut fields: [Option<&str>; KEYS.len()] = [None; KEYS.len()];
        let mut unknown: Vec<(&str, &str)> = Vec::new();
        for part in text.split(' ') {
            let (key, value) = part.split_once('=')?;
            if key.is_empty() || value.is_empty() {
                return None;
            }
            match KEYS.iter().position(|known| *known == key) {
                Some(at) => {
                    if fields.get_mut(at)?.replace(value).is_some() {
                        return None;
                    }
                }
                None if unknown.iter().any(|(other, _)| *other == key) => return None,
                None => unknown.push((key, value)),
            }
        }
        let [
            region,
            version,
            modified,
            replica,
            written,
            form,
            of,
            tags,
            retagged,
            adopted,
            refused,
            gone,
            by,
        ] = fields;
        let by = optional(by, FoundBy::parse)?.unwrap_or(FoundBy::List);
        let unknown: Vec<String> =
            unknown.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(Self {
            region: Region::parse(region?).ok()?,
            source: Version { number: number(version?)?, modified: Timestamp::parse(modified?)? },
            replica: number(replica?)?,
            written: optional(written, Timestamp::parse)?,
            form: Fingerprint::parse(form?)?,
            of: optional(of, Fingerprint::parse)?,
            tags: optional(tags, Fingerprint::parse)?,
            retagged: optional(retagged, Fingerprint::parse)?,
            adopted: optional(adopted, |word| (word == "1").then_some(()))?.is_some(),
            refused: optional(refused, RefusedForm::parse)?,
            gone: optional(gone, Timestamp::parse)?.map(|due| Tombstone { due, by }),
            unknown: unknown.join(" "),
        })
    }

    /// Reads the tag among `tags`; `None` if the tag is missing or invalid.
    pub fn of(tags: &Tags) -> Option<Self> {
        Self::parse(tags.get(PROVENANCE_KEY)?)
    }

    /// Adds the date of the named version if that version is `replica`. The tag of a create has no date; without a date,
    /// a copy of the tag would match the first version of any later parameter.
    #[must_use]
    pub fn dated(self, replica: Version) -> Self {
        if self.names_replica(replica) {
            Self { written: Some(replica.modified), ..self }
        } else {
            self
        }
    }

    /// Whether the tag belongs to this parameter. A tag of an earlier release does not say so and is accepted.
    pub fn is_of(&self, account: &AccountId, target: &Region, name: &ParameterName) -> bool {
        self.of.is_none_or(|of| of == Fingerprint::of_item(account, target, name))
    }

    /// Whether the tag names `replica` as the version that the hub wrote. A create has no date and is the first version.
    pub fn names_replica(&self, replica: Version) -> bool {
        self.replica == replica.number
            && match self.written {
                Some(written) => written == replica.modified,
                None => self.replica == 1,
            }
    }
}

/// A number of digits only; the standard library also accepts a sign.
fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

/// `None` if the text is present and unreadable.
#[expect(clippy::option_option, reason = "absent, unreadable and read are three answers")]
fn optional<T>(text: Option<&str>, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    match text {
        Some(text) => read(text).map(Some),
        None => Some(None),
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            region,
            source,
            replica,
            written,
            form,
            of,
            tags,
            retagged,
            adopted,
            refused,
            gone,
            unknown,
        } = self;
        let Version { number, modified } = source;
        let mut text =
            format!("region={region} version={number} modified={modified} replica={replica}");
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                text.extend([" ", key, "=", &value]);
            }
        };
        add("written", written.map(|written| written.to_string()));
        add("form", Some(form.to_string()));
        add("of", of.map(|of| of.to_string()));
        add("tags", tags.map(|tags| tags.to_string()));
        add("adopted", adopted.then(|| "1".to_owned()));
        add("refused", refused.map(|RefusedForm { version, form }| format!("{version}/{form}")));
        add("gone", gone.map(|gone| gone.due.to_string()));
        add("by", gone.map(|gone| gone.by.word().to_owned()));
        // Without `retagged` the hub corrects the tags once more; the other keys matter more.
        let room = LONGEST_VALUE.saturating_sub(text.len());
        let retagged = retagged.map(|fingerprint| format!(" retagged={fingerprint}"));
        text.extend(retagged.filter(|retagged| retagged.len() <= room));
        // Pairs of other releases are kept as long as whole pairs fit.
        for pair in unknown.split(' ').filter(|pair| !pair.is_empty()) {
            if text.len() + 1 + pair.len() <= LONGEST_VALUE {
                text.extend([" ", pair]);
            }
        }
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "region=us-east-2 version=12 modified=2026-11-24T10:00:00.123Z replica=5 written=2026-11-24T10:00:03.456Z form=9c1e20aa";

    #[test]
    fn the_documented_example_reads_and_writes() {
        let read = Provenance::parse(EXAMPLE).expect("readable");
        assert_eq!(read.to_string(), EXAMPLE);
        assert!(read.names_replica(Version { number: 5, modified: read.written.expect("a date") }));
        assert!(!read.names_replica(Version { number: 5, modified: Timestamp::from_millis(0) }));
        let shuffled =
            "form=9c1e20aa replica=1 modified=2026-11-24T10:00:00.123Z version=12 region=us-east-2";
        let created = Provenance::parse(shuffled).expect("readable");
        assert!(created.names_replica(Version { number: 1, modified: Timestamp::from_millis(7) }));
        assert!(!created.names_replica(Version { number: 2, modified: Timestamp::from_millis(7) }));
        let first = Version { number: 1, modified: Timestamp::from_millis(7) };
        let dated = created.clone().dated(first);
        assert!(dated.names_replica(first));
        let later = Version { modified: Timestamp::from_millis(8), ..first };
        assert!(created.names_replica(later) && !dated.names_replica(later));
        assert_eq!(created.clone().dated(Version { number: 2, ..first }), created);
    }

    #[test]
    fn the_provenance_of_an_unfinished_create_names_no_version() {
        let finished = Provenance::parse(EXAMPLE).expect("readable");
        assert!(!finished.is_unfinished());
        let text = EXAMPLE.replace("replica=5 written=2026-11-24T10:00:03.456Z", "replica=0");
        let unfinished = Provenance::parse(&text).expect("readable");
        assert!(unfinished.is_unfinished());
        let modified = finished.written.expect("a date");
        for number in 1..=5 {
            assert!(!unfinished.names_replica(Version { number, modified }));
        }
    }

    #[test]
    fn an_invalid_text_is_unreadable() {
        for wrong in [
            String::new(),
            "us-east-2".into(),
            EXAMPLE.replace("form=9c1e20aa", ""),
            EXAMPLE.replace("form=9c1e20aa", "form=9c1e"),
            EXAMPLE.replace("version=12", "version=twelve"),
            EXAMPLE.replace("version=12 ", ""),
            EXAMPLE.replace("version=12", "version=+12"),
            EXAMPLE.replace("replica=5", "replica=-5"),
            EXAMPLE.replace("form=9c1e20aa", "form=+c1e20aa"),
            EXAMPLE.replace("2026-11-24T10:00:00.123Z", "9999-12-31T23:59:59.9999Z"),
            format!("{EXAMPLE} version=13"),
            format!("{EXAMPLE} colour=blue colour=red"),
            format!("{EXAMPLE} colour="),
            format!("{EXAMPLE} of=5d03"),
            format!("{EXAMPLE} tags="),
            format!("{EXAMPLE} adopted=yes"),
            format!("{EXAMPLE} refused=12"),
            format!("{EXAMPLE} refused=-1/9c1e20aa"),
            format!("{EXAMPLE} gone=2026-12-01T10:00:00.000Z by=hearsay"),
            format!("{EXAMPLE}  "),
        ] {
            assert_eq!(Provenance::parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_tombstone_of_an_earlier_release_counts_as_a_sweeps() {
        let read = |text: String| Provenance::parse(&text).expect("readable").gone;
        let due = Timestamp::parse("2026-12-01T10:00:00Z").expect("a date");
        let gone = format!("{EXAMPLE} gone=2026-12-01T10:00:00Z");
        assert_eq!(read(gone.clone()), Some(Tombstone { due, by: FoundBy::List }));
        assert_eq!(read(format!("{gone} by=event")), Some(Tombstone { due, by: FoundBy::Event }));
        assert_eq!(read(format!("{EXAMPLE} by=event")), None, "nothing is gone");
    }

    #[test]
    fn keys_of_a_later_release_are_kept_as_long_as_they_fit() {
        let text = format!("{EXAMPLE} of=5d03b1c2 tags=1f00c3d4 colour=blue base=12/9c1e20aa");
        let read = Provenance::parse(&text).expect("readable");
        assert_eq!(read.unknown, "colour=blue base=12/9c1e20aa");
        assert_eq!(read.to_string(), text);
        let long = format!("{text} long={}", "x".repeat(200));
        let kept = Provenance::parse(&long).expect("readable").to_string();
        assert_eq!(kept, text, "a pair that does not fit is left out whole");
    }

    #[test]
    fn a_tag_belongs_to_one_parameter_and_an_earlier_one_does_not_name_it() {
        let account = AccountId::parse("111122223333").expect("an account");
        let target = Region::parse("us-east-1").expect("a Region");
        let (name, other) = (ParameterName::new("/a"), ParameterName::new("/b"));
        let early = Provenance::parse(EXAMPLE).expect("readable");
        assert!(early.is_of(&account, &target, &name) && early.is_of(&account, &target, &other));
        let of = Some(Fingerprint::of_item(&account, &target, &name));
        let ours = Provenance { of, ..early };
        assert!(ours.is_of(&account, &target, &name) && !ours.is_of(&account, &target, &other));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,256}") {
            if let Some(read) = Provenance::parse(&text) {
                prop_assert_eq!(Provenance::parse(&read.to_string()), Some(read));
            }
        }

        #[test]
        fn what_is_written_reads_back(
            number in 0_i64..1_000_000, at in 0_i64..4_000_000_000_000, replica in 1_i64..1_000_000,
            written in proptest::option::of(0_i64..4_000_000_000_000), form: u32, of: Option<u32>,
            tags: Option<u32>, retagged: Option<u32>, adopted: bool, unknown in "(a=b)?",
            gone in proptest::option::of((0_i64..4_000_000_000_000, any::<bool>())),
            refused in proptest::option::of((0_i64..1_000_000, any::<u32>())),
        ) {
            let provenance = Provenance {
                region: Region::parse("ap-southeast-10").expect("a Region"),
                source: Version { number, modified: Timestamp::from_millis(at) },
                replica,
                written: written.map(Timestamp::from_millis),
                form: Fingerprint(form),
                of: of.map(Fingerprint),
                tags: tags.map(Fingerprint),
                retagged: retagged.map(Fingerprint),
                adopted,
                refused: refused.map(|(version, form)| RefusedForm { version, form: Fingerprint(form) }),
                gone: gone.map(|(due, witnessed)| Tombstone {
                    due: Timestamp::from_millis(due),
                    by: if witnessed { FoundBy::Event } else { FoundBy::List },
                }),
                unknown,
            };
            let text = provenance.to_string();
            prop_assert!(text.len() <= 256);
            prop_assert_eq!(Provenance::parse(&text), Some(provenance));
        }
    }
}
