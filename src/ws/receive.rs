//! The receiving side of a connection: frames to messages (docs/protocol.md#incoming-frames).
//!
//! tungstenite parses the headers; the most common header has a shortcut. Messages are assembled
//! here, because tungstenite's reader reserves as much memory as a header claims and keeps a buffer
//! for each connection. Here an idle connection holds no buffer, and memory is taken as bytes arrive:
//! at most twice as much as has arrived, or a spare buffer.

use crate::close_finder::CloseFinder;
use crate::frame::{self, FrameError};
use crate::memory::allocated;
use crate::partial::{Fragments, Partial};
use crate::role::Role;
use crate::send::SpareBuffers;
use std::ops::Range;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

/// A message or control frame from the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message: its text if it is UTF-8 and not empty.
    Binary(Option<&'a str>),
    /// A ping, with its payload.
    Ping(&'a [u8]),
    /// A pong.
    Pong,
    /// A valid close frame, with its payload: code and reason, or nothing.
    Close(&'a [u8]),
}

/// Bytes just read from the socket. Frames are unmasked in place.
pub struct Input<'a> {
    bytes: &'a mut [u8],
    consumed: usize,
}

impl<'a> Input<'a> {
    /// Wraps `bytes`, none of them consumed.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Input { bytes, consumed: 0 }
    }

    /// The bytes not consumed yet.
    pub fn rest(&self) -> &[u8] {
        self.bytes.get(self.consumed..).unwrap_or(&[])
    }
}

/// Where the unmasked payload of a frame is.
enum PayloadLocation {
    InInput(Range<usize>),
    /// From this index to the end of `Receiver::partial`.
    InPartial(usize),
}

impl PayloadLocation {
    fn payload<'a>(&self, input: &'a Input<'_>, partial: &'a [u8]) -> &'a [u8] {
        let payload = match self {
            PayloadLocation::InInput(range) => input.bytes.get(range.clone()),
            PayloadLocation::InPartial(start) => partial.get(*start..),
        };
        payload.unwrap_or(&[])
    }
}

/// The receiving side of a connection.
#[derive(Debug, Default)]
pub struct Receiver {
    /// Which end of the connection this is.
    role: Role,
    /// An incomplete frame, header included.
    partial: Partial,
    /// The length of that frame with its header, once the header is complete.
    frame_len: Option<usize>,
    /// The frame in `partial` has been returned or appended. The next call drops it.
    partial_done: bool,
    /// An unfinished fragmented message.
    fragments: Option<Box<Fragments>>,
    /// The message in `fragments` has been returned. The next call drops it.
    fragments_done: bool,
}

impl Receiver {
    /// The receiving side at this end of a connection. The default is a server's.
    pub fn new(role: Role) -> Self {
        Receiver { role, ..Receiver::default() }
    }

    /// The bytes of memory that unfinished frames and messages take.
    pub fn held(&self) -> usize {
        let fragments = self.fragments.as_ref();
        let fragments = fragments.map_or(0, |fragments| allocated(fragments.bytes.capacity()));
        self.partial.held() + fragments
    }

    /// Whether a frame is incomplete and its length is known.
    pub fn is_mid_frame(&self) -> bool {
        self.frame_len.is_some_and(|frame_len| self.partial.len() < frame_len)
    }

    /// Whether the incomplete frame is longer than `size` bytes.
    pub fn is_mid_frame_over(&self, size: usize) -> bool {
        self.is_mid_frame() && self.frame_len.is_some_and(|frame_len| frame_len > size)
    }

    /// Returns a finder of the peer's close frame that starts at the next byte to be received.
    pub fn close_finder(&self) -> CloseFinder {
        if self.partial_done {
            return CloseFinder::default();
        }
        let missing = self.frame_len.map(|frame_len| frame_len.saturating_sub(self.partial.len()));
        CloseFinder::resume(self.partial.bytes(), missing)
    }

    /// Returns where the next bytes of a large frame may be read to, instead of to an [`Input`], to
    /// save a copy; `None` if that is not worth it.
    pub fn read_buffer(&mut self) -> Option<&mut [u8]> {
        let missing = self.frame_len?.checked_sub(self.partial.len())?;
        self.partial.read_buffer(missing)
    }

    /// Notes that `count` bytes were read into [`Receiver::read_buffer`].
    pub fn advance(&mut self, count: usize) {
        self.partial.advance(count);
    }

