//! Names that tell the items of several tool servers apart.

use std::collections::HashMap;

/// The longest name a language model may use for a tool.
const MAX_NAME_LEN: usize = 64;

/// What is put between a label and the name it tells apart.
const BETWEEN: &str = "__";

/// How many names are tried for one item before it gets a number that no other item has.
const MAX_ATTEMPTS: usize = 16;

/// Makes names for one merged list.
#[derive(Debug, Default)]
pub(in crate::relay) struct Names {
    /// Which attempt at each name was the last, so that a thousand alike take no time.
    attempts: HashMap<Box<str>, usize>,
    /// The last of the numbers that are given once only.
    last: usize,
}

impl Names {
    /// `LABEL__name` of characters a language model may use, at most 64, and not `taken`.
    pub(in crate::relay) fn distinct(
        &mut self,
        label: &str,
        name: &str,
        taken: impl Fn(&str) -> bool,
    ) -> String {
        let (label, name) = (plain(label), plain(name));
        let label = if label.trim_matches('_').is_empty() { "tool".to_owned() } else { label };
        let stem = numbered(&label, &name, 1);
        let attempt = self.attempts.entry(stem.into()).or_default();
        for _ in 0..MAX_ATTEMPTS {
            *attempt += 1;
            let offered = numbered(&label, &name, *attempt);
            if !taken(&offered) {
                return offered;
            }
        }
        // Names that differ only in what is cut off have got in each other's way. A name that is
        // taken ends in one number only, so all these attempts together are no more than the names.
        self.last = self.last.max(*attempt);
        loop {
            self.last += 1;
            let offered = numbered(&label, &name, self.last);
            if !taken(&offered) {
                return offered;
            }
        }
    }
}

/// `LABEL__name`, from the second attempt on with its number behind it.
fn numbered(label: &str, name: &str, attempt: usize) -> String {
    let tail = if attempt == 1 { String::new() } else { format!("-{attempt}") };
    // The name says more than the label: the label gives way first, down to eight letters.
    let room = MAX_NAME_LEN.saturating_sub(BETWEEN.len() + tail.len());
    let for_label = room.saturating_sub(name.len()).max(8).min(label.len());
    let for_name = room.saturating_sub(for_label).min(name.len());
    let (label, name) = (label.get(..for_label), name.get(..for_name));
    format!("{}{BETWEEN}{}{tail}", label.unwrap_or_default(), name.unwrap_or_default())
}

/// The same word of letters, digits, `_` and `-` only, as much of it as can be of use.
fn plain(word: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    word.chars().take(MAX_NAME_LEN).map(|c| if fits(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::HashSet;

    fn distinct(label: &str, name: &str, taken: impl Fn(&str) -> bool) -> String {
        Names::default().distinct(label, name, taken)
    }

    #[test]
    fn a_distinct_name_is_one_a_language_model_may_use() {
        let long = "n".repeat(80);
        for (label, name) in
            [("home assistant", "查询"), ("计算器", "search"), ("l", &*long), (&*long, "n")]
        {
            let offered = distinct(label, name, |_| false);
            assert!(offered.len() <= MAX_NAME_LEN && !offered.is_empty(), "{offered}");
            assert_eq!(plain(&offered), offered);
        }
        assert_eq!(distinct("计算器", "search", |_| false), "tool__search");
        assert_eq!(distinct("a", "s", |name| name == "a__s"), "a__s-2");
        let tight = distinct(&long, &long, |name| !name.ends_with("-3"));
        assert_eq!(tight.len(), MAX_NAME_LEN);
    }

    #[test]
    fn names_that_get_in_each_others_way_take_few_attempts() {
        // Half are alike in all that is not cut off; the others are cut to the same with a number.
        let stem = "n".repeat(56);
        let alike = (0..2000).map(|n| format!("{stem}xxxxxx{n}"));
        let names: Vec<String> = alike.chain((0..2000).map(|n| format!("{stem}{n:04}"))).collect();
        let (mut made, mut seen, tried) = (Names::default(), HashSet::new(), Cell::new(0));
        for name in &names {
            let offered = made.distinct("l", name, |name| {
                tried.set(tried.get() + 1);
                seen.contains(name)
            });
            assert!(seen.insert(offered));
        }
        assert!(tried.get() < names.len() * 20, "{}", tried.get());
    }
}
