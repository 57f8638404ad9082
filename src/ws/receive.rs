//! Frames in, messages out: one connection's receiving end (RFC 6455; docs/protocol.md#incoming-frames).
//!
//! The headers of frames are read by tungstenite, the commonest by a shortcut. Messages are put
//! together here, because its own reader reserves as much memory as a header claims, and keeps a
//! buffer for each connection: here a quiet connection holds nothing, and a message takes as much
//! as has arrived of it, or twice that where it is large.

use crate::frame;
use crate::frame::FrameError;
use crate::memory::allocated;
use crate::partial::{Fragments, Partial};
use crate::send::Spares;
use crate::skimmer::Skimmer;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

/// What a peer said.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message, and the text in it where it is UTF-8.
    Binary(Option<&'a str>),
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong.
    Pong,
    /// A close frame, with its payload.
    Close(&'a [u8]),
}

/// Bytes that have just been read from the socket.
pub struct Input<'a> {
    bytes: &'a mut [u8],
    taken: usize,
}

impl<'a> Input<'a> {
    /// All of `bytes`, of which nothing has been taken yet.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Input { bytes, taken: 0 }
    }

    /// What has not been taken yet.
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or(&[])
    }
}

/// Where a frame's payload lies, unmasked.
enum Lies {
    InInput(std::ops::Range<usize>),
    InPartial(usize),
}

impl Lies {
    fn payload<'a>(&self, input: &'a Input<'_>, partial: &'a [u8]) -> &'a [u8] {
        let payload = match self {
            Lies::InInput(range) => input.bytes.get(range.clone()),
            Lies::InPartial(start) => partial.get(*start..),
        };
        payload.unwrap_or(&[])
    }
}

/// The receiving end.
#[derive(Debug, Default)]
pub struct Receiver {
    /// A frame that has not come whole, from its first byte.
    partial: Partial,
    /// How long that frame is with its header, once that is known.
    wanted: Option<usize>,
    /// What was heard or gathered last lies in `partial`, which is over.
    taken: bool,
    /// The message whose frames are coming.
    fragments: Option<Box<Fragments>>,
    /// What was heard last lies in `fragments`, which are over.
    spent: bool,
}

impl Receiver {
    /// How many bytes of memory unfinished messages hold.
    pub fn held(&self) -> usize {
        let fragments = self.fragments.as_ref();
        let fragments = fragments.map_or(0, |fragments| allocated(fragments.bytes.capacity()));
        self.partial.held() + fragments
    }

    /// Whether a frame has come in part.
    pub fn is_amid_a_frame(&self) -> bool {
        self.wanted.is_some_and(|wanted| self.partial.len() < wanted)
    }

    /// Whether a frame has come in part that takes more than `size` bytes.
    pub fn is_amid_a_frame_over(&self, size: usize) -> bool {
        self.is_amid_a_frame() && self.wanted.is_some_and(|wanted| wanted > size)
    }

    /// What looks for the peer's close frame from here on, in the bytes that follow.
    pub fn skimmer(&self) -> Skimmer {
        if self.taken {
            return Skimmer::default();
        }
        let missing = self.wanted.map(|wanted| wanted.saturating_sub(self.partial.len()));
        Skimmer::within(self.partial.bytes(), missing)
    }

    /// Where the rest of a large frame may be read to at once, instead of to an [`Input`]; nothing
    /// where that is not worth it.
    pub fn room(&mut self) -> Option<&mut [u8]> {
        let missing = self.wanted?.checked_sub(self.partial.len())?;
        self.partial.room(missing)
    }

    /// So many bytes were read to [`Receiver::room`].
    pub fn came(&mut self, count: usize) {
        self.partial.came(count);
    }

