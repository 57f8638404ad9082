//! Requests under way to one tool, and the ids they travel under (docs/protocol.md#upstream-ids).

use super::catalogue::Kind;
use super::envelope::string;
use super::numbers::NumberMap;
use super::scan;
use crate::moment::Moment;
use crate::sorted::sorted;
use std::borrow::Cow;

/// The largest id a tool is ever sent: some keep ids in a signed 32-bit integer.
const LARGEST: u32 = i32::MAX as u32;

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
        self.under_way.insert(number, request);
    }

    /// Whether a request is under way as `number`.
    pub(super) fn has(&self, number: u32) -> bool {
        self.under_way.contains_key(&number)
    }

    /// Takes the request out that an answer to `number` is for.
    pub(super) fn remove(&mut self, number: u32) -> Option<Request> {
        let request = self.under_way.remove(&number);
        // A burst leaves a large table behind.
        let room = self.under_way.capacity();
        if room > 64 && self.under_way.len() < room / 8 {
            self.under_way.shrink_to(room / 4);
        }
        request
    }

    /// The robot's request under way as `number`.
    pub(super) fn call_mut(&mut self, number: u32) -> Option<&mut Call> {
        match self.under_way.get_mut(&number) {
            Some(Request::Call(call)) => Some(call),
            _ => None,
        }
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

    /// The numbers of robots' requests that `wanted` picks, in the order they were sent.
    pub(super) fn numbers(&self, wanted: impl Fn(&Call) -> bool) -> Vec<u32> {
        sorted(self.calls().filter(|(_, call)| wanted(call)).map(|(number, _)| number))
    }

    /// How many requests of robots are under way.
    pub(super) fn call_count(&self) -> usize {
        self.calls().count()
    }

    /// When the first of them is given up.
    pub(super) fn first_deadline(&self) -> Option<Moment> {
        self.calls().map(|(_, call)| call.deadline).min()
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
