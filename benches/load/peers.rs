//! The two ends of a call: a tool server that answers at once, a robot that calls again at once.

use super::frames::{header, measure, write_id, Answers, ID_AT, ID_DIGITS, MASK};
use std::time::Instant;

/// The first id of a robot. All of them have six digits.
const FIRST_ID: u32 = 100_000;
const LAST_ID: u32 = 999_999;

/// One answer in this many is compared byte by byte. The head and the id are compared in every answer.
const COMPARE_EVERY: u32 = 64;

/// Why a relay cannot be measured.
pub(crate) type MeasureError = String;

/// A tool server.
pub(crate) struct Tool {
    partial: Vec<u8>,
}

impl Tool {
    pub(crate) fn new() -> Self {
        Tool { partial: Vec::new() }
    }

    /// Reads calls and adds the answers to `out`.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        answers: &Answers,
        out: &mut Vec<u8>,
    ) -> Result<(), MeasureError> {
        let joined;
        let mut rest = bytes;
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.partial);
            rest = &joined;
        }
        while let Some((start, end, mask)) = measure(rest) {
            if end > rest.len() {
                break;
            }
            let mut digits = [0; 10];
            let mut count = 0;
            for (place, digit) in digits.iter_mut().enumerate() {
                *digit = rest[start + ID_AT + place] ^ mask[(ID_AT + place) % 4];
                if !digit.is_ascii_digit() {
                    break;
                }
                count += 1;
            }
            if rest[0] != 0x81 || count == 0 {
                let text = String::from_utf8_lossy(&rest[..end]);
                return Err(format!("a tool was sent something that is no call: {text}"));
            }
            answers.push(&digits[..count], out);
            rest = &rest[end..];
        }
        self.partial = rest.to_vec();
        Ok(())
    }
}

/// A call under way.
#[derive(Clone, Copy)]
struct Slot {
    id: u32,
    sent: Instant,
}

/// A robot with a fixed number of calls under way.
pub(crate) struct Robot {
    /// The calls it makes, one after another.
    calls: Vec<Vec<u8>>,
    next_call: usize,
    next_id: u32,
    slots: Vec<Option<Slot>>,
    /// An answer as it must arrive, except for the digits of its id.
    expected: Vec<u8>,
    start: usize,
    mask: [u8; 4],
    /// How much of the next answer has arrived, and the digits of its id.
    position: usize,
    digits: [u8; ID_DIGITS],
    answered: u32,
}

impl Robot {
    /// A robot. `masked`: whether the relay passes masks on.
    pub(crate) fn new(
        calls: &[Vec<u8>],
        in_flight: usize,
        answers: &Answers,
        masked: bool,
    ) -> Self {
        let mask = if masked { MASK } else { [0; 4] };
        let mut expected = header(answers.plain.len(), masked.then_some(MASK));
        let start = expected.len();
        let bytes = answers.plain.bytes().zip(mask.iter().cycle());
        expected.extend(bytes.map(|(byte, mask)| byte ^ mask));
        Robot {
            calls: calls.to_vec(),
            next_call: 0,
            next_id: FIRST_ID,
            slots: vec![None; in_flight],
            expected,
            start,
            mask,
            position: 0,
            digits: [0; ID_DIGITS],
            answered: 0,
        }
    }

    /// Adds a call to `out` for every free slot; returns how many.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>) -> usize {
        let free: Vec<usize> =
            (0..self.slots.len()).filter(|slot| self.slots[*slot].is_none()).collect();
        free.iter().for_each(|slot| self.call(*slot, Instant::now(), out));
        free.len()
    }

    /// Makes a call whose id encodes its slot.
    fn call(&mut self, slot: usize, now: Instant, out: &mut Vec<u8>) {
        let count = self.slots.len() as u32;
        self.next_id += count;
        if self.next_id > LAST_ID - 2 * count {
            self.next_id = FIRST_ID;
        }
        let id = self.next_id - self.next_id % count + slot as u32;
        let frame = &mut self.calls[self.next_call];
        let mut digits = [0; ID_DIGITS];
        let mut rest = id;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        // Every call here is between 126 bytes and 64 KiB long.
        write_id(frame, 8, &digits);
        out.extend_from_slice(frame);
        self.next_call = (self.next_call + 1) % self.calls.len();
        self.slots[slot] = Some(Slot { id, sent: now });
    }

    /// Reads answers, notes how long each call took, in nanoseconds, and calls again while there is
    /// time.
    pub(crate) fn take(
        &mut self,
        mut bytes: &[u8],
        now: Instant,
        goes_on: bool,
        took: &mut Vec<u32>,
        out: &mut Vec<u8>,
    ) -> Result<(), MeasureError> {
        let id_at = self.start + ID_AT;
        while !bytes.is_empty() {
            let count = (self.expected.len() - self.position).min(bytes.len());
            let (part, after) = bytes.split_at(count);
            let (from, to) = (self.position, self.position + count);
            self.compare(part, 0..id_at)?;
            if from < id_at + ID_DIGITS && to > id_at {
                for place in 0..ID_DIGITS {
                    if (from..to).contains(&(id_at + place)) {
                        let byte = part[id_at + place - from];
                        self.digits[place] = byte ^ self.mask[(ID_AT + place) % 4];
                    }
                }
            }
            if self.answered % COMPARE_EVERY == 0 {
                self.compare(part, id_at + ID_DIGITS..self.expected.len())?;
            }
            self.position = to;
            bytes = after;
            if self.position == self.expected.len() {
                self.position = 0;
                self.answered = self.answered.wrapping_add(1);
                let slot = self.settle(now, took)?;
                if goes_on {
                    self.call(slot, now, out);
                }
            }
        }
        Ok(())
    }

    /// Compares `range` of the answer with the expected answer.
    fn compare(&self, part: &[u8], range: std::ops::Range<usize>) -> Result<(), MeasureError> {
        let from = self.position.max(range.start);
        let to = (self.position + part.len()).min(range.end);
        if from < to && part[from - self.position..to - self.position] != self.expected[from..to] {
            let text = String::from_utf8_lossy(&part[..part.len().min(300)]).into_owned();
            return Err(format!("an answer is not what the tool sent: {text}"));
        }
        Ok(())
    }

    /// Finds the call that was answered.
    fn settle(&mut self, now: Instant, took: &mut Vec<u32>) -> Result<usize, MeasureError> {
        let mut id = 0;
        for digit in self.digits {
            id = id * 10 + u32::from(digit.wrapping_sub(b'0'));
        }
        let slot = id as usize % self.slots.len();
        match self.slots[slot].take() {
            Some(call) if call.id == id => {
                took.push(u32::try_from((now - call.sent).as_nanos()).unwrap_or(u32::MAX));
                Ok(slot)
            }
            _ => Err(format!("an answer to {id}, which nobody waits for")),
        }
    }
}
