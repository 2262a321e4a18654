//! Pages of a list, and their tokens: a token says after which item the next page begins, so that a list stands while
//! items come and go.

use std::ops::Bound;

use crate::clock::Millis;

/// Where a page begins, and when the list was begun.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) after: Option<String>,
    pub(crate) begun: Millis,
}

impl Place {
    /// What is still to be listed, of a map that is sorted as the list is.
    pub(crate) fn rest(&self) -> (Bound<&str>, Bound<&str>) {
        let after = self.after.as_deref();
        (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
    }
}

/// A page's items, and the token for the next.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// Reads a token; `None` where it is none of this simulator's.
pub(crate) fn place(token: Option<&str>, now: Millis) -> Option<Place> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Some(Place { after: None, begun: now });
    };
    let (begun, hex) = token.split_once('-')?;
    let begun = begun.parse().ok()?;
    let (mark, hex) = hex.split_at_checked(1)?;
    let bytes: Option<Vec<u8>> = (0..hex.len() / 2)
        .map(|at| hex.get(2 * at..2 * at + 2).and_then(|byte| u8::from_str_radix(byte, 16).ok()))
        .collect();
    let after = String::from_utf8(bytes?).ok()?;
    match mark {
        "b" => Some(Place { after: None, begun }),
        "a" => Some(Place { after: Some(after), begun }),
        _ => None,
    }
}

fn token(after: Option<&str>, begun: Millis) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{begun}-{}", if after.is_some() { "a" } else { "b" });
    for byte in after.unwrap_or_default().bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The next page of items that are sorted by the text that comes with each. `empty_first` makes the first page an
/// empty one, which AWS allows itself (FACTS 6).
pub(crate) fn page<T>(
    items: impl Iterator<Item = (String, T)>,
    place: &Place,
    is_first: bool,
    size: usize,
    empty_first: bool,
) -> Page<T> {
    if is_first && empty_first {
        return (Vec::new(), Some(token(None, place.begun)));
    }
    let mut items = items
        .skip_while(|(key, _)| place.after.as_ref().is_some_and(|after| key <= after))
        .peekable();
    let mut page = Vec::new();
    let mut last = None;
    while page.len() < size {
        let Some((key, item)) = items.next() else { break };
        page.push(item);
        last = Some(key);
    }
    let next = items.peek().and(last).map(|last| token(Some(&last), place.begun));
    (page, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_in_pages_is_the_list() {
        let items = || ["a", "b/é", "c"].into_iter().map(|name| (name.to_owned(), name));
        for empty_first in [false, true] {
            let (mut all, mut given, mut pages) = (Vec::new(), None::<String>, 0);
            loop {
                let from = place(given.as_deref(), 7).expect("a token");
                let (items, next) = page(items(), &from, given.is_none(), 2, empty_first);
                all.extend(items);
                pages += 1;
                given = next;
                if given.is_none() {
                    break;
                }
            }
            assert_eq!(all, ["a", "b/é", "c"]);
            assert_eq!(pages, 2 + usize::from(empty_first));
        }
        assert_eq!(place(Some("nonsense"), 1), None);
    }
}
