//! The way of a request along the steps of the table.
//!
//! Here: [`Next`], [`Chain`]. Not here: the table (`table/`), the parameters of the present step (`next/parameters.rs`), the answer where
//! no route fits (`next/unrouted.rs`), what handlers read of the chain (`request.rs`).

mod parameters;
mod unrouted;

use crate::pattern::{Match, Path, Rules};
use crate::table::{Kind, Step, Table};
use crate::worker::OnWorker;
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, Sent, ServerResponse};
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// Chains whose memory a worker keeps; that of more is freed.
const SPARE_MAX: usize = 256;

/// One request in an application. Attached to its exchange, for [`RequestExt`](crate::RequestExt).
pub(crate) struct Chain {
    pub(crate) app: Rc<OnWorker>,
    /// The path without escapes, if it had some; otherwise that of the request.
    pub(crate) decoded: Option<Path>,
    /// The steps that the path may reach.
    steps: Vec<u32>,
    pub(crate) now: RefCell<Current>,
    /// The router whose form of failures is set.
    form_of: Cell<usize>,
    /// Methods of the routes that the path has matched.
    allowed: RefCell<Vec<Box<str>>>,
    /// The host of the request, once a router has asked for it.
    pub(crate) hostname: OnceCell<Option<String>>,
}

/// The step at which a request is.
#[derive(Default)]
pub(crate) struct Current {
    pub(crate) step: usize,
    pub(crate) pattern: usize,
    pub(crate) found: Match,
    /// Handlers of parameters that were called, by their routers, names and values.
    called: Vec<(usize, usize, String)>,
}

/// A parameter of the path of a request.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// `None`: its group is not in the path.
    pub(crate) value: Option<String>,
    /// Of a wildcard; of another parameter none.
    pub(crate) segments: Vec<String>,
    pub(crate) wildcard: bool,
}

/// The way on, from middleware to what comes behind it.
///
/// ```
/// use hearken::app::{App, middleware};
/// let mut app = App::new();
/// app.with(middleware(async |req, res, next| {
///     let began = std::time::Instant::now();
///     let sent = next.run(req, res).await;
///     println!("{:?}", began.elapsed());
///     sent
/// }));
/// ```
#[must_use = "a request that is not passed on must be answered"]
pub struct Next {
    chain: Rc<Chain>,
    at: At,
}

/// Where to go on.
#[derive(Clone, Copy)]
enum At {
    /// The candidate with this number, and those behind it.
    Candidate(usize),
    /// A middleware of an endpoint of a candidate, by its numbers.
    Endpoint(usize, usize, usize),
}

impl Next {
    /// Passes the request on to the next middleware or route that fits it. Without one the answer is 404, 405, or that to OPTIONS.
    ///
    /// The result is ready when the request has been answered. Return it, or wait for it.
    pub fn run(self, req: IncomingMessage, res: ServerResponse) -> Handling {
        match self.at {
            At::Candidate(number) => self.chain.go(number, req, res),
            At::Endpoint(number, endpoint, middleware) => {
                self.chain
                    .endpoint((number, endpoint, middleware), req, res)
            }
        }
    }

    /// Passes the request on to what comes behind this route: Express's `next('route')`. Outside of a route it is [`run`](Self::run).
    ///
    /// ```
    /// use hearken::app::{App, middleware};
    /// let mut app = App::new();
    /// app.route("/reports/:id")
    ///     .with(middleware(async |req, res, next| {
    ///         if req.header("x-preview").is_some() { next.run(req, res).await } else { next.skip_route(req, res).await }
    ///     }))
    ///     .get(async |_req, res| res.end("the preview"));
    /// app.get("/reports/:id", async |_req, res| res.end("the report"));
    /// ```
    pub fn skip_route(self, req: IncomingMessage, res: ServerResponse) -> Handling {
        let number = match self.at {
            At::Candidate(number) => number,
            At::Endpoint(number, ..) => number + 1,
        };
        self.chain.go(number, req, res)
    }

