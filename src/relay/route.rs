//! Where a request goes: decisions about plain values.

use super::table::{in_order, ToolServerKey};

/// Which tool servers are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    All,
    /// Those that joined while `handshake` was off.
    Transparent,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// To these tool servers; the first answer counts.
    To(Vec<ToolServerKey>),
    /// To this tool server, by the name it knows, as it spelled it.
    Named(ToolServerKey, Option<Box<str>>),
    /// Nowhere yet.
    Wait {
        /// A tool server that was here and went is waited for.
        for_lost: bool,
    },
    /// The agent has no tool server.
    NoTool,
    /// Nobody is there for it.
    Nobody,
}

/// A tool server that a request may go to.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub key: ToolServerKey,
    /// How many came before it.
    pub order: u32,
    /// It is of the group that is meant, and no twin serves in its place.
    pub is_meant: bool,
    /// It takes messages, and says that it is able to serve the request.
    pub is_able: bool,
    /// What it offers is still unknown, and likely to be known in a moment.
    pub is_settling: bool,
    /// What it offers cannot be found out.
    pub is_unknown: bool,
}

/// Where a request goes that names no item: to the only tool server there is, else to those that are
/// able, else to what cannot say what it is able to. `expects_any` says whether a tool server may come
/// back.
pub(super) fn anywhere(candidates: impl Iterator<Item = Candidate>, expects_any: bool) -> Route {
    let (mut count, mut only, mut unknown) = (0, None, None);
    let (mut is_settling, mut many_unknown) = (false, false);
    let mut able = Vec::new();
    for candidate in candidates {
        let key = candidate.key;
        if candidate.is_unknown {
            many_unknown |= unknown.replace(key).is_some();
        }
        if candidate.is_meant {
            count += 1;
            only = Some((key, candidate.is_settling));
            is_settling |= candidate.is_settling;
            if candidate.is_able {
                able.push((candidate.order, key));
            }
        }
    }
    match (count, only) {
        (0, _) if !expects_any => return Route::NoTool,
        (0, _) => return Route::Wait { for_lost: true },
        (1, Some((only, false))) => return Route::To(vec![only]),
        _ => (),
    }
    if !able.is_empty() {
        return Route::To(in_order(able.into_iter()));
    }
    if is_settling {
        return Route::Wait { for_lost: false };
    }
    match unknown {
        Some(only) if !many_unknown => Route::To(vec![only]),
        _ => Route::Nobody,
    }
}

/// Whether what a robot says is passed on to the tool servers that joined while `handshake` was off:
/// `transparent` of `all` tool servers did. Where there are both, a robot that joined then, too, meets
/// those; `own` says whether it did.
pub(super) fn passes_through(transparent: usize, all: usize, own: impl Fn() -> bool) -> bool {
    match (transparent, all) {
        (0, 1..) => false,
        (some, all) if some == all && all > 0 => true,
        _ => own(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::Key;
    use super::*;

    fn candidate(order: u32) -> Candidate {
        Candidate {
            key: ToolServerKey::of(10 - order as usize),
            order,
            is_meant: true,
            is_able: false,
            is_settling: false,
            is_unknown: false,
        }
    }

    fn to(orders: &[u32]) -> Route {
        Route::To(orders.iter().map(|order| candidate(*order).key).collect())
    }

    #[test]
    fn the_only_tool_server_gets_everything_once_it_has_settled() {
        let only = candidate(1);
        assert_eq!(anywhere([only].into_iter(), false), to(&[1]));
        let settling = Candidate { is_settling: true, ..only };
        assert_eq!(anywhere([settling].into_iter(), false), Route::Wait { for_lost: false });
    }

    #[test]
    fn those_that_are_able_get_it_in_the_order_they_came() {
        let able = |order| Candidate { is_able: true, ..candidate(order) };
        let all = [able(3), candidate(2), able(1)];
        assert_eq!(anywhere(all.into_iter(), false), to(&[1, 3]));
    }

    #[test]
    fn what_nobody_is_able_to_do_is_left_to_the_one_that_says_nothing_of_itself() {
        let unknown = |order| Candidate { is_unknown: true, ..candidate(order) };
        assert_eq!(anywhere([candidate(1), unknown(2)].into_iter(), false), to(&[2]));
        assert_eq!(anywhere([unknown(1), unknown(2)].into_iter(), false), Route::Nobody);
        assert_eq!(anywhere([candidate(1), candidate(2)].into_iter(), false), Route::Nobody);
    }

    #[test]
    fn without_a_tool_server_a_request_waits_only_for_one_that_is_expected() {
        assert_eq!(anywhere([].into_iter(), false), Route::NoTool);
        assert_eq!(anywhere([].into_iter(), true), Route::Wait { for_lost: true });
        let in_reserve = Candidate { is_meant: false, ..candidate(1) };
        assert_eq!(anywhere([in_reserve].into_iter(), false), Route::NoTool);
    }

    #[test]
    fn a_robot_meets_the_tool_servers_of_its_own_mode() {
        assert!(!passes_through(0, 2, || true) && passes_through(2, 2, || false));
        assert!(passes_through(1, 2, || true) && !passes_through(1, 2, || false));
        assert!(passes_through(0, 0, || true) && !passes_through(0, 0, || false));
    }
}
