//! Requests under way to one tool, and the ids they travel under (docs/protocol.md#upstream-ids).

use super::catalogue::Kind;
use super::numbers::NumberMap;
use crate::moment::Moment;
use crate::sorted::sorted;
use jsonrpc::message::string;
use jsonrpc::scan;
use std::borrow::Cow;
use std::collections::VecDeque;

/// The largest id a tool is ever sent: some keep ids in a signed 32-bit integer.
const LARGEST: u32 = i32::MAX as u32;

/// How many deadlines may be passed over before they are thrown away.
const MAX_PASSED_OVER: usize = 64;

/// A request under way to a tool.
#[derive(Debug)]
pub(super) enum Request {
    /// One that a robot asked.
    Call(Call),
    /// `initialize`, by the relay.
    Initialize,
    /// A page of one of its lists, for the relay.
    List(Kind),
    /// `ping`, by the relay.
    Ping,
    /// Another one by the relay, whose answer means nothing.
    Aside,
}

/// A robot's request at a tool.
#[derive(Debug)]
pub(super) struct Call {
    /// The robot's place in its agent.
    pub robot: usize,
    /// The id it sent, as it spelled it, and behind it the name of what it calls, where that may
    /// have to be told.
    pub spelled: Box<str>,
    id_length: usize,
    /// The progress token it sent, as it spelled it.
    pub token: Option<Box<str>>,
    /// What kind of request it is, as far as that matters to its answer.
    pub nature: Nature,
    /// When it was passed on.
    pub since: Moment,
    /// When it is given up.
    pub deadline: Moment,
}

impl Call {
    /// A robot's request of `id`, with the name of what it calls where that may have to be told.
    pub(super) fn new(
        robot: usize,
        (id, name): (&str, &str),
        token: Option<&str>,
        nature: Nature,
        since: Moment,
        deadline: Moment,
    ) -> Self {
        let spelled = if name.is_empty() { id.into() } else { [id, name].concat().into() };
        let token = token.map(Into::into);
        Call { robot, spelled, id_length: id.len(), token, nature, since, deadline }
    }

    /// The id it sent, as it spelled it.
    pub(super) fn id(&self) -> &str {
        self.spelled.get(..self.id_length).unwrap_or_default()
    }

    /// The name of what it calls, where that is known.
    pub(super) fn name(&self) -> &str {
        self.spelled.get(self.id_length..).unwrap_or_default()
    }
}

/// What matters of a request when it is answered or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// `tools/call`: its failures may need to be put differently.
    ToolCall,
    /// `initialize`, which must not be cancelled.
    Initialize,
    /// Any other.
    Other,
}

/// The requests under way to one tool.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    last: u32,
    under_way: NumberMap<u32, Request>,
    /// How many of them are robots'.
    calls: usize,
    /// When robots' requests are given up, the first one first. Entries of requests that are over,
    /// or are given up later, are passed over.
    deadlines: VecDeque<(Moment, u32)>,
}

