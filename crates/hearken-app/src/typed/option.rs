//! Arguments that may be missing, and rejections that the handler gets.

use super::{Extract, ExtractOption, Reads};
use hearken_http::{Failure, ServerResponse};

impl<E: ExtractOption> Extract for Option<E> {
    type Reads = E::Reads;

    fn extract<'a>(
        req: <E::Reads as Reads>::Message<'a>,
        res: &'a ServerResponse,
    ) -> impl Future<Output = Result<Self, Failure>> {
        E::extract_option(req, res)
    }
}

impl<E: Extract> Extract for Result<E, Failure> {
    type Reads = E::Reads;

    async fn extract<'a>(
        req: <E::Reads as Reads>::Message<'a>,
        res: &'a ServerResponse,
    ) -> Result<Self, Failure> {
        Ok(E::extract(req, res).await)
    }
}
