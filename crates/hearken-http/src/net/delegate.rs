//! Methods of `AsyncRead` and `AsyncWrite` for a transport that passes its calls on to another one.
//!
//! Here: [`delegate`]. The type has a method `inner(&mut self, cx, call)`, which calls `call` with the other transport.

/// Implements the named methods by `inner`; `is_write_vectored` comes with `poll_write_vectored`.
macro_rules! delegate {
    (@poll_read) => {
        #[inline]
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.get_mut().inner(cx, |io, cx| io.poll_read(cx, buf))
        }
    };
    (@poll_write) => {
        #[inline]
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.get_mut().inner(cx, |io, cx| io.poll_write(cx, buf))
        }
    };
    (@poll_write_vectored) => {
        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            slices: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.get_mut().inner(cx, |io, cx| io.poll_write_vectored(cx, slices))
        }

        fn is_write_vectored(&self) -> bool {
            self.is_inner_vectored()
        }
    };
    (@poll_flush) => {
        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.get_mut().inner(cx, |io, cx| io.poll_flush(cx))
        }
    };
    (@poll_shutdown) => {
        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.get_mut().inner(cx, |io, cx| io.poll_shutdown(cx))
        }
    };
    ($($method:ident)+) => {
        $($crate::net::delegate::delegate!(@$method);)+
    };
}

pub(crate) use delegate;