    /// The next thing heard in `input`, or nothing where the rest of it must come first.
    /// `limit` is the largest message, in bytes.
    ///
    /// # Errors
    /// Why the connection has to be closed. What the peer sends from then on means nothing.
    pub fn next<'a>(
        &'a mut self,
        input: &'a mut Input<'_>,
        limit: usize,
        spares: &mut Spares,
    ) -> Result<Option<Heard<'a>>, FrameError> {
        if std::mem::take(&mut self.spent) {
            self.fragments = None;
        }
        loop {
            let Some((header, lies)) = self.take_frame(input, limit, spares)? else {
                return Ok(None);
            };
            let code = match header.opcode {
                OpCode::Control(code) => {
                    return hear_control(code, lies.payload(input, self.partial.bytes())).map(Some);
                }
                OpCode::Data(code) => code,
            };
            if header.is_final && code != Data::Continue {
                let payload = lies.payload(input, self.partial.bytes());
                return hear_data(code == Data::Text, payload).map(Some);
            }
            self.gather(input, &lies, code == Data::Text);
            if header.is_final {
                self.spent = true;
                let Some(fragments) = &self.fragments else { return Ok(None) };
                return hear_data(fragments.is_text, &fragments.bytes).map(Some);
            }
        }
    }

    /// Takes one whole frame, unmasked.
    fn take_frame(
        &mut self,
        input: &mut Input<'_>,
        limit: usize,
        spares: &mut Spares,
    ) -> Result<Option<(FrameHeader, Lies)>, FrameError> {
        if std::mem::take(&mut self.taken) {
            self.wanted = None;
            self.partial.clear(spares);
        }
        let rest = input.rest();
        if self.partial.len() == 0 {
            if rest.is_empty() {
                return Ok(None);
            }
            if let Some((header, start, size)) = self.read_header(rest, limit)? {
                let end = start.saturating_add(size);
                if end <= rest.len() {
                    let range = input.taken + start..input.taken + end;
                    input.taken += end;
                    if let Some(payload) = input.bytes.get_mut(range.clone()) {
                        frame::unmask(payload, header.mask.unwrap_or_default());
                    }
                    return Ok(Some((header, Lies::InInput(range))));
                }
                self.wanted = Some(end);
            }
        }
        self.fill(input, limit, spares)
    }

    /// Goes on with the frame that has not come whole.
    fn fill(
        &mut self,
        input: &mut Input<'_>,
        limit: usize,
        spares: &mut Spares,
    ) -> Result<Option<(FrameHeader, Lies)>, FrameError> {
        loop {
            let missing = match self.wanted {
                Some(wanted) => wanted.saturating_sub(self.partial.len()),
                // Byte by byte, for no byte behind this frame may be taken.
                None => 1,
            };
            let rest = input.rest();
            let count = missing.min(rest.len());
            self.partial.add(rest.get(..count).unwrap_or_default(), missing, spares);
            input.taken += count;
            if count < missing {
                return Ok(None);
            }
            let header = self.read_header(self.partial.bytes(), limit)?;
            let Some((header, start, size)) = header else { continue };
            let wanted = start.saturating_add(size);
            self.wanted = Some(wanted);
            if self.partial.len() >= wanted {
                if let Some(payload) = self.partial.bytes_mut().get_mut(start..) {
                    frame::unmask(payload, header.mask.unwrap_or_default());
                }
                self.taken = true;
                return Ok(Some((header, Lies::InPartial(start))));
            }
        }
    }

    /// Reads and checks a frame's header: itself, its length, and that of the payload. Nothing
    /// where it has not come whole.
    fn read_header(
        &self,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Option<(FrameHeader, usize, usize)>, FrameError> {
        match frame::usual_header(bytes) {
            Some(read) if self.fragments.is_none() && read.2 <= limit => Ok(Some(read)),
            _ => self.read_any_header(bytes, limit),
        }
    }

    /// The same, of whatever kind it is.
    fn read_any_header(
        &self,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Option<(FrameHeader, usize, usize)>, FrameError> {
        let Some((header, start, size)) = frame::any_header(bytes)? else { return Ok(None) };
        self.check(&header, size)?;
        let gathered = self.fragments.as_ref().filter(|_| !self.spent);
        let gathered = gathered.map_or(0, |fragments| fragments.bytes.len());
        match usize::try_from(size) {
            Ok(size) if size <= limit.saturating_sub(gathered) => Ok(Some((header, start, size))),
            Ok(size) if matches!(header.opcode, OpCode::Control(_)) => {
                Ok(Some((header, start, size)))
            }
            _ => Err(FrameError::TooBig),
        }
    }

    /// What RFC 6455 demands of a client's frame at this point.
    fn check(&self, header: &FrameHeader, size: u64) -> Result<(), FrameError> {
        let gathering = self.fragments.is_some() && !self.spent;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(FrameError::ReservedBits);
        }
        if header.mask.is_none() {
            return Err(FrameError::Unmasked);
        }
        match header.opcode {
            OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_)) => {
                Err(FrameError::Opcode)
            }
            OpCode::Control(_) if !header.is_final => Err(FrameError::ControlInPieces),
            OpCode::Control(_) if size > 125 => Err(FrameError::ControlTooLong),
            OpCode::Data(Data::Continue) if !gathering => Err(FrameError::NothingToContinue),
            OpCode::Data(Data::Text | Data::Binary) if gathering => {
                Err(FrameError::MessageInMessage)
            }
            _ => Ok(()),
        }
    }

    /// Adds a frame to the message whose frames are coming.
    fn gather(&mut self, input: &Input<'_>, lies: &Lies, is_text: bool) {
        let fragments = self
            .fragments
            .get_or_insert_with(|| Box::new(Fragments { is_text, bytes: Vec::new() }));
        fragments.bytes.extend_from_slice(lies.payload(input, self.partial.bytes()));
    }
}

