//! Proactive negotiation (RFC 9110 §12): which of the media types, codings and languages on offer a client prefers.
//!
//! Here: [`IncomingMessage::accepts`] and its siblings; the choice as functions of field lines. Not here: weights and lists
//! (`accept/list.rs`), compressing (`message/compress.rs`).

mod list;

use crate::message::incoming::IncomingMessage;
use crate::message::media_type::media_type_of_ending;
use crate::message::response::ServerResponse;
use list::{Item, items, parameters};

impl IncomingMessage {
    /// The offer that the client prefers by its Accept field: a media type, or the ending of a file that has one (`json`,
    /// `html`). `None` if none is acceptable, which is answered 406. Without the field the first offer.
    ///
    /// The most specific range of the field that matches an offer gives its weight. The greatest weight wins; then the more
    /// specific range; then the order of the field; then the order of the offers. Put the default first: it wins `*/*`. An
    /// offer with parameters matches ranges with the same ones. Up to 64 members of the field are read.
    ///
    /// A response that depends on the field says so: `res.set("Vary", "Accept")`.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     let res = res.set("Vary", "Accept");
    ///     match req.accepts(&["html", "application/json"]) {
    ///         Some("html") => res.set("Content-Type", "text/html; charset=utf-8").end("<p>hello"),
    ///         Some(_) => res.json("hello"),
    ///         None => res.status(406).end(""),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn accepts<'a>(&self, offers: &[&'a str]) -> Option<&'a str> {
        let lines = self.raw_headers();
        best(items(lines.get_all("accept")), offers, media_type_match)
    }

    /// The content coding that the client prefers by its Accept-Encoding field, in lower case as offered: `gzip`, `br`, `zstd`,
    /// `deflate`, `identity`. Of equal weights the order of the offers decides, since clients list codings in no order.
    /// `identity` is acceptable unless the client excludes it, with less preference than any coding that is listed. `None`
    /// if none is acceptable. Without the field `identity` if it is on offer, else the first offer.
    ///
    /// ```
    /// use hearken::Server;
    /// // Files that were compressed before.
    /// let server = Server::new(async |req, res| {
    ///     let res = res.set("Vary", "Accept-Encoding");
    ///     match req.accepts_encodings(&["br", "gzip", "identity"]) {
    ///         Some(coding @ ("br" | "gzip")) => res.set("Content-Encoding", coding).end(""),
    ///         _ => res.end("plain"),
    ///     }
    /// });
    /// ```
    #[doc(alias = "acceptsEncodings")]
    #[must_use]
    pub fn accepts_encodings<'a>(&self, offers: &[&'a str]) -> Option<&'a str> {
        best_coding(self.raw_headers().get_all("accept-encoding"), offers)
    }

    /// The charset that the client prefers by its Accept-Charset field, as offered. Browsers do not send the field, and every
    /// client of today understands UTF-8 (RFC 9110 §12.5.2); without the field it is the first offer. `None` if none matches.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| match req.accepts_charsets(&["utf-8", "iso-8859-1"]) {
    ///     Some(charset) => res.set("Content-Type", format!("text/plain; charset={charset}")).end("plain ASCII"),
    ///     None => res.status(406).end(""),
    /// });
    /// ```
    #[doc(alias = "acceptsCharsets")]
    #[must_use]
    pub fn accepts_charsets<'a>(&self, offers: &[&'a str]) -> Option<&'a str> {
        let lines = self.raw_headers();
        best(
            items(lines.get_all("accept-charset")),
            offers,
            charset_match,
        )
    }

    /// The language that the client prefers by its Accept-Language field. `en` in the field matches the offer `en-GB`
    /// (RFC 4647 §3.3.1), and `en-GB` the offer `en` with less preference than an equal tag (§3.4). Otherwise as
    /// [`accepts`](Self::accepts). `None` if none matches: then most servers send their default language.
    ///
    /// ```
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     let language = req.accepts_languages(&["en", "de", "fr-CA"]).unwrap_or("en");
    ///     res.set("Vary", "Accept-Language").set("Content-Language", language).end("")
    /// });
    /// ```
    #[doc(alias = "acceptsLanguages")]
    #[must_use]
    pub fn accepts_languages<'a>(&self, offers: &[&'a str]) -> Option<&'a str> {
        let lines = self.raw_headers();
        best(
            items(lines.get_all("accept-language")),
            offers,
            language_match,
        )
    }
}

impl ServerResponse {
    /// As [`IncomingMessage::accepts`], for the request that this responds to.
    ///
    /// ```
    /// use hearken::{Sent, Server, ServerResponse};
    /// fn no_such_page(res: ServerResponse) -> Sent {
    ///     let res = res.status(404).set("Vary", "Accept");
    ///     match res.accepts(&["text/plain", "text/html"]) {
    ///         Some("text/html") => res.set("Content-Type", "text/html; charset=utf-8").end("<h1>No such page</h1>"),
    ///         _ => res.end("no such page\n"),
    ///     }
    /// }
    /// let server = Server::new(async |_req, res| no_such_page(res));
    /// ```
    #[must_use]
    pub fn accepts<'a>(&self, offers: &[&'a str]) -> Option<&'a str> {
        let lines = self.request_head().fields();
        best(items(lines.get_all("accept")), offers, media_type_match)
    }
}

