//! Where the emulator and the simulator differ.

/// Step, number of the fact in the simulator's `FACTS.md`, and why the simulator is right. Where the fact is marked as
/// assumed, AWS leaves it open, and the simulator takes the less convenient reading.
pub(super) const DIFFERENCES: &[(&str, u32, &str)] = &[
    (
        "delete: create within 30 seconds",
        34,
        "AWS asks for a pause; without it nothing is promised",
    ),
    ("policies: in the past", 43, "such a policy would delete at once"),
    ("replicas: replicate what is deleted", 95, "a listed cause of the refusal"),
    ("resources: what is or was tagged", 70, "with its tags gone it is still listed"),
    ("secrets: AWS's own tag", 61, "nobody else writes AWS's own tags"),
    ("secrets: a name that is none", 98, "a name has no spaces"),
    ("secrets: a value for what is deleted", 95, "it may not be changed"),
    ("secrets: an unknown key", 97, "the key is asked for at once"),
    ("secrets: create what is deleted", 89, "the refusal names the deletion"),
    ("topics: a subject on two lines", 114, "a subject is one line"),
    ("topics: without a default", 114, "the document needs its default"),
];
