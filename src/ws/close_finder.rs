//! Finds the peer's close frame in what it sends after the server's close frame. Other frames are
//! skipped, and no payload is kept.

use crate::frame::{parse_header, MAX_HEADER_LEN};
use tungstenite::protocol::frame::coding::{Control, OpCode};

/// The longest payload of a control frame, in bytes (RFC 6455, section 5.5).
const MAX_CONTROL_PAYLOAD: u64 = 125;

/// Skips frames up to a close frame.
#[derive(Debug, Default)]
pub struct CloseFinder {
    /// The bytes received of an incomplete header.
    header: [u8; MAX_HEADER_LEN],
    header_len: usize,
    /// How many bytes of the current frame's payload are missing.
    payload_left: u64,
    /// Whether the current frame is a close frame.
    is_close: bool,
    /// Whether the search has ended.
    done: bool,
}

impl CloseFinder {
    /// Starts in the middle of a frame. If its header is complete, `payload` is the number of bytes
    /// missing from the frame; otherwise `beginning` holds the bytes received of the header.
    pub fn resume(beginning: &[u8], payload: Option<usize>) -> Self {
        let mut close_finder = CloseFinder::default();
        match payload {
            Some(payload) => close_finder.payload_left = u64::try_from(payload).unwrap_or(u64::MAX),
            None => {
                for (place, byte) in close_finder.header.iter_mut().zip(beginning) {
                    *place = *byte;
                    close_finder.header_len += 1;
                }
            }
        }
        close_finder
    }

    /// Scans `bytes`. Returns true once the close frame is complete or the bytes are not frames.
    pub fn is_done(&mut self, bytes: &[u8]) -> bool {
        self.done = self.done || self.scan(bytes);
        self.done
    }

    fn scan(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            if self.payload_left > 0 {
                let passed =
                    usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len());
                self.payload_left -= passed as u64;
                bytes = bytes.get(passed..).unwrap_or_default();
            }
            if self.payload_left > 0 {
                return false;
            }
            if self.is_close {
                return true;
            }
            // Byte by byte, because a header is short.
            let Some((byte, rest)) = bytes.split_first() else { return false };
            bytes = rest;
            let Some(place) = self.header.get_mut(self.header_len) else { return true };
            *place = *byte;
            self.header_len += 1;
            match parse_header(self.header.get(..self.header_len).unwrap_or_default()) {
                Ok(None) => (),
                Ok(Some((header, _, payload))) => {
                    self.header_len = 0;
                    self.payload_left = payload;
                    self.is_close = header.opcode == OpCode::Control(Control::Close);
                    if self.is_close && payload > MAX_CONTROL_PAYLOAD {
                        return true;
                    }
                }
                Err(_) => return true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_frame::Frame;

    /// A frame with an all-zero mask.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        Frame::bytes_masked_with_zeros(first, payload)
    }

    fn close() -> Vec<u8> {
        vec![0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]
    }

    #[test]
    fn a_close_frame_is_found_after_any_frames_however_the_bytes_are_split() {
        let mut bytes = frame(0x81, &[0x88; 70_000]);
        bytes.extend(frame(0x82, b""));
        bytes.extend(frame(0x89, &[0x88; 20]));
        let before = bytes.len();
        bytes.extend(close());
        for step in [1, 3, 7, 4096, usize::MAX] {
            let mut close_finder = CloseFinder::default();
            let mut passed = 0;
            for piece in bytes.chunks(step) {
                assert!(passed <= before || !close_finder.is_close || passed < bytes.len());
                passed += piece.len();
                assert_eq!(close_finder.is_done(piece), passed == bytes.len(), "step {step}");
            }
        }
    }

    #[test]
    fn it_can_start_in_the_middle_of_a_frame() {
        let whole = [frame(0x81, &[b'x'; 1000]), close()].concat();
        for cut in 0..14 {
            let mut close_finder = CloseFinder::resume(&whole[..cut], None);
            assert!(close_finder.is_done(&whole[cut..]), "cut at {cut}");
        }
        for cut in 14..1014 {
            let mut close_finder = CloseFinder::resume(&whole[..cut], Some(1014 - cut));
            assert!(!close_finder.is_done(&whole[cut..1014]) && close_finder.is_done(&close()));
        }
    }

    #[test]
    fn invalid_frames_end_the_search() {
        let mut long_close = frame(0x88, &[0; 126]);
        assert!(CloseFinder::default().is_done(&long_close));
        long_close[0] = 0x8A;
        assert!(!CloseFinder::default().is_done(&long_close), "a pong is skipped");
    }
}
