//! The tag `ReplicationSource`: of which source, and of which version of it, a replica is the copy.
//!
//! `region=us-east-2 version=12 modified=2026-11-24T10:00:00.123Z replica=5 written=2026-11-24T10:00:03.456Z form=9c1e20aa`
//!
//! It proves parity from lists alone. Both versions come with their dates, since a number comes again after a
//! deletion; `form` covers what the hub sends beside the value. Keys may stand in any order; an unknown, missing or
//! repeated one makes the whole unreadable, since a later release may mean something by it.

use std::fmt;

use super::model::Version;
use crate::domain::{PROVENANCE_KEY, Region, Tags, Timestamp};

/// A hash over everything that the hub would send for a replica but the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form(pub u32);

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What the tag says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The Region of the source.
    pub region: Region,
    /// The source's version that was copied.
    pub source: Version,
    /// The replica's version that the copy made.
    pub replica: i64,
    /// The date of that version; none for a create, whose tags and value came in one call.
    pub written: Option<Timestamp>,
    /// What was sent beside the value.
    pub form: Form,
    /// The replica was there before the hub and was adopted: it is let go, not deleted, when its source goes.
    pub adopted: bool,
    /// The source is gone; the replica may be deleted from this time on.
    pub gone: Option<Timestamp>,
}

impl Provenance {
    /// What `replica` says while a labelled replica is still being created: no version has this number.
    pub const UNFINISHED: i64 = 0;

    /// Whether its replica was left before all labelled values of its source were written.
    pub const fn is_unfinished(&self) -> bool {
        self.replica == Self::UNFINISHED
    }

    /// Reads the tag's text; `None` where it is not exactly of the format.
    pub fn parse(text: &str) -> Option<Self> {
        const KEYS: [&str; 8] =
            ["region", "version", "modified", "replica", "written", "form", "adopted", "gone"];
        let mut fields: [Option<&str>; KEYS.len()] = [None; KEYS.len()];
        for part in text.split(' ') {
            let (key, value) = part.split_once('=')?;
            let field = fields.get_mut(KEYS.iter().position(|known| *known == key)?)?;
            if value.is_empty() || field.replace(value).is_some() {
                return None;
            }
        }
        let [region, version, modified, replica, written, form, adopted, gone] = fields;
        let date = |text: Option<&str>| match text {
            Some(text) => Timestamp::parse(text).map(Some),
            None => Some(None),
        };
        // The standard library's numbers may have a sign in front, which the hub never writes.
        let number = |text: &str| {
            text.parse::<i64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
        };
        let is_form = |form: &&str| form.len() == 8 && form.bytes().all(|b| b.is_ascii_hexdigit());
        let form = form.filter(is_form)?;
        Some(Self {
            region: Region::parse(region?).ok()?,
            source: Version { number: number(version?)?, modified: Timestamp::parse(modified?)? },
            replica: number(replica?)?,
            written: date(written)?,
            form: Form(u32::from_str_radix(form, 16).ok()?),
            adopted: match adopted {
                None => false,
                Some("1") => true,
                Some(_) => return None,
            },
            gone: date(gone)?,
        })
    }

    /// Reads the tag among `tags`, where it is there and readable.
    pub fn of(tags: &Tags) -> Option<Self> {
        Self::parse(tags.get(PROVENANCE_KEY)?)
    }

    /// Whether it names `replica` as the version that the hub wrote. A create has no date, and is the first version.
    pub fn names_replica(&self, replica: Version) -> bool {
        self.replica == replica.number
            && match self.written {
                Some(written) => written == replica.modified,
                None => self.replica == 1,
            }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, source, replica, written, form, adopted, gone } = self;
        write!(
            f,
            "region={region} version={} modified={} replica={replica}",
            source.number, source.modified
        )?;
        if let Some(written) = written {
            write!(f, " written={written}")?;
        }
        write!(f, " form={form}")?;
        if *adopted {
            f.write_str(" adopted=1")?;
        }
        if let Some(gone) = gone {
            write!(f, " gone={gone}")?;
        }
        Ok(())
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
    }

    #[test]
    fn a_replica_that_is_still_being_created_is_named_in_none_of_its_versions() {
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
    fn what_is_not_exactly_of_the_format_is_unreadable() {
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
            format!("{EXAMPLE} colour=blue"),
            format!("{EXAMPLE} version=13"),
            format!("{EXAMPLE} adopted=yes"),
            format!("{EXAMPLE}  "),
        ] {
            assert_eq!(Provenance::parse(&wrong), None, "{wrong}");
        }
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
            written in proptest::option::of(0_i64..4_000_000_000_000), form: u32, adopted: bool,
            gone in proptest::option::of(0_i64..4_000_000_000_000),
        ) {
            let provenance = Provenance {
                region: Region::parse("ap-southeast-10").expect("a Region"),
                source: Version { number, modified: Timestamp::from_millis(at) },
                replica,
                written: written.map(Timestamp::from_millis),
                form: Form(form),
                adopted,
                gone: gone.map(Timestamp::from_millis),
            };
            let text = provenance.to_string();
            // AWS takes 256 characters in a tag's value.
            prop_assert!(text.len() <= 256);
            prop_assert_eq!(Provenance::parse(&text), Some(provenance));
        }
    }
}