    /// Passes the request on to what comes behind this router: Express's `next('router')`.
    ///
    /// ```
    /// use hearken::app::{App, Router, middleware};
    /// let mut admin = Router::new();
    /// admin.with(middleware(async |req, res, next| {
    ///     if req.header("x-admin").is_some() { next.run(req, res).await } else { next.skip_router(req, res).await }
    /// }));
    /// admin.get("/", async |_req, res| res.end("secret"));
    /// let mut app = App::new();
    /// app.mount("/admin", admin);
    /// app.get("/admin", async |_req, res| res.status(403).end("not for you"));
    /// ```
    pub fn skip_router(self, req: IncomingMessage, res: ServerResponse) -> Handling {
        let chain = self.chain;
        let step = chain.now.borrow().step;
        let table = chain.app.table();
        let end = table.groups[table.steps[step].group].end;
        let number = chain.steps.partition_point(|&step| (step as usize) < end);
        chain.go(number, req, res)
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}

/// Memory of a chain that has ended, for the next one.
#[derive(Default)]
pub(crate) struct Spare {
    steps: Vec<u32>,
    spans: Vec<Option<(usize, usize)>>,
}

impl Drop for Chain {
    fn drop(&mut self) {
        let mut spare = Spare {
            steps: std::mem::take(&mut self.steps),
            spans: std::mem::take(&mut self.now.get_mut().found.spans),
        };
        spare.steps.clear();
        let mut kept = self.app.spare.borrow_mut();
        if kept.len() < SPARE_MAX {
            kept.push(spare);
        }
    }
}

impl Chain {
    /// Begins the way of a request.
    pub(crate) fn start(app: &Rc<OnWorker>, req: IncomingMessage, res: ServerResponse) -> Handling {
        let path = req.path();
        let Some(decoded) = Path::decode(path) else {
            let text = format!("expected a path whose escapes are UTF-8, got {path:?}");
            return done(res.fail(Failure::new(400, text)));
        };
        let Spare { mut steps, spans } = app.spare.borrow_mut().pop().unwrap_or_default();
        app.table().find(&decoded, &mut steps);
        let decoded = match decoded {
            std::borrow::Cow::Borrowed(_) => None,
            std::borrow::Cow::Owned(bytes) => Some(Path::new(&bytes)),
        };
        let chain = Rc::new(Self {
            app: Rc::clone(app),
            decoded,
            steps,
            now: RefCell::new(Current {
                found: Match { spans, end: 0 },
                ..Current::default()
            }),
            form_of: Cell::new(0),
            allowed: RefCell::default(),
            hostname: OnceCell::new(),
        });
        res.attach(Rc::clone(&chain));
        res.tag_content(app.shared.settings.etag);
        if let Some(json) = &app.json {
            res.attach(Rc::clone(json));
        }
        chain.set_form(0, &res);
        chain.go(0, req, res)
    }

    fn table(&self) -> &Table {
        self.app.table()
    }

    /// Finds the first step from candidate `number` on that fits, and begins it.
    fn go(self: Rc<Self>, number: usize, req: IncomingMessage, res: ServerResponse) -> Handling {
        for at in number..self.steps.len() {
            let step_number = self.steps[at] as usize;
            let step = &self.table().steps[step_number];
            if !self.is_for_host(step.group, &req) || !self.enter(step_number, step, &req) {
                continue;
            }
            let endpoint = match &step.kind {
                Kind::Middleware(_) => 0,
                Kind::Route { endpoints, .. } => {
                    let method = req.method_str().as_bytes();
                    match self.choose(endpoints, method) {
                        Some(endpoint) => endpoint,
                        None => continue,
                    }
                }
            };
            self.set_form(step.group, &res);
            if let Some((handler, value)) = self.next_param(step, &req) {
                let next = Next {
                    chain: Rc::clone(&self),
                    at: At::Candidate(at),
                };
                return handler.handle(req, res, next, value);
            }
            return match &step.kind {
                Kind::Middleware(middleware) => {
                    let next = Next {
                        chain: Rc::clone(&self),
                        at: At::Candidate(at + 1),
                    };
                    middleware.handle(req, res, next)
                }
                Kind::Route { limits, .. } => {
                    if let Some(change) = limits {
                        req.limits(|limits| change(limits));
                    }
                    if let Some(label) = &self.app.labels[step_number] {
                        res.set_route(Rc::clone(label));
                    }
                    self.endpoint((at, endpoint, 0), req, res)
                }
            };
        }
        self.answer_without_route(&req, res)
    }

    /// Whether the path matches a step; if so, it is where the request is now.
    fn enter(&self, number: usize, step: &Step, req: &IncomingMessage) -> bool {
        let mut now = self.now.borrow_mut();
        let path = match &self.decoded {
            Some(path) => path.bytes(),
            None => req.path().as_bytes(),
        };
        match step.matches(path, &mut now.found) {
            Some(pattern) => {
                (now.step, now.pattern) = (number, pattern);
                true
            }
            None => false,
        }
    }

