//! Pages of a list and their tokens. A token names the last item of the previous page, so the list stays consistent
//! while items are added and removed.

use std::ops::Bound;

use crate::clock::Millis;

/// The position at which a page starts, and the time at which the caller requested the first page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) after: Option<String>,
    pub(crate) started: Millis,
}

impl Position {
    /// The range of the remaining items in a sorted map.
    pub(crate) fn rest(&self) -> (Bound<&str>, Bound<&str>) {
        let after = self.after.as_deref();
        (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
    }
}

/// The items of a page, and the token of the next page.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// Parses a token; `None` if the simulator did not issue the token.
pub(crate) fn parse_token(token: Option<&str>, now: Millis) -> Option<Position> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Some(Position { after: None, started: now });
    };
    let (started, hex) = token.split_once('-')?;
    let started = started.parse().ok()?;
    let (mark, hex) = hex.split_at_checked(1)?;
    let bytes: Option<Vec<u8>> = (0..hex.len() / 2)
        .map(|at| hex.get(2 * at..2 * at + 2).and_then(|byte| u8::from_str_radix(byte, 16).ok()))
        .collect();
    let after = String::from_utf8(bytes?).ok()?;
    match mark {
        "b" => Some(Position { after: None, started }),
        "a" => Some(Position { after: Some(after), started }),
        _ => None,
    }
}

fn token(after: Option<&str>, started: Millis) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{started}-{}", if after.is_some() { "a" } else { "b" });
    for byte in after.unwrap_or_default().bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The next page of sorted items; each item comes with its sort key. With `empty_first` the first page is empty, which
/// AWS allows (FACTS 6).
pub(crate) fn page<T>(
    items: impl Iterator<Item = (String, T)>,
    position: &Position,
    is_first: bool,
    size: usize,
    empty_first: bool,
) -> Page<T> {
    if is_first && empty_first {
        return (Vec::new(), Some(token(None, position.started)));
    }
    let mut items = items
        .skip_while(|(key, _)| position.after.as_ref().is_some_and(|after| key <= after))
        .peekable();
    let mut page = Vec::new();
    let mut last = None;
    while page.len() < size {
        let Some((key, item)) = items.next() else { break };
        page.push(item);
        last = Some(key);
    }
    let next = items.peek().and(last).map(|last| token(Some(&last), position.started));
    (page, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_of_a_list_contain_every_item_once() {
        let items = || ["a", "b/é", "c"].into_iter().map(|name| (name.to_owned(), name));
        for empty_first in [false, true] {
            let (mut all, mut given, mut pages) = (Vec::new(), None::<String>, 0);
            loop {
                let from = parse_token(given.as_deref(), 7).expect("a token");
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
        assert_eq!(parse_token(Some("nonsense"), 1), None);
    }
}
