//! Servers as tests start and stop them.
//!
//! Here: [`Running`], [`stop`], [`count_errors`]. Not here: the clients (`client.rs`).

use hearken_http::{Server, ServerHandle, event};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) trait Running {
    /// Listens on a free port of this host, and runs.
    fn running(self) -> ServerHandle;
}

impl Running for Server {
    fn running(self) -> ServerHandle {
        let listening = self.listen("127.0.0.1:0").expect("a free port");
        listening.start().expect("workers")
    }
}

/// Orders the server to stop, and waits for its end.
pub(crate) fn stop(server: &ServerHandle) {
    server.close();
    server.wait();
}

/// Counts what the server reports as `Error`.
pub(crate) fn count_errors(server: &mut Server) -> Arc<AtomicUsize> {
    let errors = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&errors);
    server.on(event::Error, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    errors
}
