//! What a peer still sends behind our close frame: its own close frame is looked for, everything
//! else is passed over. No byte of it is kept, however much comes.

use crate::frame::{any_header, MAX_HEADER};
use tungstenite::protocol::frame::coding::{Control, OpCode};

/// The longest payload of a control frame, in bytes.
const LONGEST_CONTROL: u64 = 125;

/// Passes over frames up to a close frame.
#[derive(Debug, Default)]
pub struct Skimmer {
    /// The header that is coming, as far as it has come.
    header: [u8; MAX_HEADER],
    came: usize,
    /// How many bytes of the present frame's payload are still to come.
    payload: u64,
    /// Whether the present frame is a close frame.
    closes: bool,
    /// Whether nothing more is looked for.
    over: bool,
}

impl Skimmer {
    /// Goes on where `beginning` of a frame has come, and `payload` bytes are missing of it once
    /// its header is known.
    pub fn within(beginning: &[u8], payload: Option<usize>) -> Self {
        let mut skimmer = Skimmer::default();
        match payload {
            Some(payload) => skimmer.payload = u64::try_from(payload).unwrap_or(u64::MAX),
            None => {
                for (place, byte) in skimmer.header.iter_mut().zip(beginning) {
                    *place = *byte;
                    skimmer.came += 1;
                }
            }
        }
        skimmer
    }

    /// Passes over `bytes`. Says whether the peer has closed, or sends what is no frame.
    pub fn is_over(&mut self, bytes: &[u8]) -> bool {
        self.over = self.over || self.passes_over(bytes);
        self.over
    }

    fn passes_over(&mut self, mut bytes: &[u8]) -> bool {
        loop {
            if self.payload > 0 {
                let passed = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.payload -= passed as u64;
                bytes = bytes.get(passed..).unwrap_or_default();
            }
            if self.payload > 0 {
                return false;
            }
            if self.closes {
                return true;
            }
            // Byte by byte: a header is short.
            let Some((byte, rest)) = bytes.split_first() else { return false };
            bytes = rest;
            let Some(place) = self.header.get_mut(self.came) else { return true };
            *place = *byte;
            self.came += 1;
            match any_header(self.header.get(..self.came).unwrap_or_default()) {
                Ok(None) => (),
                Ok(Some((header, _, payload))) => {
                    self.came = 0;
                    self.payload = payload;
                    self.closes = header.opcode == OpCode::Control(Control::Close);
                    if self.closes && payload > LONGEST_CONTROL {
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

    /// A masked frame; the mask is all zero.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first, 0x80 | 127];
        bytes.extend((payload.len() as u64).to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes
    }

    fn close() -> Vec<u8> {
        vec![0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]
    }

    #[test]
    fn a_close_frame_is_found_behind_anything_and_however_the_bytes_come() {
        let mut bytes = frame(0x81, &[0x88; 70_000]);
        bytes.extend(frame(0x82, b""));
        bytes.extend(frame(0x89, &[0x88; 20]));
        let before = bytes.len();
        bytes.extend(close());
        for step in [1, 3, 7, 4096, usize::MAX] {
            let mut skimmer = Skimmer::default();
            let mut passed = 0;
            for piece in bytes.chunks(step) {
                assert!(passed <= before || !skimmer.closes || passed < bytes.len());
                passed += piece.len();
                assert_eq!(skimmer.is_over(piece), passed == bytes.len(), "step {step}");
            }
        }
    }

    #[test]
    fn it_goes_on_within_a_frame_that_has_come_in_part() {
        let whole = [frame(0x81, &[b'x'; 1000]), close()].concat();
        for cut in 0..14 {
            let mut skimmer = Skimmer::within(&whole[..cut], None);
            assert!(skimmer.is_over(&whole[cut..]), "cut at {cut}");
        }
        for cut in 14..1014 {
            let mut skimmer = Skimmer::within(&whole[..cut], Some(1014 - cut));
            assert!(!skimmer.is_over(&whole[cut..1014]) && skimmer.is_over(&close()));
        }
    }

    #[test]
    fn what_is_no_frame_ends_it() {
        let mut long_close = frame(0x88, &[0; 126]);
        assert!(Skimmer::default().is_over(&long_close));
        long_close[0] = 0x8A;
        assert!(!Skimmer::default().is_over(&long_close), "a pong is nobody's concern");
    }
}
