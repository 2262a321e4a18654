//! What the crate is built of: licences, sources, and stacks that must not come back.

use std::process::Command;

use serde_json::Value;

/// Licences that a user of this Apache-2.0 crate may take without asking.
const LICENCES: [&str; 9] = [
    "MIT",
    "Apache-2.0",
    "ISC",
    "BSD-3-Clause",
    "BSD-2-Clause",
    "Zlib",
    "Unicode-3.0",
    "Unlicense",
    "BSL-1.0",
];

/// Older copies of what the SDK's default features would bring beside the present ones, with open advisories.
const BANNED: [(&str, &str); 4] =
    [("hyper", "0."), ("h2", "0.3."), ("rustls", "0.21."), ("rustls-webpki", "0.101.")];

fn packages() -> Vec<Value> {
    // The platform of the Lambda; of the others not even the sources are there.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            &platform,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

fn text<'a>(package: &'a Value, field: &str) -> &'a str {
    package[field].as_str().unwrap_or_default()
}

/// Whether one alternative of an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` is allowed: each part that
/// is joined by AND needs an allowed alternative.
fn allowed(expression: &str) -> bool {
    let plain = expression
        .replace(['(', ')'], " ")
        .replace('/', " OR ")
        .replace(" WITH LLVM-exception", "");
    plain
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn every_licence_is_one_that_users_may_take() {
    let packages = packages();
    assert!(packages.len() > 150, "the tree is read at all: {}", packages.len());
    let wrong: Vec<String> = packages
        .iter()
        .filter(|package| !allowed(text(package, "license")))
        .map(|package| format!("{}: {}", text(package, "name"), text(package, "license")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        allowed("(MIT OR GPL-3.0) AND Unicode-3.0")
            && !allowed("GPL-3.0")
            && !allowed("MIT AND GPL-3.0")
    );
}

#[test]
fn every_crate_comes_from_the_registry() {
    let wrong: Vec<String> = packages()
        .iter()
        .filter(|package| {
            !package["source"].is_null() && !text(package, "source").starts_with("registry+")
        })
        .map(|package| text(package, "name").to_owned())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join(", "));
}

#[test]
fn the_older_http_and_tls_stack_does_not_come_back() {
    let wrong: Vec<String> = packages()
        .iter()
        .filter(|package| {
            BANNED.iter().any(|(name, version)| {
                text(package, "name") == *name && text(package, "version").starts_with(version)
            })
        })
        .map(|package| format!("{} {}", text(package, "name"), text(package, "version")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join(", "));
}
