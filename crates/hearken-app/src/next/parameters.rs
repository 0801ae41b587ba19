//! The parameters of the path at the present step of a request.

use super::{Chain, Parameter};
use crate::pattern::Pattern;
use hearken_http::IncomingMessage;

impl Chain {
    /// The value of a parameter at the present step.
    pub(crate) fn value(&self, name: &str, req: &IncomingMessage) -> Option<String> {
        self.read(name, req, str::to_owned)
    }

    /// Reads the value of a parameter at the present step.
    pub(crate) fn read<T>(
        &self,
        name: &str,
        req: &IncomingMessage,
        read: impl FnOnce(&str) -> T,
    ) -> Option<T> {
        self.with_span(name, |span| match &self.decoded {
            Some(path) => read(&path.text(span)),
            None => read(req.path().get(span.0..span.1).unwrap_or_default()),
        })
    }

    /// The segments of a wildcard at the present step.
    pub(crate) fn segments(&self, name: &str, req: &IncomingMessage) -> Option<Vec<String>> {
        self.with_span(name, |span| match &self.decoded {
            Some(path) => path.segments(span),
            None => {
                let text = req.path().get(span.0..span.1).unwrap_or_default();
                text.split('/').map(str::to_owned).collect()
            }
        })
    }

    fn with_span<T>(&self, name: &str, read: impl FnOnce((usize, usize)) -> T) -> Option<T> {
        let now = self.now.borrow();
        let step = self.table().steps.get(now.step)?;
        let number = step.patterns.get(now.pattern)?.number_of(name)?;
        now.found.spans.get(number).copied().flatten().map(read)
    }

    /// All parameters of the present pattern, in its order.
    pub(crate) fn parameters(&self, req: &IncomingMessage) -> Vec<Parameter> {
        let names = self.names();
        let wildcards = self.with_pattern(Pattern::wildcards).unwrap_or_default();
        let parameters = names.into_iter().enumerate().map(|(number, name)| {
            let wildcard = wildcards.contains(&number);
            Parameter {
                value: self.value(&name, req),
                segments: if wildcard {
                    self.segments(&name, req).unwrap_or_default()
                } else {
                    Vec::new()
                },
                wildcard,
                name,
            }
        });
        parameters.collect()
    }

    /// The names of the parameters of the present pattern.
    pub(crate) fn names(&self) -> Vec<String> {
        self.with_pattern(|pattern| pattern.names().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    fn with_pattern<T>(&self, read: impl FnOnce(&Pattern) -> T) -> Option<T> {
        let now = self.now.borrow();
        let step = self.table().steps.get(now.step)?;
        step.patterns.get(now.pattern).map(read)
    }
}