/// How well an offer fits: compared in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    weight: u16,
    specificity: u16,
    /// Smaller positions in the field are better.
    position: std::cmp::Reverse<usize>,
}

/// `matches` returns the specificity of an item that matches an offer.
fn best<'a>(
    items: Option<Vec<Item<'_>>>,
    offers: &[&'a str],
    matches: fn(&Item<'_>, &str) -> Option<u16>,
) -> Option<&'a str> {
    let Some(items) = items else {
        return offers.first().copied();
    };
    let fit = |offer: &str| {
        let matching = items.iter().enumerate().filter_map(|(position, item)| {
            let specificity = matches(item, offer)?;
            Some((specificity, std::cmp::Reverse(position), item.weight))
        });
        let (specificity, position, weight) = matching.max()?;
        (weight > 0).then_some(Fit {
            weight,
            specificity,
            position,
        })
    };
    let mut chosen: Option<(Fit, &str)> = None;
    for offer in offers {
        if let Some(fit) = fit(offer)
            && chosen.is_none_or(|(best, _)| fit > best)
        {
            chosen = Some((fit, offer));
        }
    }
    chosen.map(|(_, offer)| offer)
}

/// The specificity of a range that matches: 1 for `*/*`, 2 for `text/*`, 3 and more for a type with parameters.
fn media_type_match(range: &Item<'_>, offer: &str) -> Option<u16> {
    let offer = match offer.contains('/') {
        true => offer,
        false => media_type_of_ending(offer)?,
    };
    let (offered, offered_parameters) = offer.split_once(';').unwrap_or((offer, ""));
    let (kind, subtype) = offered.trim().split_once('/')?;
    let (range_kind, range_subtype) = range.name.split_once('/')?;
    let is = |range: &str, own: &str| range.eq_ignore_ascii_case(own);
    let specificity = match (range_kind, range_subtype) {
        ("*", "*") => 1,
        (range, "*") if is(range, kind) => 2,
        (range, subrange) if is(range, kind) && is(subrange, subtype) => 3,
        _ => return None,
    };
    let mut demanded = 0;
    for (name, value) in parameters(range.parameters) {
        let has = |(own, own_value): (&str, &str)| is(own, name) && is(own_value, value);
        if !parameters(offered_parameters).any(has) {
            return None;
        }
        demanded += 1;
    }
    Some(specificity + demanded)
}

fn charset_match(listed: &Item<'_>, offer: &str) -> Option<u16> {
    match listed.name {
        "*" => Some(0),
        name => name.eq_ignore_ascii_case(offer).then_some(1),
    }
}

/// The specificity of a language range that matches a tag.
fn language_match(range: &Item<'_>, offer: &str) -> Option<u16> {
    let range = range.name;
    let begins = |long: &str, short: &str| {
        let (start, rest) = long.split_at_checked(short.len()).unwrap_or_default();
        start.eq_ignore_ascii_case(short) && rest.starts_with('-')
    };
    match range {
        "*" => Some(0),
        _ if range.eq_ignore_ascii_case(offer) => Some(3),
        _ if begins(offer, range) => Some(2),
        _ if begins(range, offer) => Some(1),
        _ => None,
    }
}

/// See [`IncomingMessage::accepts_encodings`]. `lines`: the values of Accept-Encoding.
pub(crate) fn best_coding<'a, 'l>(
    lines: impl Iterator<Item = &'l [u8]>,
    offers: &[&'a str],
) -> Option<&'a str> {
    let is = |offer: &str, name: &str| offer.eq_ignore_ascii_case(name);
    let Some(items) = items(lines) else {
        let plain = offers.iter().find(|offer| is(offer, "identity"));
        return plain.or_else(|| offers.first()).copied();
    };
    let listed = |offer: &str| {
        let names = |item: &&Item<'_>| {
            // RFC 9110 §8.4.1: a recipient treats the old names as equal.
            let name = match item.name {
                name if is(name, "x-gzip") => "gzip",
                name if is(name, "x-compress") => "compress",
                name => name,
            };
            is(name, offer)
        };
        items.iter().find(names).map(|item| item.weight)
    };
    let any = items.iter().find(|item| item.name == "*");
    // Twice the weight, so that identity without a weight comes behind all others.
    let weight = |offer: &str| match (listed(offer), any) {
        (Some(weight), _) => weight * 2,
        (None, Some(any)) => any.weight * 2,
        (None, None) if is(offer, "identity") => 1,
        (None, None) => 0,
    };
    let mut chosen: Option<(u16, &str)> = None;
    for offer in offers {
        let weight = weight(offer);
        if weight > 0 && chosen.is_none_or(|(best, _)| weight > best) {
            chosen = Some((weight, offer));
        }
    }
    chosen.map(|(_, offer)| offer)
}

#[cfg(test)]
mod tests;
