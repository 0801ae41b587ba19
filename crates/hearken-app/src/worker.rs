//! An application on one worker.
//!
//! Here: [`AppHandler`], which makes it, and [`OnWorker`]. Not here: the way of a request (`next.rs`).

use crate::next::{Chain, Spare};
use crate::settings::Settings;
use crate::state::States;
use crate::table::{Kind, Table};
use crate::templates::Views;
use hearken_http::message::JsonStyle;
use hearken_http::server::{Handler, Handling, WorkerHandler};
use hearken_http::{IncomingMessage, ServerResponse};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// The handler of an application.
pub(crate) struct AppHandler(pub(crate) Arc<Shared>);

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) table: Table,
    pub(crate) settings: Settings,
    pub(crate) states: States,
    pub(crate) views: Views,
}

/// See the module.
pub(crate) struct OnWorker {
    pub(crate) shared: Arc<Shared>,
    /// The handlers of each step.
    pub(crate) handlers: Vec<Vec<Box<dyn WorkerHandler>>>,
    /// The label of each route.
    pub(crate) labels: Vec<Option<Rc<str>>>,
    /// Some parameter has a handler.
    pub(crate) has_params: bool,
    /// How values are written as JSON, if the settings say it.
    pub(crate) json: Option<Rc<JsonStyle>>,
    /// Memory of chains that have ended.
    pub(crate) spare: RefCell<Vec<Spare>>,
}

impl OnWorker {
    pub(crate) fn table(&self) -> &Table {
        &self.shared.table
    }

    fn new(shared: &Arc<Shared>) -> Self {
        let steps = &shared.table.steps;
        let handlers = steps.iter().map(|step| match &step.kind {
            Kind::Middleware(_) => Vec::new(),
            Kind::Route { endpoints, .. } => endpoints
                .iter()
                .map(|endpoint| endpoint.handler.on_worker())
                .collect(),
        });
        let labels = steps.iter().map(|step| match &step.kind {
            Kind::Middleware(_) => None,
            Kind::Route { label, .. } => Some(Rc::from(&**label)),
        });
        let settings = &shared.settings;
        let json = JsonStyle::new()
            .spaces(settings.json_spaces)
            .escape(settings.json_escape);
        Self {
            shared: Arc::clone(shared),
            handlers: handlers.collect(),
            labels: labels.collect(),
            has_params: shared
                .table
                .groups
                .iter()
                .any(|group| !group.params.is_empty()),
            json: (!json.is_default()).then(|| Rc::new(json)),
            spare: RefCell::default(),
        }
    }
}

impl Handler for AppHandler {
    fn on_worker(&self) -> Box<dyn WorkerHandler> {
        Box::new(AppOnWorker(Rc::new(OnWorker::new(&self.0))))
    }
}

struct AppOnWorker(Rc<OnWorker>);

impl WorkerHandler for AppOnWorker {
    fn start(&self, req: IncomingMessage, res: ServerResponse) -> Handling {
        Chain::start(&self.0, req, res)
    }
}