    /// The endpoint for a method. HEAD is answered by that for GET.
    fn choose(&self, endpoints: &[crate::route::Endpoint], method: &[u8]) -> Option<usize> {
        let of = |wanted: &[u8]| {
            endpoints.iter().position(|endpoint| {
                let known = endpoint.method.as_ref();
                known.is_none_or(|known| known.as_str().as_bytes() == wanted)
            })
        };
        let found = of(method).or_else(|| (method == b"HEAD").then(|| of(b"GET")).flatten());
        if found.is_none() {
            let mut allowed = self.allowed.borrow_mut();
            for endpoint in endpoints
                .iter()
                .filter_map(|endpoint| endpoint.method.as_ref())
            {
                let with_head: &[&str] = match endpoint.as_str() {
                    "GET" => &["GET", "HEAD"],
                    other => &[other],
                };
                for name in with_head {
                    if !allowed.iter().any(|known| &**known == *name) {
                        allowed.push((*name).into());
                    }
                }
            }
        }
        found
    }

    /// Begins the middleware of an endpoint, or behind the last of it its handler.
    fn endpoint(
        self: Rc<Self>,
        (number, endpoint, middleware): (usize, usize, usize),
        req: IncomingMessage,
        res: ServerResponse,
    ) -> Handling {
        let step = self.steps[number] as usize;
        if let Kind::Route { endpoints, .. } = &self.table().steps[step].kind
            && let Some(next) = endpoints[endpoint].middleware.get(middleware)
        {
            let at = At::Endpoint(number, endpoint, middleware + 1);
            return next.handle(
                req,
                res,
                Next {
                    chain: Rc::clone(&self),
                    at,
                },
            );
        }
        self.app.handlers[step][endpoint].start(req, res)
    }

    /// Failures have the form of this router from here on.
    fn set_form(&self, group: usize, res: &ServerResponse) {
        let groups = &self.table().groups;
        let form = &groups[group].form;
        let same = |other: &Option<_>| match (form, other) {
            (Some(form), Some(other)) => std::sync::Arc::ptr_eq(form, other),
            (None, None) => true,
            _ => false,
        };
        // The form of the application is that of the server.
        if same(&groups[self.form_of.get()].form) {
            return;
        }
        self.form_of.set(group);
        match form.clone().or_else(|| groups[0].form.clone()) {
            Some(form) => res.on_failure(move |failure, req, res| form(failure, req, res)),
            None => {
                let development = self.app.shared.settings.development;
                res.on_failure(move |failure, req, res| {
                    crate::failures::respond_as(failure, req, res, development)
                });
            }
        }
    }

    /// The next handler of a parameter that has not been called, and the value.
    fn next_param(
        &self,
        step: &Step,
        req: &IncomingMessage,
    ) -> Option<(std::sync::Arc<dyn crate::params::ParamHandler>, String)> {
        if !self.app.has_params {
            return None;
        }
        let mut group = Some(step.group);
        let mut groups = Vec::new();
        while let Some(number) = group {
            groups.push(number);
            group = self.table().groups[number].parent;
        }
        for group in groups.into_iter().rev() {
            for (number, (name, handler)) in self.table().groups[group].params.iter().enumerate() {
                let Some(value) = self.value(name, req) else {
                    continue;
                };
                let mut now = self.now.borrow_mut();
                let known = (group, number, value);
                if !now.called.contains(&known) {
                    let value = known.2.clone();
                    now.called.push(known);
                    return Some((std::sync::Arc::clone(handler), value));
                }
            }
        }
        None
    }

    /// How many bytes of the path, as it came, lead to the present middleware, or to the router of the present route.
    pub(crate) fn mounted(&self, req: &IncomingMessage) -> usize {
        let now = self.now.borrow();
        let table = self.table();
        let Some(step) = table.steps.get(now.step) else {
            return 0;
        };
        let path = req.path();
        let decoded = match &self.decoded {
            Some(path) => path.bytes(),
            None => path.as_bytes(),
        };
        let end = match &step.kind {
            Kind::Middleware(_) => now.found.end,
            Kind::Route { .. } => {
                let rules = Rules {
                    whole: false,
                    ..step.rules
                };
                let mut found = Match::default();
                let mounts = &table.groups[step.group].mounts;
                if !mounts
                    .iter()
                    .any(|mount| mount.matches(decoded, rules, &mut found))
                {
                    return 0;
                }
                found.end
            }
        };
        let slashes = decoded[..end].iter().filter(|&&byte| byte == b'/').count();
        let next = path
            .bytes()
            .enumerate()
            .filter(|&(_, byte)| byte == b'/')
            .nth(slashes);
        next.map_or(path.len(), |(at, _)| at)
    }

    /// Where the present middleware or route was added. `None` when no route fits.
    pub(crate) fn added_at(&self) -> Option<&'static Location<'static>> {
        let step = self.now.borrow().step;
        Some(self.table().steps.get(step)?.from)
    }
}

fn done(sent: Sent) -> Handling {
    Handling::new(std::future::ready(sent))
}
