//! What of a request an argument reads: its head, or its body as well.
//!
//! Here: [`Reads`], [`HeadOnly`], [`WithBody`], and the order that follows from them: heads first.

use super::Extract;
use hearken_http::{Failure, IncomingMessage, ServerResponse};

pub(super) mod sealed {
    use super::{Extract, Failure, IncomingMessage, Reads, ServerResponse};

    #[expect(
        unnameable_types,
        reason = "nothing else implements the trait around it"
    )]
    pub trait Sealed {
        /// What is made before the body is read.
        type Early<E>;

        fn early<'a, E: Extract<Reads = Self>>(
            req: &'a IncomingMessage,
            res: &'a ServerResponse,
        ) -> impl Future<Output = Result<Self::Early<E>, Failure>>
        where
            Self: Reads;

        /// Takes the message if the argument reads the body.
        fn late<E: Extract<Reads = Self>>(
            early: Self::Early<E>,
            req: &mut Option<IncomingMessage>,
            res: &ServerResponse,
        ) -> impl Future<Output = Result<E, Failure>>
        where
            Self: Reads;
    }
}

/// What of a request an argument reads: [`HeadOnly`] or [`WithBody`]. Sealed.
pub trait Reads: sealed::Sealed {
    /// The request as [`Extract::extract`] gets it: `&IncomingMessage` or `IncomingMessage`.
    type Message<'a>;
}

/// An argument that reads the head of the request: see [`Extract`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no value")]
pub enum HeadOnly {}

/// An argument that reads the body of the request, or takes the request: see [`Extract`].
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no value")]
pub enum WithBody {}

impl Reads for HeadOnly {
    type Message<'a> = &'a IncomingMessage;
}

impl sealed::Sealed for HeadOnly {
    type Early<E> = E;

    fn early<'a, E: Extract<Reads = Self>>(
        req: &'a IncomingMessage,
        res: &'a ServerResponse,
    ) -> impl Future<Output = Result<E, Failure>> {
        E::extract(req, res)
    }

    async fn late<E: Extract<Reads = Self>>(
        early: E,
        _req: &mut Option<IncomingMessage>,
        _res: &ServerResponse,
    ) -> Result<E, Failure> {
        Ok(early)
    }
}

impl Reads for WithBody {
    type Message<'a> = IncomingMessage;
}

impl sealed::Sealed for WithBody {
    type Early<E> = ();

    async fn early<E: Extract<Reads = Self>>(
        _req: &IncomingMessage,
        _res: &ServerResponse,
    ) -> Result<(), Failure> {
        Ok(())
    }

    async fn late<E: Extract<Reads = Self>>(
        (): (),
        req: &mut Option<IncomingMessage>,
        res: &ServerResponse,
    ) -> Result<E, Failure> {
        match req.take() {
            Some(req) => E::extract(req, res).await,
            // `BodyOnce` rules it out.
            None => Err(Failure::new(
                500,
                "expected one argument that reads the body",
            )),
        }
    }
}
