//! The hub against an unkind AWS, in virtual time: faults, quotas, a first fill, kills, and lists that lie.

mod faults;
mod first_fill;
mod kills;
mod listings;
mod quotas;
