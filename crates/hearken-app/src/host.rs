//! Routers for a host: virtual hosts.
//!
//! Here: [`HostPattern`], [`VhostLabels`]. Not here: which host a request asks for (`request.rs`), when it is compared (`next.rs`).

use crate::next::Chain;
use crate::request::RequestExt;
use hearken_http::IncomingMessage;

/// A host name, of whose labels some stand for any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostPattern {
    labels: Vec<Label>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Label {
    /// In lower case.
    Text(String),
    /// What is before and behind the star.
    Star(String, String),
}

impl HostPattern {
    /// `Err`: what was expected.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let labels = split(&lower).map(|label| match label.split_once('*') {
            None => Label::Text(label.to_owned()),
            Some((before, behind)) => Label::Star(before.to_owned(), behind.to_owned()),
        });
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_*".contains(&byte);
        let is_name = split(&lower).all(|label| {
            !label.is_empty() && label.bytes().all(legal) && label.matches('*').count() <= 1
        });
        let is_address = lower.starts_with('[') && lower.ends_with(']') && !lower.contains('*');
        if !is_name && !is_address {
            return Err(format!(
                "expected a host without a port, as in \"example.org\" or \"*.example.org\", got {text:?}"
            ));
        }
        Ok(Self {
            labels: labels.collect(),
        })
    }

    /// What the stars stand for in this host, if it fits.
    fn labels_of(&self, host: &str) -> Option<Vec<String>> {
        let host = host.to_ascii_lowercase();
        let mut stars = Vec::new();
        let mut labels = split(&host);
        for own in &self.labels {
            let label = labels.next()?;
            match own {
                Label::Text(text) => (text == label).then_some(())?,
                Label::Star(before, behind) => {
                    let star = label.strip_prefix(&**before)?.strip_suffix(&**behind)?;
                    (!star.is_empty()).then(|| stars.push(star.to_owned()))?;
                }
            }
        }
        labels.next().is_none().then_some(stars)
    }
}

/// Labels of a name, which may end with a dot. An IPv6 address is one.
fn split(host: &str) -> impl Iterator<Item = &str> {
    let is_address = host.starts_with('[');
    let bare = host.strip_suffix('.').unwrap_or(host);
    bare.split(move |c| c == '.' && !is_address)
}

/// What the stars of [`Router::vhost`](crate::Router::vhost) stand for, from left to right, in lower case: `req.extension::<VhostLabels>()`.
/// npm `vhost`: `req.vhost`.
///
/// ```
/// use hearken::app::{App, Router, VhostLabels};
/// let mut shops = Router::new();
/// shops.get("/", async |req, res| {
///     let labels = req.extension::<VhostLabels>().expect("set for a host with a star");
///     res.end(format!("the shop of {}", labels.0[0]))
/// });
/// let mut app = App::new();
/// app.vhost("*.shops.example", shops);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is a list and nothing else")]
pub struct VhostLabels(pub Vec<String>);

impl Chain {
    /// Whether the request is for the host of a router, and of those around it.
    pub(crate) fn is_for_host(&self, group: usize, req: &IncomingMessage) -> bool {
        let hosts = &self.app.table().groups[group].hosts;
        if hosts.is_empty() {
            return true;
        }
        let Some(host) = self.hostname.get_or_init(|| req.hostname()) else {
            return false;
        };
        let mut stars = Vec::new();
        let fits = hosts.iter().all(|pattern| match pattern.labels_of(host) {
            Some(labels) => {
                stars.extend(labels);
                true
            }
            None => false,
        });
        if fits && !stars.is_empty() {
            req.extend(VhostLabels(stars));
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::HostPattern;

    #[test]
    fn hosts_fit_patterns() {
        for (pattern, host, stars) in [
            ("example.org", "example.org", Some(vec![])),
            ("Example.ORG", "eXample.org.", Some(vec![])),
            ("example.org", "www.example.org", None),
            ("example.org", "example.org.evil", None),
            ("*.example.org", "www.example.org", Some(vec!["www"])),
            ("*.example.org", "example.org", None),
            ("*.example.org", ".example.org", None),
            ("*.example.org", "a.b.example.org", None),
            ("*.*.example.org", "a.B.example.org", Some(vec!["a", "b"])),
            (
                "user-*.example.org",
                "user-ada.example.org",
                Some(vec!["ada"]),
            ),
            ("user-*.example.org", "user-.example.org", None),
            ("a*a.example", "aa.example", None),
            ("*", "localhost", Some(vec!["localhost"])),
            ("[::1]", "[::1]", Some(vec![])),
            ("127.0.0.1", "127.0.0.1", Some(vec![])),
            ("example.org", "", None),
        ] {
            let parsed = HostPattern::parse(pattern).unwrap_or_else(|error| panic!("{error}"));
            let stars = stars.map(|stars| stars.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(parsed.labels_of(host), stars, "{pattern} {host}");
        }
    }

    #[test]
    fn what_is_no_host_is_rejected() {
        for pattern in [
            "",
            ".",
            "a..b",
            "example.org:80",
            "https://a.example",
            "a/b",
            "**.example",
            "a b",
            "[::*]",
        ] {
            assert!(HostPattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
