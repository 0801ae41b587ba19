//! https for `hearken echo` and `hearken serve`: the certificate, and reloading it on SIGHUP.
//!
//! Not here: TLS itself (hearken-http).

use crate::access::Log;
use crate::plan::{CommandError, Tls};
use hearken::Server;
use hearken::tls::{CertificateInfo, ServerTls, TlsError};
use std::fs;
use std::sync::mpsc;
use std::thread;

/// Loads or makes the certificate and enables TLS.
pub(crate) fn configure(
    server: Server,
    tls: &Tls,
    log: Option<&Log>,
) -> Result<Server, CommandError> {
    let usage = |error: TlsError| CommandError::Usage(error.to_string());
    let handle = match tls {
        Tls::Files { chain, key } => {
            let handle = ServerTls::from_files(chain, key).map_err(usage)?;
            reload_on_sighup(&handle, log)?;
            handle
        }
        Tls::SelfSigned { names, write } => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let (handle, pem) = ServerTls::self_signed(&names).map_err(usage)?;
            if let Some(file) = write {
                fs::write(file, pem).map_err(|error| {
                    CommandError::Usage(format!(
                        "the certificate cannot be written to {}: {error}",
                        file.display()
                    ))
                })?;
            }
            handle
        }
    };
    Ok(server.tls(&handle))
}

/// Reloads the files on each SIGHUP, as other servers do. If they cannot be used, the server keeps the old ones and logs why.
#[cfg(unix)]
fn reload_on_sighup(tls: &ServerTls, log: Option<&Log>) -> Result<(), CommandError> {
    use tokio::signal::unix::{SignalKind, signal};

    let (tls, log) = (tls.clone(), log.cloned());
    let (ready_sender, ready) = mpsc::channel();
    let failed =
        |error: std::io::Error| CommandError::Failed(format!("SIGHUP cannot be handled: {error}"));
    let watch = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        runtime.block_on(async {
            let mut hangup = signal(SignalKind::hangup())?;
            // The signal is caught from here on.
            let _ = ready_sender.send(());
            while hangup.recv().await.is_some() {
                reload(&tls, log.as_ref());
            }
            Ok(())
        })
    };
    let watcher = thread::Builder::new()
        .name("hearken-hangup".to_owned())
        .spawn(watch)
        .map_err(failed)?;
    if ready.recv().is_err() {
        let ended: Result<std::io::Result<()>, _> = watcher.join();
        return ended.unwrap_or(Ok(())).map_err(failed);
    }
    Ok(())
}

#[cfg(not(unix))]
fn reload_on_sighup(_tls: &ServerTls, _log: Option<&Log>) -> Result<(), CommandError> {
    Ok(())
}

fn reload(tls: &ServerTls, log: Option<&Log>) {
    let text = match tls.reload() {
        Ok(()) => {
            let certificates = tls.certificates();
            let first = certificates.first().map(CertificateInfo::to_string);
            format!(
                "SIGHUP: certificate read again: {}",
                first.unwrap_or_default()
            )
        }
        Err(error) => format!("SIGHUP: the certificate stays as it was: {error}"),
    };
    if let Some(log) = log {
        log.note(None, &text);
    }
}