impl InFlight {
    /// A fresh id: from 1 up, below 2^31, and none that is still under way.
    pub(super) fn fresh(&mut self) -> u32 {
        loop {
            self.last = if self.last >= LARGEST { 1 } else { self.last + 1 };
            if !self.under_way.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    /// Puts a request under way as `number`.
    pub(super) fn insert(&mut self, number: u32, request: Request) {
        if let Request::Call(call) = &request {
            let deadline = call.deadline;
            self.calls += 1;
            self.under_way.insert(number, request);
            self.arm(deadline, number);
        } else {
            self.under_way.insert(number, request);
        }
    }

    /// Sets a deadline. Nearly always it is the last of all, for all requests may take equally long.
    fn arm(&mut self, deadline: Moment, number: u32) {
        match self.deadlines.back() {
            Some((last, _)) if *last > deadline => {
                let place = self.deadlines.partition_point(|(at, _)| *at <= deadline);
                self.deadlines.insert(place, (deadline, number));
            }
            _ => self.deadlines.push_back((deadline, number)),
        }
        if self.deadlines.len() > 2 * self.calls + MAX_PASSED_OVER {
            let under_way = &self.under_way;
            self.deadlines.retain(|entry| is_live(under_way, entry));
        }
    }

    /// A robot's request is given up later than was thought. Returns the request.
    pub(super) fn put_off(&mut self, number: u32, deadline: Moment) -> Option<&Call> {
        let Some(Request::Call(call)) = self.under_way.get_mut(&number) else { return None };
        if call.deadline != deadline {
            call.deadline = deadline;
            self.arm(deadline, number);
        }
        self.call(number)
    }

    /// The number of a robot's request that is to be given up now. It is told once.
    pub(super) fn take_late(&mut self, now: Moment) -> Option<u32> {
        while let Some(entry) = self.deadlines.front().copied().filter(|(at, _)| *at <= now) {
            self.deadlines.pop_front();
            if is_live(&self.under_way, &entry) {
                return Some(entry.1);
            }
        }
        None
    }

    /// Whether a request is under way as `number`.
    pub(super) fn has(&self, number: u32) -> bool {
        self.under_way.contains_key(&number)
    }

    /// Takes the request out that an answer to `number` is for.
    pub(super) fn remove(&mut self, number: u32) -> Option<Request> {
        let request = self.under_way.remove(&number);
        if let Some(Request::Call(_)) = request {
            self.calls -= 1;
            // Answers mostly come in the order of the requests. Other entries are passed over later.
            if self.calls == 0 {
                self.deadlines.clear();
            } else if self.deadlines.front().is_some_and(|(_, first)| *first == number) {
                self.deadlines.pop_front();
            }
        }
        // A burst leaves a large table behind.
        let room = self.under_way.capacity();
        if room > 64 && self.under_way.len() < room / 8 {
            self.under_way.shrink_to(room / 4);
            self.deadlines.shrink_to(room / 4);
        }
        request
    }

    /// The robot's request under way as `number`.
    pub(super) fn call(&self, number: u32) -> Option<&Call> {
        match self.under_way.get(&number) {
            Some(Request::Call(call)) => Some(call),
            _ => None,
        }
    }

    /// Every robot's request under way.
    pub(super) fn calls(&self) -> impl Iterator<Item = (u32, &Call)> {
        self.under_way.iter().filter_map(|(number, request)| match request {
            Request::Call(call) => Some((*number, call)),
            _ => None,
        })
    }

    /// The numbers of robots' requests, in the order they were sent.
    pub(super) fn numbers(&self) -> Vec<u32> {
        sorted(self.calls().map(|(number, _)| number))
    }

    /// How many requests of robots are under way.
    pub(super) fn call_count(&self) -> usize {
        self.calls
    }

    /// When the first of them is given up, or earlier.
    pub(super) fn first_deadline(&self) -> Option<Moment> {
        self.deadlines.front().map(|(deadline, _)| *deadline)
    }
}

/// Whether a request is still to be given up at the time of the entry.
fn is_live(under_way: &NumberMap<u32, Request>, (deadline, number): &(Moment, u32)) -> bool {
    match under_way.get(number) {
        Some(Request::Call(call)) => call.deadline == *deadline,
        _ => false,
    }
}

/// The number an id or a token towards a tool stands for, however it is spelled; nothing where the
/// relay cannot have sent it. `spelled` is a JSON value.
#[inline]
pub(super) fn number(spelled: &str) -> Option<u32> {
    let mut number: u32 = 0;
    for byte in spelled.bytes() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return number_in_disguise(spelled);
        }
        match number.checked_mul(10).and_then(|number| number.checked_add(digit.into())) {
            Some(larger) => number = larger,
            None => return number_in_disguise(spelled),
        }
    }
    (number > 0 && !spelled.starts_with('0')).then_some(number)
}

