//! Merging lists, without an agent.

use super::super::items::{items, Items};
use super::super::merge::{MAX_EXAMINED, MAX_OFFERED, MAX_OFFERED_BYTES};
use super::super::patterns::Patterns;
use super::super::selection::{Selection, SelectionEntry};
use super::*;

fn source<'a>(number: u32, label: &'a str, items: &'a Rc<Items>) -> Source<'a> {
    Source { identity: Identity::of(number), label, items }
}

fn text(offers: &Offers) -> String {
    offers.pieces().concat()
}

fn many(count: usize, more: &str) -> Rc<Items> {
    let list: Vec<String> = (0..count).map(|n| format!(r#"{{"name":"name-{n}"{more}}}"#)).collect();
    items(Kind::Tools, &format!("[{}]", list.join(",")))
}

#[test]
fn items_are_offered_as_they_are_spelled() {
    let list = items(Kind::Tools, r#"[ {"name" : "a" , "n":1.50}, {"x":1,"name":"\u0062"}]"#);
    let mut offers = Offers::default();
    let result = offers.merge(Kind::Tools, &[source(1, "one", &list)], Chosen::default());
    assert!(result.changed && result.conflicts.is_empty());
    assert_eq!(text(&offers), r#"{"name" : "a" , "n":1.50},{"x":1,"name":"\u0062"}"#);
    assert_eq!(offers.pieces().len(), 1, "neighbours are one piece");
    assert!(offers.find("b").is_some() && offers.find("c").is_none());
    assert_eq!(offers.names_of(Identity::of(1)), (2, r#""a","b""#));
    assert_eq!(offers.bytes(), text(&offers).len() + 1);
    assert!(!offers.merge(Kind::Tools, &[source(1, "one", &list)], Chosen::default()).changed);
}

#[test]
fn who_had_a_name_first_keeps_it_whatever_the_order_of_return() {
    let list = items(Kind::Tools, r#"[{"name":"search","d":"\/"}]"#);
    let (a, b) = (source(1, "a", &list), source(2, "b", &list));
    let mut offers = Offers::default();
    let conflicts = offers.merge(Kind::Tools, &[a, b], Chosen::default()).conflicts;
    assert_eq!(conflicts[0].offered, "b__search");
    assert_eq!(text(&offers), r#"{"name":"search","d":"\/"},{"name":"b__search","d":"\/"}"#);
    assert_eq!(offers.find("b__search").unwrap().own_name, Some("\"search\""));
    assert_eq!(offers.names_of(Identity::of(2)), (1, r#""b__search""#));
    // The first goes for good: the name passes on, and is not given back.
    offers.merge(Kind::Tools, &[source(2, "b", &list)], Chosen::default());
    assert_eq!(offers.find("search").unwrap().identity, Identity::of(2));
    let conflicts = offers.merge(Kind::Tools, &[a, b], Chosen::default()).conflicts;
    assert_eq!(offers.find("search").unwrap().identity, Identity::of(2));
    assert_eq!(conflicts[0].offered, "a__search");
    let again = offers.merge(Kind::Tools, &[a, b], Chosen::default());
    assert!(again.conflicts.is_empty() && !again.changed, "a conflict is told once");
}

#[test]
fn a_tool_that_takes_up_a_name_later_does_not_get_it() {
    let (other, both) = (
        items(Kind::Tools, r#"[{"name":"x"}]"#),
        items(Kind::Tools, r#"[{"name":"x"},{"name":"search"}]"#),
    );
    let search = items(Kind::Tools, r#"[{"name":"search"}]"#);
    let mut offers = Offers::default();
    offers.merge(
        Kind::Tools,
        &[source(1, "old", &other), source(2, "new", &search)],
        Chosen::default(),
    );
    offers.merge(
        Kind::Tools,
        &[source(1, "old", &both), source(2, "new", &search)],
        Chosen::default(),
    );
    assert_eq!(offers.find("search").unwrap().identity, Identity::of(2));
    assert_eq!(offers.find("old__search").unwrap().identity, Identity::of(1));
}

#[test]
fn an_address_two_servers_have_is_listed_once() {
    let list = items(Kind::Resources, r#"[{"uri":"a://1"},{"uri":"a://1"}]"#);
    let mut offers = Offers::default();
    offers.merge(
        Kind::Resources,
        &[source(1, "a", &list), source(2, "b", &list)],
        Chosen::default(),
    );
    assert_eq!(text(&offers), r#"{"uri":"a://1"}"#);
    assert_eq!(offers.counts().collect::<Vec<_>>(), [(Identity::of(1), 1), (Identity::of(2), 0)]);
}

#[test]
fn an_agent_offers_the_items_of_its_oldest_tool_servers_up_to_a_limit() {
    let list = many(1_999, "");
    let sources: Vec<Source<'_>> = (1..=6).map(|number| source(number, "l", &list)).collect();
    let mut offers = Offers::default();
    let result = offers.merge(Kind::Tools, &sources, Chosen::default());
    assert_eq!(offers.len(), MAX_OFFERED);
    assert_eq!(result.left_out, [(Identity::of(5), 1_995), (Identity::of(6), 1_999)]);
    assert_eq!(result.conflicts.len() + result.more_conflicts, 6_001);
    assert!(offers.memory() < 1_000_000, "{}", offers.memory());
    // What a robot could never be sent is not offered either.
    let list = many(1_000, &format!(r#","d":"{}""#, "x".repeat(4_000)));
    let sources: Vec<Source<'_>> = (1..=6).map(|number| source(number, "l", &list)).collect();
    let result = offers.merge(Kind::Tools, &sources, Chosen::default());
    assert!(offers.bytes() <= MAX_OFFERED_BYTES + 4_000 * 10);
    assert_eq!(
        result.left_out.iter().map(|(identity, _)| identity.number()).collect::<Vec<_>>(),
        [5, 6]
    );
    assert_eq!(offers.bytes(), text(&offers).len() + 1);
}

#[test]
fn items_that_are_hidden_are_counted_as_work_and_their_number_is_limited() {
    let mut entry = SelectionEntry::default();
    entry.hide = Patterns::new(vec!["name-*".into()]);
    let selection = Selection::new(vec![("a".into(), entry)], "");
    let list = many(2_000, "");
    for (lines, examined) in [(3, 6_000), (16, MAX_EXAMINED), (17, MAX_EXAMINED)] {
        let sources: Vec<Source<'_>> = (1..=lines).map(|line| source(line, "l", &list)).collect();
        let result = Offers::default().merge(Kind::Tools, &sources, selection.of("a"));
        assert_eq!((result.examined, result.changed), (examined, false));
        assert_eq!(result.left_out.len(), usize::from(lines > 16));
    }
}

#[test]
fn a_list_that_only_the_merged_one_has_counts_for_it() {
    let list = many(100, "");
    let mut offers = Offers::default();
    offers.merge(Kind::Tools, &[source(1, "l", &list)], Chosen::default());
    let (shared, own) = (offers.memory(), list.memory());
    drop(list);
    assert_eq!(offers.memory(), shared + own);
}
