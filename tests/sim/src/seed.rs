//! Pseudo-random values that depend only on the seed and their purpose, not on the order of the calls.

/// A number for `words`. The same seed and words give the same number.
pub(crate) fn number(seed: u64, words: &[&str]) -> u64 {
    // FNV-1a, followed by a finaliser because the low bits of FNV-1a are weak.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed;
    for word in words {
        for byte in word.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// A string of `length` letters and digits for `words`.
pub(crate) fn letters(seed: u64, words: &[&str], length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
    let mut text = String::new();
    let mut state = number(seed, words);
    for index in 0..length {
        if index % 12 == 11 {
            state = number(state, words);
        }
        text.push(char::from(ALPHABET[(state & 31) as usize]));
        state >>= 5;
    }
    text
}

/// A UUID for `words`.
pub(crate) fn uuid(seed: u64, words: &[&str]) -> String {
    let (high, low) = (number(seed, words), number(!seed, words));
    let hex = format!("{high:016x}{low:016x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_words_give_the_same_values() {
        assert_eq!(letters(1, &["a", "b"], 30), letters(1, &["a", "b"], 30));
        assert_ne!(letters(1, &["a", "b"], 6), letters(2, &["a", "b"], 6));
        assert_ne!(number(1, &["ab", "c"]), number(1, &["a", "bc"]));
        assert_eq!(uuid(1, &["x"]).len(), 36);
    }
}
