//! https for `hearken echo`: the certificate, and reading it again at SIGHUP.
//!
//! Here: what the plan's [`Tls`] comes to. Not here: TLS itself (hearken-http).

use crate::access;
use crate::plan::{Log, Stop, Tls};
use hearken::Server;
use hearken::tls::{CertificateInfo, ServerTls};
use std::fs;
use std::sync::mpsc;
use std::thread;

/// Gives the server its certificate.
pub(crate) fn set_up(server: &mut Server, tls: &Tls, log: Log) -> Result<(), Stop> {
    let refused = |error: hearken::tls::TlsError| Stop::Refused(error.to_string());
    let handle = match tls {
        Tls::Files { chain, key } => {
            let handle = ServerTls::from_files(chain, key).map_err(refused)?;
            reload_at_hangup(&handle, log)?;
            handle
        }
        Tls::SelfSigned { names, write } => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let (handle, pem) = ServerTls::self_signed(&names).map_err(refused)?;
            if let Some(file) = write {
                fs::write(file, pem).map_err(|error| {
                    Stop::Refused(format!(
                        "the certificate cannot be written to {}: {error}",
                        file.display()
                    ))
                })?;
            }
            handle
        }
    };
    server.tls(&handle);
    Ok(())
}

/// Reads the files again at each SIGHUP, as other servers do. What cannot be used changes nothing, and the log says why.
#[cfg(unix)]
fn reload_at_hangup(tls: &ServerTls, log: Log) -> Result<(), Stop> {
    use tokio::signal::unix::{SignalKind, signal};

    let tls = tls.clone();
    let (tell, told) = mpsc::channel();
    let failed =
        |error: std::io::Error| Stop::Failed(format!("SIGHUP cannot be waited for: {error}"));
    let watch = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        runtime.block_on(async {
            let mut hangup = signal(SignalKind::hangup())?;
            // The signal is caught from here on. Whoever waits for that may have given up.
            let _ = tell.send(());
            while hangup.recv().await.is_some() {
                reload(&tls, log);
            }
            Ok(())
        })
    };
    let watcher = thread::Builder::new()
        .name("hearken-hangup".to_owned())
        .spawn(watch)
        .map_err(failed)?;
    if told.recv().is_err() {
        let ended: Result<std::io::Result<()>, _> = watcher.join();
        return ended.unwrap_or(Ok(())).map_err(failed);
    }
    Ok(())
}

#[cfg(not(unix))]
fn reload_at_hangup(_tls: &ServerTls, _log: Log) -> Result<(), Stop> {
    Ok(())
}

fn reload(tls: &ServerTls, log: Log) {
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
    if let Log::Lines { coloured } = log {
        access::note(coloured, &text);
    }
}
