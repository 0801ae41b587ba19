//! The argument of [`event::Ready`](crate::event::Ready).

use bytes::Bytes;
use hearken_proto::FieldsRef;

/// A complete message, as [`event::Ready`](crate::event::Ready) shows it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CompleteMessage<'a> {
    /// Its body, unless a listener for [`event::DataReady`](crate::event::DataReady) has taken it.
    pub body: &'a Bytes,
    /// Its trailers.
    pub trailers: FieldsRef<'a>,
}
