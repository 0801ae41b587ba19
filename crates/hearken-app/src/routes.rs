//! The routes of an application as data, and as a tree for the terminal.
//!
//! Here: [`App::routes`], [`Routes`], [`RouteInfo`]. Not here: finding a route (`table/`).

use crate::app::App;
use crate::table::{Kind, RouteError, Table};
use hearken_http::{Limits, Method};
use std::fmt::{self, Write};
use std::panic::Location;

impl App {
    /// All routes, those of mounted routers too, in their order.
    ///
    /// ```
    /// use hearken::app::App;
    /// let mut app = App::new();
    /// app.get("/users/:id", async |_req, res| res.end(""));
    /// let routes = app.routes()?;
    /// let first = routes.iter().next().expect("there is one");
    /// assert_eq!(first.method(), Some(&hearken::Method::GET));
    /// assert_eq!(first.patterns(), ["/users/:id"]);
    /// println!("{routes}"); // a tree
    /// # Ok::<(), hearken::app::RouteError>(())
    /// ```
    ///
    /// # Errors
    /// As [`server`](Self::server).
    pub fn routes(&self) -> Result<Routes, RouteError> {
        Ok(Routes::of(&self.table()?))
    }
}

/// The routes of an application: [`App::routes`]. Its text is a tree of their paths, with method, middleware, limits and place.
///
/// ```text
/// /              GET     src/main.rs:12
/// └─ users       GET     src/main.rs:13  1 middleware
///    │           POST    src/main.rs:14  2 middleware, own limits
///    └─ :id      GET     src/main.rs:20  1 middleware, name "user"
/// ```
#[derive(Clone, Debug)]
pub struct Routes {
    list: Vec<RouteInfo>,
}

/// One route and method of [`Routes`].
#[derive(Clone, Debug)]
pub struct RouteInfo {
    method: Option<Method>,
    patterns: Vec<String>,
    name: Option<String>,
    place: &'static Location<'static>,
    middleware: usize,
    limits: Option<Limits>,
}

impl RouteInfo {
    /// The method; `None` for all.
    #[must_use]
    pub const fn method(&self) -> Option<&Method> {
        self.method.as_ref()
    }

    /// The patterns of whole paths: where the router is mounted, continued by those of the route.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// The name, if the route has one: [`Route::name`](crate::Route::name).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the route was added, in the source of the application.
    #[must_use]
    pub const fn place(&self) -> &'static Location<'static> {
        self.place
    }

    /// How many middlewares a request passes before the handler, if each passes it on: those of the route and those whose paths
    /// contain its first pattern.
    #[must_use]
    pub const fn middleware(&self) -> usize {
        self.middleware
    }

    /// The default limits with the changes of the route; `None` when it changes none: [`Route::limits`](crate::Route::limits).
    #[must_use]
    pub const fn limits(&self) -> Option<&Limits> {
        self.limits.as_ref()
    }

    fn notes(&self) -> String {
        let mut notes = Vec::new();
        if self.middleware > 0 {
            notes.push(format!("{} middleware", self.middleware));
        }
        if self.limits.is_some() {
            notes.push("own limits".to_owned());
        }
        if let Some(name) = &self.name {
            notes.push(format!("name {name:?}"));
        }
        notes.join(", ")
    }
}

impl Routes {
    fn of(table: &Table) -> Self {
        let mut list = Vec::new();
        for (number, step) in table.steps.iter().enumerate() {
            let Kind::Route {
                label,
                endpoints,
                limits,
            } = &step.kind
            else {
                continue;
            };
            let before = table.middleware_before(number);
            let patterns: Vec<_> = step.patterns.iter().map(ToString::to_string).collect();
            let is_name = patterns.first().is_none_or(|first| *first != **label);
            for endpoint in endpoints {
                list.push(RouteInfo {
                    method: endpoint.method.clone(),
                    patterns: patterns.clone(),
                    name: is_name.then(|| label.to_string()),
                    place: step.from,
                    middleware: before + endpoint.middleware.len(),
                    limits: limits.as_ref().map(|change| {
                        let mut limits = Limits::default();
                        change(&mut limits);
                        limits
                    }),
                });
            }
        }
        Self { list }
    }

    /// The routes, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &RouteInfo> {
        self.list.iter()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for &'a Routes {
    type Item = &'a RouteInfo;
    type IntoIter = std::slice::Iter<'a, RouteInfo>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

/// A segment of paths.
#[derive(Default)]
struct Node<'a> {
    segment: String,
    routes: Vec<&'a RouteInfo>,
    children: Vec<Self>,
}

impl<'a> Node<'a> {
    fn insert(&mut self, segments: &[String], route: &'a RouteInfo) {
        let Some((first, rest)) = segments.split_first() else {
            self.routes.push(route);
            return;
        };
        let known = self
            .children
            .iter()
            .position(|child| child.segment == *first);
        let at = known.unwrap_or_else(|| {
            self.children.push(Self {
                segment: first.clone(),
                ..Self::default()
            });
            self.children.len() - 1
        });
        self.children[at].insert(rest, route);
    }

    /// Adds the lines of this node and of those below it: what is left of the columns, and the route.
    fn lines(&self, lead: &str, below: &str, lines: &mut Vec<(String, Option<&'a RouteInfo>)>) {
        let first = format!("{lead}{}", self.segment);
        lines.push((first, self.routes.first().copied()));
        let filler = if self.children.is_empty() { "" } else { "│" };
        let others = self.routes.iter().skip(1);
        lines.extend(others.map(|&route| (format!("{below}{filler}"), Some(route))));
        for (number, child) in self.children.iter().enumerate() {
            let (branch, pipe) = if number + 1 == self.children.len() {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            child.lines(
                &format!("{below}{branch}"),
                &format!("{below}{pipe}"),
                lines,
            );
        }
    }
}

/// The segments of a pattern; a group stays with the segment at which it begins.
fn segments(pattern: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut depth = 0_usize;
    let mut escaped = false;
    for c in pattern.trim_start_matches('/').chars() {
        match c {
            '{' if !escaped => depth += 1,
            '}' if !escaped => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                segments.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = segments.last_mut() {
            last.push(c);
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

impl fmt::Display for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut root = Node {
            segment: "/".to_owned(),
            ..Node::default()
        };
        for route in &self.list {
            for pattern in &route.patterns {
                root.insert(&segments(pattern), route);
            }
        }
        let mut lines = Vec::new();
        root.lines("", "", &mut lines);
        let rows = lines.iter().map(|(left, route)| {
            let method = route.map_or("", |route| {
                route.method.as_ref().map_or("ALL", Method::as_str)
            });
            let place = route.map_or_else(String::new, |route| {
                format!("{}:{}", route.place.file(), route.place.line())
            });
            let notes = route.map_or_else(String::new, |route| route.notes());
            [left.clone(), method.to_owned(), place, notes]
        });
        let rows: Vec<_> = rows.collect();
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2), 0];
        for row in &rows {
            let mut line = String::new();
            for (text, width) in row.iter().zip(widths) {
                write!(line, "{text:<width$}  ")?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
