//! Which names are in scope.

use globset::{Glob, GlobSet, GlobSetBuilder};

/// Globs over names: in scope is what some include matches (any, where there are none) and no exclude does.
/// `*` and `?` match `/` too, so `/shop/*` is everything below `/shop/`.
#[derive(Clone, Debug)]
pub struct NameFilter {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Default for NameFilter {
    fn default() -> Self {
        Self { include: None, exclude: GlobSet::empty() }
    }
}

impl NameFilter {
    /// Compiles the globs.
    ///
    /// # Errors
    /// The first glob that is none, with what is wrong with it.
    pub fn new<'a>(
        include: impl IntoIterator<Item = &'a str>,
        exclude: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, globset::Error> {
        let include: Vec<&str> = include.into_iter().collect();
        Ok(Self {
            include: if include.is_empty() { None } else { Some(compile(include)?) },
            exclude: compile(exclude)?,
        })
    }

    /// Whether `name` is in scope.
    pub fn matches(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|globs| globs.is_match(name))
            && !self.exclude.is_match(name)
    }
}

/// The globs of a text, trimmed, without empty ones: each part between two separators outside of braces.
pub fn split_globs(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut depth = 0_u32;
    let globs = text.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is_separator(c)
    });
    globs.map(str::trim).filter(|glob| !glob.is_empty()).collect()
}

fn compile<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(Glob::new(glob)?);
    }
    set.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_split_outside_of_braces() {
        let split = |text| split_globs(text, |c| c == ',');
        assert_eq!(split("/a/{b,c}*, ,/d /e,"), ["/a/{b,c}*", "/d /e"]);
        assert_eq!(split("}{/a,b"), ["}{/a,b"], "an open brace is an error of the glob");
        assert_eq!(
            split_globs(" /a  /b,/c", |c| c == ',' || c.is_whitespace()),
            ["/a", "/b", "/c"]
        );
        assert!(split(" , ").is_empty());
    }

    #[test]
    fn an_exclude_wins_over_an_include() {
        let filter = NameFilter::new(["/shop/*", "root*"], ["/shop/secret/*"]).expect("globs");
        assert!(filter.matches("/shop/a/b"));
        assert!(filter.matches("root-name"));
        assert!(!filter.matches("/shop/secret/a"));
        assert!(!filter.matches("/other"));
        assert!(NameFilter::default().matches("/anything"));
        assert!(NameFilter::new(["[a"], []).is_err());
    }
}
