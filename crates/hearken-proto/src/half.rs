//! The states of one direction of a connection and the transitions between them.
//!
//! Here: [`Half`] and its table. Not here: the rules that look at both directions (`connection.rs`, `settle`).

use core::fmt;

/// One direction of a connection. Both directions use this type, so no rule can hold for one side only.
///
/// ```
/// use hearken::proto::{Connection, Half, Limits, Role};
/// let mut connection = Connection::new(Role::Server, &Limits::default());
/// assert_eq!(connection.halves(), (Half::Idle, Half::Idle));
/// connection.receive_eof().unwrap();
/// assert_eq!(connection.halves().0, Half::Closed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a seventh state would be a new protocol"
)]
pub enum Half {
    /// Between messages, or in the middle of a head.
    Idle,
    /// The head is complete, the body is not.
    Body,
    /// The message is complete, the exchange is not.
    Done,
    /// No further message may follow in this direction; the transport must be closed.
    MustClose,
    /// The transport has ended.
    Closed,
    /// Another protocol uses the transport.
    Switched,
    /// A fault occurred: further bytes are ignored.
    Failed,
}

/// The cause of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Interim,
    Head,
    Content,
    End,
    /// Both directions are done and the connection persists.
    Next,
    /// One direction or both are done and the connection must not persist.
    Last,
    Switch,
    Eof,
    Fail,
}

/// A step that is illegal in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Illegal;

impl Half {
    pub(crate) const ALL: [Self; 7] = [
        Self::Idle,
        Self::Body,
        Self::Done,
        Self::MustClose,
        Self::Closed,
        Self::Switched,
        Self::Failed,
    ];

    /// The state after a step. The only place where a half changes; every pair that is not listed is illegal.
    #[inline]
    pub(crate) fn step(self, step: Step) -> Result<Self, Illegal> {
        use Step as S;
        Ok(match (self, step) {
            (Self::Idle, S::Interim) => Self::Idle, // RFC 9110 §15.2: any number, before the final one
            (Self::Idle, S::Head) | (Self::Body, S::Content) => Self::Body,
            (Self::Body, S::End) => Self::Done,
            (Self::Done, S::Next) => Self::Idle, // RFC 9112 §9.3
            (Self::Idle | Self::Body | Self::Done, S::Last) => Self::MustClose, // RFC 9112 §9.6
            // RFC 9110 §7.8, §9.3.6. A client may have half-closed before the switch.
            (Self::Idle | Self::Body | Self::Done | Self::Closed, S::Switch) => Self::Switched,
            (Self::Idle | Self::Done | Self::MustClose | Self::Closed, S::Eof) => Self::Closed,
            (Self::Switched, S::Eof) => Self::Switched, // the new protocol handles it
            (_, S::Fail) => Self::Failed,
            _ => return Err(Illegal),
        })
    }

    /// Whether a message can still be received or sent in this direction.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Idle | Self::Body | Self::Done)
    }
}

impl Step {
    pub(crate) const ALL: [Self; 9] = [
        Self::Interim,
        Self::Head,
        Self::Content,
        Self::End,
        Self::Next,
        Self::Last,
        Self::Switch,
        Self::Eof,
        Self::Fail,
    ];
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The transitions as a Mermaid state diagram, as shown in ARCHITECTURE.md. `Fail`, which leads from every state to
/// `Failed`, is left out.
///
/// ```
/// assert!(hearken::proto::half_diagram().contains("Idle --> Body: Head"));
/// ```
#[must_use]
pub fn half_diagram() -> alloc::string::String {
    let mut out = alloc::string::String::from("stateDiagram-v2\n    [*] --> Idle\n");
    for half in Half::ALL {
        for step in Step::ALL.into_iter().filter(|&step| step != Step::Fail) {
            if let Ok(next) = half.step(step) {
                out += &alloc::format!("    {half} --> {next}: {step:?}\n");
            }
        }
    }
    out
}