fn hear_data(is_text: bool, payload: &[u8]) -> Result<Heard<'_>, FrameError> {
    match simdutf8::basic::from_utf8(payload) {
        Ok(text) if is_text => Ok(Heard::Text(text)),
        Err(_) if is_text => Err(FrameError::TextNotUtf8),
        text => Ok(Heard::Binary(text.ok().filter(|text| !text.is_empty()))),
    }
}

fn hear_control(code: Control, payload: &[u8]) -> Result<Heard<'_>, FrameError> {
    match code {
        Control::Ping => Ok(Heard::Ping(payload)),
        Control::Pong => Ok(Heard::Pong),
        Control::Close => {
            let (code, reason) = match payload {
                [] => return Ok(Heard::Close(&[])),
                [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
                [_] => return Err(FrameError::CloseTooShort),
            };
            if !CloseCode::from(code).is_allowed() {
                return Err(FrameError::CloseCode(code));
            }
            std::str::from_utf8(reason).map_err(|_| FrameError::CloseNotUtf8)?;
            Ok(Heard::Close(payload))
        }
        Control::Reserved(_) => Err(FrameError::Opcode),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut bytes = vec![first];
        match payload.len() {
            short @ 0..=125 => bytes.push(0x80 | short as u8),
            medium @ 126..=65_535 => {
                bytes.push(0x80 | 126);
                bytes.extend((medium as u16).to_be_bytes());
            }
            long => {
                bytes.push(0x80 | 127);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(mask);
        let start = bytes.len();
        bytes.extend(payload);
        frame::unmask(&mut bytes[start..], mask);
        bytes
    }

    /// Hears `bytes` in pieces of `step`.
    fn hear(bytes: &[u8], step: usize, limit: usize) -> (Vec<String>, Option<FrameError>, usize) {
        let mut receiver = Receiver::default();
        let mut spares = Spares::default();
        let mut heard = Vec::new();
        for piece in bytes.chunks(step) {
            let mut piece = piece.to_vec();
            let mut input = Input::new(&mut piece);
            loop {
                match receiver.next(&mut input, limit, &mut spares) {
                    Ok(Some(message)) => heard.push(format!("{message:?}")),
                    Ok(None) => break,
                    Err(error) => return (heard, Some(error), receiver.held()),
                }
            }
        }
        let held = receiver.held();
        (heard, None, held)
    }

    #[test]
    fn messages_are_the_same_however_their_bytes_arrive() {
        let long = "长".repeat(30_000);
        let mut bytes = frame(0x81, b"{}");
        bytes.extend(frame(0x01, "小".as_bytes()));
        bytes.extend(frame(0x89, b"are you there"));
        bytes.extend(frame(0x00, &"智".as_bytes()[..2]));
        bytes.extend(frame(0x80, &"智".as_bytes()[2..]));
        bytes.extend(frame(0x82, &[0xFF; 200]));
        bytes.extend(frame(0x02, b"[1"));
        bytes.extend(frame(0x80, b"]"));
        bytes.extend(frame(0x82, b""));
        bytes.extend(frame(0x8A, b""));
        bytes.extend(frame(0x81, long.as_bytes()));
        bytes.extend(frame(0x81, b""));
        bytes.extend(frame(0x88, &[0x03, 0xE8, b'o', b'k']));
        let expected = [
            "Text(\"{}\")".to_owned(),
            format!("Ping({:?})", b"are you there"),
            "Text(\"小智\")".to_owned(),
            "Binary(None)".to_owned(),
            "Binary(Some(\"[1]\"))".to_owned(),
            "Binary(None)".to_owned(),
            "Pong".to_owned(),
            format!("Text({long:?})"),
            "Text(\"\")".to_owned(),
            "Close([3, 232, 111, 107])".to_owned(),
        ];
        for step in [1, 2, 3, 7, 64, 4096, usize::MAX] {
            let (heard, error, held) = hear(&bytes, step, 1 << 20);
            assert_eq!((heard.as_slice(), error), (expected.as_slice(), None), "step {step}");
            // What came last may still lie there until the next byte.
            assert!(held < 20, "step {step} holds {held}");
        }
    }

    #[test]
    fn what_is_held_is_memory_and_a_quiet_connection_holds_none() {
        let mut spares = Spares::default();
        spares.give(Vec::with_capacity(1 << 20));
        spares.give(Vec::with_capacity(1000));
        let mut receiver = Receiver::default();
        let mut whole = frame(0x81, &[b'x'; 100_000]);
        let (start, rest) = whole.split_at_mut(20_000);
        let mut input = Input::new(start);
        assert_eq!(receiver.next(&mut input, 1 << 20, &mut spares), Ok(None));
        assert!(receiver.held() >= 1 << 20, "the whole buffer counts: {}", receiver.held());
        let mut input = Input::new(rest);
        assert!(matches!(receiver.next(&mut input, 1 << 20, &mut spares), Ok(Some(_))));
        assert_eq!(receiver.next(&mut input, 1 << 20, &mut spares), Ok(None));
        assert_eq!(receiver.held(), 0);
    }

    #[test]
    fn the_rest_of_a_large_frame_may_be_read_to_where_it_lies() {
        let text: String = ('a'..='z').cycle().take(300_000).collect();
        let whole = [frame(0x81, text.as_bytes()), frame(0x81, b"{}")].concat();
        let mut spares = Spares::default();
        // Once in fresh memory, once in memory that was used.
        for _ in 0..2 {
            let mut receiver = Receiver::default();
            let mut rest = &whole[..];
            let (mut heard, mut direct) = (Vec::new(), 0);
            while !rest.is_empty() {
                let mut piece = Vec::new();
                let count = if let Some(room) = receiver.room() {
                    let count = room.len().min(rest.len()).min(50_000);
                    room[..count].copy_from_slice(&rest[..count]);
                    receiver.came(count);
                    direct += count;
                    count
                } else {
                    piece.extend(rest.iter().take(20_000));
                    piece.len()
                };
                rest = &rest[count..];
                let mut input = Input::new(&mut piece);
                while let Some(message) = receiver.next(&mut input, 1 << 20, &mut spares).unwrap() {
                    heard.push(format!("{message:?}"));
                }
            }
            assert_eq!(heard, [format!("Text({text:?})"), "Text(\"{}\")".to_owned()]);
            assert!(direct > 200_000, "{direct} bytes were read to where they lie");
            assert_eq!(receiver.held(), 0);
        }
    }

    #[test]
    fn what_the_protocol_forbids_is_an_error() {
        let unmasked = [0x81, 0x01, b'x'];
        for (wrong, bytes) in [
            (FrameError::ReservedBits, frame(0xC1, b"x")),
            (FrameError::Opcode, frame(0x83, b"x")),
            (FrameError::Opcode, frame(0x8B, b"x")),
            (FrameError::Unmasked, unmasked.to_vec()),
            (FrameError::ControlTooLong, frame(0x89, &[0; 126])),
            (FrameError::ControlInPieces, frame(0x09, b"x")),
            (FrameError::NothingToContinue, frame(0x80, b"x")),
            (FrameError::MessageInMessage, [frame(0x01, b"x"), frame(0x81, b"y")].concat()),
            (FrameError::CloseTooShort, frame(0x88, &[3])),
            (FrameError::CloseCode(1005), frame(0x88, &[0x03, 0xED])),
        ] {
            for step in [1, usize::MAX] {
                let (_, error, _) = hear(&bytes, step, 1000);
                assert_eq!(error, Some(wrong));
            }
        }
        for (wrong, bytes) in [
            (FrameError::TextNotUtf8, frame(0x81, &[0xC3, 0x28])),
            (FrameError::CloseNotUtf8, frame(0x88, &[0x03, 0xE8, 0xFF])),
        ] {
            assert_eq!(hear(&bytes, usize::MAX, 1000).1, Some(wrong));
        }
    }

    #[test]
    fn a_message_too_big_is_refused_by_its_header_and_reserves_nothing() {
        let mut header = vec![0x81, 0xFF];
        header.extend(u64::MAX.to_be_bytes());
        header.extend([0; 4]);
        let (_, error, held) = hear(&header, usize::MAX, 16 << 20);
        assert_eq!((error, held), (Some(FrameError::TooBig), 0));
        for step in [3, usize::MAX] {
            for limit in [10, 300] {
                let too_much = frame(0x81, &vec![b'x'; limit + 1]);
                assert_eq!(hear(&too_much, step, limit).1, Some(FrameError::TooBig));
                assert_eq!(hear(&frame(0x81, &vec![b'x'; limit]), step, limit).1, None);
            }
        }
        let pieces = [frame(0x01, &[b'x'; 6]), frame(0x80, &[b'x'; 5])].concat();
        assert_eq!(hear(&pieces, usize::MAX, 10).1, Some(FrameError::TooBig));
        let with_ping = [frame(0x01, &[b'x'; 10]), frame(0x89, b"ping"), frame(0x80, b"")].concat();
        assert_eq!(hear(&with_ping, usize::MAX, 10).1, None);
    }
}
