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
