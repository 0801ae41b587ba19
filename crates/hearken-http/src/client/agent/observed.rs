//! Connections of an agent whose steps an observer sees.
//!
//! Here: when a connection begins to be observed, and the failure of an exchange that never had one. Not here: the steps of a
//! connection (`conn/client/observed.rs`).

use crate::client::agent::connection::PooledConnection;
use crate::client::runtime::now;
use crate::conn::client::observed::{ObservedConnection, why};
use crate::error::Error;
use crate::event::facts::ExchangeFacts;
use crate::event::observe::{Observer, Side, Step};
use crate::event::peer::Peer;
use crate::event::watch::Watch;
use std::sync::Arc;
use std::time::Instant;

impl PooledConnection {
    /// Shows that an exchange begins, which has waited for its connection since `began`.
    #[cold]
    pub(crate) fn observe(&mut self, observer: &Arc<dyn Observer>, began: Instant) {
        let (number, now) = (self.exchanges, now());
        let facts = Arc::clone(&self.facts);
        let observed = self.http().observed.get_or_insert_with(|| {
            let peer = Peer::new(facts.id, facts.remote, facts.local);
            #[cfg(feature = "tls")]
            if let Some(tls) = &facts.tls {
                peer.secured(tls.clone());
            }
            let mut observed = ObservedConnection::new(observer, peer, crate::client::runtime::now);
            let timings = &facts.timings;
            let step = Step::Connected {
                resolve: timings.resolve,
                connect: timings.connect,
                proxy: timings.proxy,
                tls: timings.tls,
            };
            observed.connected(step, now);
            Box::new(observed)
        });
        observed.begin_exchange(number, began, now);
    }
}

/// Shows the failure of an exchange that has no connection.
#[cold]
pub(crate) fn show_failure(
    observer: &Arc<dyn Observer>,
    (method, target): (&str, &str),
    began: Instant,
    error: &Error,
) {
    let peer = Box::new(Peer::new(0, None, None));
    let mut facts = ExchangeFacts::new(1, began);
    facts.set_request_line(method, target);
    let (now, why) = (now(), why(error));
    let mut watch = Watch::new(observer, Side::Client, peer, facts, None);
    watch.show(Step::Failed { error }, now);
    watch.show(Step::Ended { why }, now);
}
