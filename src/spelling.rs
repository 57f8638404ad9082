//! How near two names are to each other, to propose the one that was meant.

/// How many letters of a name are looked at.
const MAX_LETTERS: usize = 64;

/// How many letters must be added, dropped or changed to make one name of the other, in any case.
/// Of very long names only the beginning is looked at.
pub fn edits(known: &str, name: &str) -> usize {
    let name: Vec<char> = name.chars().take(MAX_LETTERS).map(|c| c.to_ascii_lowercase()).collect();
    let mut costs: Vec<usize> = (0..=name.len()).collect();
    for (row, ours) in known.chars().take(MAX_LETTERS).map(|c| c.to_ascii_lowercase()).enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        for (cost, theirs) in costs.iter_mut().skip(1).zip(&name) {
            let changed = diagonal + usize::from(ours != *theirs);
            diagonal = *cost;
            left = changed.min(left + 1).min(*cost + 1);
            *cost = left;
        }
        if let Some(first) = costs.first_mut() {
            *first = row + 1;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (known, name, count) in [
            ("port", "port", 0),
            ("port", "PROT", 2),
            ("port", "", 4),
            ("host", "hosts", 1),
            ("port", "端口", 4),
        ] {
            assert_eq!(edits(known, name), count, "{name}");
        }
        assert!(edits("port", &"x".repeat(1 << 20)) <= 64);
        assert!(edits(&"x".repeat(1 << 20), "port") <= 64);
    }
}