    /// Returns the next message or control frame in `input`, or `None` if more bytes are needed.
    /// `limit` is the size of the largest message, in bytes.
    ///
    /// # Errors
    /// The protocol violation for which the connection must be closed. The receiver must not be
    /// used afterwards.
    #[inline(never)]
    pub fn next<'a>(
        &'a mut self,
        input: &'a mut Input<'_>,
        limit: usize,
        spares: &mut SpareBuffers,
    ) -> Result<Option<Incoming<'a>>, FrameError> {
        if let Some(range) = self.take_common_frame(input, limit) {
            return data_message(true, input.bytes.get(range).unwrap_or_default()).map(Some);
        }
        if std::mem::take(&mut self.fragments_done) {
            self.fragments = None;
        }
        loop {
            let Some((header, location)) = self.take_frame(input, limit, spares)? else {
                return Ok(None);
            };
            let code = match header.opcode {
                OpCode::Control(code) => {
                    return control_message(code, location.payload(input, self.partial.bytes()))
                        .map(Some);
                }
                OpCode::Data(code) => code,
            };
            if header.is_final && code != Data::Continue {
                let payload = location.payload(input, self.partial.bytes());
                return data_message(code == Data::Text, payload).map(Some);
            }
            self.append_fragment(input, &location, code == Data::Text);
            if header.is_final {
                self.fragments_done = true;
                let Some(fragments) = &self.fragments else { return Ok(None) };
                return data_message(fragments.is_text, &fragments.bytes).map(Some);
            }
        }
    }

    /// Unmasks the next frame and returns where its payload is, if it is complete, of the most common
    /// kind, and nothing is unfinished.
    #[inline(always)]
    fn take_common_frame(&self, input: &mut Input<'_>, limit: usize) -> Option<Range<usize>> {
        if self.partial.len() > 0 || self.fragments.is_some() || self.role != Role::Server {
            return None;
        }
        let (header, start, size) = frame::common_header(input.rest())?;
        let start = input.consumed + start;
        let range = start..start + size;
        let payload = input.bytes.get_mut(range.clone()).filter(|_| size <= limit)?;
        frame::apply_mask(payload, header.mask.unwrap_or_default());
        input.consumed = range.end;
        Some(range)
    }

    /// Returns the next complete frame, unmasked.
    fn take_frame(
        &mut self,
        input: &mut Input<'_>,
        limit: usize,
        spares: &mut SpareBuffers,
    ) -> Result<Option<(FrameHeader, PayloadLocation)>, FrameError> {
        if std::mem::take(&mut self.partial_done) {
            self.frame_len = None;
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
                    let range = input.consumed + start..input.consumed + end;
                    input.consumed += end;
                    if let Some(payload) = input.bytes.get_mut(range.clone()) {
                        frame::apply_mask(payload, header.mask.unwrap_or_default());
                    }
                    return Ok(Some((header, PayloadLocation::InInput(range))));
                }
                self.frame_len = Some(end);
            }
        }
        self.fill(input, limit, spares)
    }

    /// Continues the incomplete frame.
    fn fill(
        &mut self,
        input: &mut Input<'_>,
        limit: usize,
        spares: &mut SpareBuffers,
    ) -> Result<Option<(FrameHeader, PayloadLocation)>, FrameError> {
        loop {
            let missing = match self.frame_len {
                Some(frame_len) => frame_len.saturating_sub(self.partial.len()),
                // The header is incomplete: byte by byte, so as not to read past this frame.
                None => 1,
            };
            let rest = input.rest();
            let count = missing.min(rest.len());
            self.partial.add(rest.get(..count).unwrap_or_default(), missing, spares);
            input.consumed += count;
            if count < missing {
                return Ok(None);
            }
            let header = self.read_header(self.partial.bytes(), limit)?;
            let Some((header, start, size)) = header else { continue };
            let frame_len = start.saturating_add(size);
            self.frame_len = Some(frame_len);
            if self.partial.len() >= frame_len {
                if let Some(payload) = self.partial.bytes_mut().get_mut(start..) {
                    frame::apply_mask(payload, header.mask.unwrap_or_default());
                }
                self.partial_done = true;
                return Ok(Some((header, PayloadLocation::InPartial(start))));
            }
        }
    }

    /// Reads and checks a header. Returns it, its length and the payload's length in bytes; `None`
    /// if it is incomplete.
    fn read_header(
        &self,
        bytes: &[u8],
        limit: usize,
    ) -> Result<Option<(FrameHeader, usize, usize)>, FrameError> {
        let Some((header, start, size)) = frame::parse_header(bytes)? else { return Ok(None) };
        self.check(&header, size)?;
        let gathered = self.fragments.as_ref().filter(|_| !self.fragments_done);
        let gathered = gathered.map_or(0, |fragments| fragments.bytes.len());
        match usize::try_from(size) {
            Ok(size) if size <= limit.saturating_sub(gathered) => Ok(Some((header, start, size))),
            Ok(size) if matches!(header.opcode, OpCode::Control(_)) => {
                Ok(Some((header, start, size)))
            }
            _ => Err(FrameError::TooBig),
        }
    }

    /// Checks what RFC 6455 demands of a frame at this point, except the message size, and except that
    /// a client accepts masked frames.
    fn check(&self, header: &FrameHeader, size: u64) -> Result<(), FrameError> {
        let gathering = self.fragments.is_some() && !self.fragments_done;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(FrameError::ReservedBits);
        }
        if header.mask.is_none() && self.role == Role::Server {
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

    /// Appends a frame's payload to the fragmented message.
    fn append_fragment(&mut self, input: &Input<'_>, location: &PayloadLocation, is_text: bool) {
        let fragments = self
            .fragments
            .get_or_insert_with(|| Box::new(Fragments { is_text, bytes: Vec::new() }));
        fragments.bytes.extend_from_slice(location.payload(input, self.partial.bytes()));
    }
}

fn data_message(is_text: bool, payload: &[u8]) -> Result<Incoming<'_>, FrameError> {
    match simdutf8::basic::from_utf8(payload) {
        Ok(text) if is_text => Ok(Incoming::Text(text)),
        Err(_) if is_text => Err(FrameError::TextNotUtf8),
        text => Ok(Incoming::Binary(text.ok().filter(|text| !text.is_empty()))),
    }
}

fn control_message(code: Control, payload: &[u8]) -> Result<Incoming<'_>, FrameError> {
    match code {
        Control::Ping => Ok(Incoming::Ping(payload)),
        Control::Pong => Ok(Incoming::Pong),
        Control::Close => {
            let (code, reason) = match payload {
                [] => return Ok(Incoming::Close(&[])),
                [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
                [_] => return Err(FrameError::CloseTooShort),
            };
            if !CloseCode::from(code).is_allowed() {
                return Err(FrameError::CloseCode(code));
            }
            std::str::from_utf8(reason).map_err(|_| FrameError::CloseNotUtf8)?;
            Ok(Incoming::Close(payload))
        }
        Control::Reserved(_) => Err(FrameError::Opcode),
    }
}

#[cfg(test)]
mod tests;
