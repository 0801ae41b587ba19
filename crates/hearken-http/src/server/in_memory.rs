//! A server without sockets and threads, for tests.
//!
//! Here: [`Server::in_memory`]. Not here: the runtime that runs it and the clients that speak to it (`test/`).

use super::handle::Orders;
use super::stopping::End;
use super::{Server, ServerHandle};
use crate::event::callbacks::notify_all;
use crate::net::listen::LocalAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

impl Server {
    /// The life of one worker that has no listener and speaks no TLS, and the handle that brings it connections. Its clock
    /// is that of the runtime that runs it, and `date` is its first date. The runtime must set `slept` when its clock has
    /// moved.
    pub(crate) fn in_memory(
        &self,
        date: SystemTime,
        slept: Arc<AtomicBool>,
    ) -> (impl Future<Output = ()> + use<>, ServerHandle) {
        let unspecified = LocalAddr::Tcp(([0, 0, 0, 0], 0).into());
        let listening = self.listening(unspecified, Vec::new());
        let (orders, ended) = Orders::new();
        let (inbox, mut config) = listening.worker(Vec::new(), &orders);
        config.date = Some(date);
        config.slept = slept;
        #[cfg(feature = "tls")]
        {
            config.tls = None;
        }
        let (life, hooks) = ((listening.work)(config), Arc::clone(&listening.hooks));
        let life = async move {
            life.await;
            notify_all(&hooks.listeners.close, |listener| listener(()));
            ended.send_replace(End::Whole);
        };
        (life, listening.handle(vec![inbox], orders))
    }
}
