//! A request under way, as the table keeps it.

use super::{CallKey, NONE};
use crate::ledger::GROWS;
use crate::relay::catalogue::Kind;
use crate::relay::table::RobotKey;
use crate::time::Moment;
use ws::memory::allocated;

/// How many bytes of an id, a token and a name together are kept without an allocation.
const MAX_INLINE: usize = 22;

/// A request under way to a tool server.
#[derive(Debug)]
pub(in crate::relay) enum Request {
    /// A robot's.
    Call(Call),
    /// `initialize`, by the relay.
    Initialize,
    /// A page of a list, for the relay.
    List(Kind),
    /// `ping`, by the relay.
    Ping,
    /// Another request of the relay; its answer is ignored.
    Aside,
}

/// A robot's request at a tool server. It is small, because it is copied when it is opened and
/// closed.
#[derive(Debug)]
pub(in crate::relay) struct Call {
    /// The id and the progress token the robot sent, as the robot spelled them, and the name of what
    /// it calls.
    text: Text,
    /// When it was passed on.
    pub since: Moment,
    robot: RobotKey,
    /// The place of another call of the same request: one request may go to several tool servers. Set
    /// when the call is taken out of the table.
    pub(super) sibling: u32,
    id_length: u16,
    token_length: u16,
    /// What kind of request it is, as far as that matters to its answer.
    pub nature: Nature,
}

impl Call {
    /// A robot's request of `id`, with the name of what it calls where an error may have to tell it.
    pub(in crate::relay) fn new(
        robot: RobotKey,
        (id, name): (&str, &str),
        token: Option<&str>,
        nature: Nature,
        since: Moment,
    ) -> Self {
        let token = token.unwrap_or_default();
        // Longer ones are refused.
        let length = |text: &str| u16::try_from(text.len()).unwrap_or(u16::MAX);
        Call {
            text: Text::new([id, token, name]),
            since,
            robot,
            sibling: NONE,
            id_length: length(id),
            token_length: length(token),
            nature,
        }
    }

    pub(in crate::relay) fn robot(&self) -> RobotKey {
        self.robot
    }

    /// The id the robot sent, as the robot spelled it.
    pub(in crate::relay) fn id(&self) -> &str {
        self.text.part(0, self.id_length.into())
    }

    /// Whether that is `id`: quicker than a comparison of both.
    pub(super) fn has_id(&self, id: &str) -> bool {
        self.text.bytes().get(..self.id_length.into()) == Some(id.as_bytes())
    }

    /// The progress token the robot sent, as the robot spelled it.
    pub(in crate::relay) fn token(&self) -> Option<&str> {
        let id_length = usize::from(self.id_length);
        let token = self.text.part(id_length, id_length + usize::from(self.token_length));
        Some(token).filter(|token| !token.is_empty())
    }

    /// The name of what it calls, where that is known.
    pub(in crate::relay) fn name(&self) -> &str {
        let start = usize::from(self.id_length) + usize::from(self.token_length);
        self.text.part(start, self.text.len())
    }

    /// Another call of the same request, if there was one when this one was taken out of the table.
    pub(in crate::relay) fn sibling(&self) -> Option<CallKey> {
        Some(CallKey(self.sibling)).filter(|sibling| sibling.0 != NONE)
    }

    /// How many bytes of memory it takes.
    pub(in crate::relay) fn memory(&self) -> usize {
        memory_of_call(self.text.len())
    }
}

/// How a request is treated when it is answered or times out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::relay) enum Nature {
    /// `tools/call`: its failures may need to be put differently.
    ToolCall,
    /// `initialize`, which must not be cancelled.
    Initialize,
    /// Any other.
    Other,
}

/// A text that is mostly short.
#[derive(Debug)]
enum Text {
    Inline(u8, [u8; MAX_INLINE]),
    Allocated(Box<str>),
}

impl Text {
    fn new(parts: [&str; 3]) -> Self {
        let mut bytes = [0; MAX_INLINE];
        let mut length = 0;
        for part in &parts {
            let end = length + part.len();
            match bytes.get_mut(length..end) {
                Some(room) => room.copy_from_slice(part.as_bytes()),
                None => return Text::Allocated(parts.concat().into()),
            }
            length = end;
        }
        Text::Inline(length as u8, bytes)
    }

    fn len(&self) -> usize {
        match self {
            Text::Inline(length, _) => usize::from(*length),
            Text::Allocated(text) => text.len(),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Text::Inline(_, bytes) => bytes,
            Text::Allocated(text) => text.as_bytes(),
        }
    }

    fn part(&self, start: usize, end: usize) -> &str {
        let part = match self {
            Text::Inline(_, bytes) => {
                bytes.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok())
            }
            Text::Allocated(text) => text.get(start..end),
        };
        part.unwrap_or_default()
    }
}

/// How many bytes of memory a call takes, with `length` bytes of its id, its token and its name.
pub(in crate::relay) fn memory_of_call(length: usize) -> usize {
    let text = if length > MAX_INLINE { allocated(length) } else { 0 };
    text + GROWS * super::ENTRY_SIZE
}
