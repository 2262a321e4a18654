//! What people read, as whole texts in files: tables, digests, JSON, helps, refusals. A change of wording shows as a
//! difference of a file in `snapshots/`.
//!
//! `INSTA_UPDATE=always cargo test --test integration snapshots::` writes the files again. The stories run on the
//! simulator, in virtual time, so that no text depends on the day.

mod details;
mod states;
mod story;
mod texts;

/// Compares `text` with the file `snapshots/{name}.snap`.
fn assert_reads(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/snapshots"));
    settings.bind(|| insta::assert_snapshot!(name, text));
}
