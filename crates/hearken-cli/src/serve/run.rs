//! Runs the server of `hearken serve`: the files, and what is around them.

use super::banner::Banner;
use super::guard::{AllOrigins, Passwords};
use super::plan::{self, ServePlan};
use super::upload::Uploads;
use crate::access::Log;
use crate::advice;
use crate::plan::CommandError;
use crate::run::{lines, listen, logged, prepare, print_url};
use hearken::app::{App, DirectoryListing, Dotfiles, Middleware, Next, ServedFile, StaticFiles};
use hearken::listen::ListenAddr;
use hearken::proto::Fields;
use hearken::server::Handling;
use hearken::{IncomingMessage, ServerResponse};
use std::sync::Arc;

/// Serves until a signal stops the server.
pub(crate) fn run(mut plan: ServePlan) -> Result<(), CommandError> {
    let note = choose_port(&mut plan);
    logged(plan.server.log, |log| serve(plan, note, log))
}

/// Takes the next port if that of the plan is in use, and says why.
fn choose_port(plan: &mut ServePlan) -> Option<String> {
    let ListenAddr::Socket(address) = plan.server.address else {
        return None;
    };
    if !plan.any_port {
        return None;
    }
    let next = plan::free_port(address)?;
    let holder = advice::listen::holder(address);
    plan.server.address = ListenAddr::Socket(next);
    let (port, next) = (address.port(), next.port());
    Some(format!(
        "port {port} is in use by {holder}; this is port {next}"
    ))
}

fn serve(plan: ServePlan, note: Option<String>, log: &Log) -> Result<(), CommandError> {
    let lines = lines(&plan.server, log);
    let server = app(&plan).server();
    let server = server.map_err(|error| CommandError::Failed(error.to_string()))?;
    let server = prepare(server, &plan.server, lines)?;
    let banner = lines.map(|_| Banner::new(&plan, note));
    listen(server, plan.server.address, move |url| {
        print_url(url);
        if let Some(banner) = banner {
            banner.print(url);
        }
    })
}

/// The application. The first is the outermost.
fn app(plan: &ServePlan) -> App {
    let mut app = App::new();
    app.settings(|settings| settings.development = false);
    if !plan.fields.view().is_empty() {
        app.with(Always(Arc::new(plan.fields.clone())));
    }
    if plan.cors {
        app.with(AllOrigins);
    }
    if !plan.users.is_empty() {
        app.with(Passwords::new(&plan.users));
    }
    let files = files(plan);
    if let Some(upload) = plan.upload {
        app.with(Uploads::new(files.clone(), upload, &plan.server.address));
    }
    app.with(files);
    app
}

fn files(plan: &ServePlan) -> StaticFiles {
    let mut files = StaticFiles::new(&plan.directory)
        .fallthrough(false)
        .precompressed(plan.precompressed);
    if plan.hidden {
        files = files.dotfiles(Dotfiles::Allow);
    }
    if plan.listing {
        files = files.listing(DirectoryListing::new().upload_form(plan.upload.is_some()));
    }
    if let Some(page) = &plan.spa {
        files = files.spa(page);
    }
    if plan.upload.is_some() {
        files = files.set_headers(keep_from_running);
    }
    if plan.upload.is_some() || !plan.index.is_empty() {
        files = files.index(&plan.index); // an upload must not take the place of the listing
    }
    files
}

/// A page that another user has sent must not run as a page of this server.
fn keep_from_running(res: ServerResponse, file: &ServedFile<'_>) -> ServerResponse {
    let media_type = hearken::message::media_type_of(file.path()).unwrap_or_default();
    let runs = media_type.contains("html") || media_type.contains("xml");
    if !runs {
        return res;
    }
    let name = file.path().rsplit('/').next().unwrap_or_default();
    res.set("Content-Security-Policy", "sandbox")
        .attachment(name)
}

/// Fields of every response, in place of those of the same name.
struct Always(Arc<Fields>);

impl Middleware for Always {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let fields = Arc::clone(&self.0);
        res.on_head(move |head| {
            for (name, _) in fields.view().iter() {
                head.remove(String::from_utf8_lossy(name).as_ref());
            }
            for (name, value) in fields.view().iter() {
                let _ = head.append(name, value); // checked when the plan was made
            }
        });
        next.run(req, res)
    }
}
