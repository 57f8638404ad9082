//! Reading a frame's header and removing the mask from its payload (RFC 6455, section 5).

use std::io::Cursor;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

/// How a peer's frames violate RFC 6455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A reserved bit is set, but no extension was negotiated.
    ReservedBits,
    /// The opcode is not defined.
    Opcode,
    /// The frame is not masked, and a client's must be.
    Unmasked,
    /// A control frame is fragmented.
    ControlInPieces,
    /// A control frame is longer than 125 bytes.
    ControlTooLong,
    /// A continuation frame comes without a message to continue.
    NothingToContinue,
    /// A message begins before the last frame of the message before it.
    MessageInMessage,
    /// A close frame's payload is one byte long; a close code takes two.
    CloseTooShort,
    /// A close frame has a code that must not be sent.
    CloseCode(u16),
    /// The reason in a close frame is not UTF-8.
    CloseNotUtf8,
    /// A text message is not UTF-8.
    TextNotUtf8,
    /// A message is larger than `max_message_size`.
    TooBig,
}

/// The length of the longest header, in bytes.
pub(crate) const MAX_HEADER_LEN: usize = 14;

/// Reads the most common header, that of an unfragmented, masked text message of less than 64 KiB.
/// Returns the header, its length and the payload's length in bytes; `None` for any other header.
///
/// The caller checks that no fragmented message is unfinished and that the payload is not too
/// long. This shortcut saves 5 % of the work for a small message.
#[inline]
pub(crate) fn common_header(bytes: &[u8]) -> Option<(FrameHeader, usize, usize)> {
    let (mask, start, size) = match *bytes {
        [0x81, short @ 0x80..=0xFD, a, b, c, d, ..] => ([a, b, c, d], 6, usize::from(short & 0x7F)),
        [0x81, 0xFE, high, low, a, b, c, d, ..] => {
            ([a, b, c, d], 8, usize::from(u16::from_be_bytes([high, low])))
        }
        _ => return None,
    };
    let opcode = OpCode::Data(Data::Text);
    Some((FrameHeader { opcode, mask: Some(mask), ..FrameHeader::default() }, start, size))
}

/// Reads any header. Returns the header, its length and the payload's length in bytes; `None` if
/// the header is incomplete.
///
/// # Errors
/// [`FrameError::Opcode`] if the bytes cannot be a header.
pub(crate) fn parse_header(bytes: &[u8]) -> Result<Option<(FrameHeader, usize, u64)>, FrameError> {
    let bytes = bytes.get(..MAX_HEADER_LEN).unwrap_or(bytes);
    let mut cursor = Cursor::new(bytes);
    let parsed = FrameHeader::parse(&mut cursor).map_err(|_| FrameError::Opcode)?;
    let start = usize::try_from(cursor.position()).unwrap_or(MAX_HEADER_LEN);
    Ok(parsed.map(|(header, size)| (header, start, size)))
}

/// Applies the mask: masks a plain payload, or unmasks a masked one.
pub(crate) fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    const FOUR_TIMES: u128 = 1 | 1 << 32 | 1 << 64 | 1 << 96;
    let four = u32::from_ne_bytes(mask);
    let wide = u128::from(four) * FOUR_TIMES;
    let mut sixteens = payload.chunks_exact_mut(16);
    for letters in &mut sixteens {
        if let Ok(letters) = <&mut [u8; 16]>::try_from(letters) {
            *letters = (u128::from_ne_bytes(*letters) ^ wide).to_ne_bytes();
        }
    }
    let mut fours = sixteens.into_remainder().chunks_exact_mut(4);
    for letters in &mut fours {
        if let Ok(letters) = <&mut [u8; 4]>::try_from(letters) {
            *letters = (u32::from_ne_bytes(*letters) ^ four).to_ne_bytes();
        }
    }
    for (byte, mask) in fours.into_remainder().iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortcut_reads_the_same_header() {
        let heads = (0..=u16::MAX).map(u16::to_be_bytes);
        let tails = [[0; 12], [0xFF; 12], [0x12, 0x34, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]];
        let mut common = 0;
        for bytes in heads.flat_map(|head| tails.map(|tail| [&head[..], &tail].concat())) {
            for length in 0..=bytes.len() {
                let bytes = &bytes[..length];
                if let Some((header, start, size)) = common_header(bytes) {
                    let any = parse_header(bytes).unwrap().unwrap();
                    assert_eq!((header, start, size as u64), any, "{bytes:?}");
                    common += 1;
                }
            }
        }
        // 126 short headers, each cut to 6 to 14 bytes, and a longer one cut to 8 to 14.
        assert_eq!(common, 3 * (126 * 9 + 7));
    }

    #[test]
    fn a_payload_of_any_length_is_unmasked() {
        let mask = [0x11, 0x22, 0x44, 0x88];
        for length in 0..70 {
            let plain: Vec<u8> = (0..length).collect();
            let mut payload: Vec<u8> =
                plain.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            apply_mask(&mut payload, mask);
            assert_eq!(payload, plain);
        }
    }
}
