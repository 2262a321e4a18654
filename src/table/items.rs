//! Attributes of items: reading and writing them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// The attributes of one item.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A text attribute; `None` if the attribute is missing or has another type.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A whole number, not negative; `None` if the attribute is missing, has another type or another form.
pub(crate) fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// An attribute with its name, from a text.
pub(crate) fn set_text(item: &mut Item, name: &str, value: impl Into<String>) {
    item.insert(name.to_owned(), AttributeValue::S(value.into()));
}

/// An attribute with its name, from a number.
pub(crate) fn set_number(item: &mut Item, name: &str, value: u64) {
    item.insert(name.to_owned(), AttributeValue::N(value.to_string()));
}

/// An item with its keys.
pub(crate) fn keyed(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    let mut item = Item::new();
    set_text(&mut item, "pk", pk);
    set_text(&mut item, "sk", sk);
    item
}