/// The same for a number spelled like `3.0`, `3e0` or `0.3E+1`, or for a string that is one. Those who
/// keep numbers as doubles or as strings give them back so.
#[cold]
fn number_in_disguise(spelled: &str) -> Option<u32> {
    let text = string(spelled).unwrap_or(Cow::Borrowed(spelled));
    let text = text.trim();
    if !text.starts_with(|first: char| first.is_ascii_digit()) || !scan::is_json(text) {
        return None;
    }
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let places = i64::try_from(whole.len()).ok()?.checked_add(power.parse().ok()?)?;
    let mut number: u32 = 0;
    let mut behind = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if behind < places {
            number = number.checked_mul(10)?.checked_add(digit)?;
        } else if digit != 0 {
            return None;
        }
        behind += 1;
    }
    // Multiplied until it is large enough, or too large.
    while number > 0 && behind < places {
        number = number.checked_mul(10)?;
        behind += 1;
    }
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_start_at_one_wrap_before_two_to_the_31_and_skip_those_under_way() {
        let mut in_flight = InFlight::default();
        assert_eq!(in_flight.fresh(), 1);
        in_flight.insert(1, Request::Ping);
        in_flight.last = LARGEST - 1;
        assert_eq!(in_flight.fresh(), LARGEST);
        assert_eq!(in_flight.fresh(), 2);
        assert!(in_flight.remove(1).is_some());
        assert!(in_flight.remove(1).is_none());
    }

    #[test]
    fn deadlines_come_in_order_whatever_is_put_off_or_over() {
        let at = |seconds| Moment::from_start(std::time::Duration::from_secs(seconds));
        let call =
            |deadline| Request::Call(Call::new(0, ("1", ""), None, Nature::Other, at(0), deadline));
        let mut in_flight = InFlight::default();
        for (number, deadline) in [(1, 5), (2, 6), (3, 4)] {
            in_flight.insert(number, call(at(deadline)));
        }
        assert_eq!(in_flight.first_deadline(), Some(at(4)));
        in_flight.put_off(3, at(7));
        in_flight.remove(1);
        assert_eq!(in_flight.take_late(at(5)), None);
        assert_eq!(in_flight.first_deadline(), Some(at(6)));
        for second in 8..1000 {
            in_flight.put_off(2, at(second));
        }
        assert!(in_flight.deadlines.len() <= 2 * 2 + MAX_PASSED_OVER);
        assert_eq!((in_flight.take_late(at(7)), in_flight.call_count()), (Some(3), 2));
        in_flight.remove(3);
        assert_eq!(in_flight.take_late(at(2000)), Some(2));
    }

    #[test]
    fn only_ids_the_relay_may_have_sent_are_numbers() {
        assert_eq!(number("17"), Some(17));
        for odd in ["0", "-1", "01", "+1", "4294967296", "", "null", "NaN", "true", "[1]", "\"\""] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_number_is_known_in_every_spelling() {
        for spelled in [
            "30",
            "30.0",
            "3e1",
            "3E+1",
            "300e-1",
            "0.30e2",
            "0.0003E5",
            "30.000",
            "\"30\"",
            "\"30.0\"",
            "\"3e1\"",
            "\"\\u0033\\u0030\"",
            "0.30e000000000002",
            "30e0",
            "30000000000e-9",
            "\" 30\\t\"",
        ] {
            assert_eq!(number(spelled), Some(30), "{spelled}");
        }
        for odd in [
            "30.5",
            "3.05e1",
            "-30",
            "-30.0",
            "\"-30\"",
            "\"030\"",
            "\"+30\"",
            "\"30x\"",
            "\"3e\"",
            "\"30 1\"",
            "\"\\\"30\\\"\"",
            "0.0",
            "0e5",
            "3e99",
            "3e-99",
            "3e99999999999999999999",
            "3e-99999999999999999999",
            "29.99999999999999999999",
            "30.00000000000000000001",
            "0x1E",
        ] {
            assert_eq!(number(odd), None, "{odd}");
        }
    }
}
