//! Fields that are lists, URLs and media types.

use hearken_http::message::{encode_url, media_type_of};
use hearken_http::{OutgoingMessage, ServerResponse};

/// See [`ResponseExt::content_type`](super::ResponseExt::content_type).
pub(super) fn media_type(of: &str) -> &str {
    if of.contains('/') && !of.starts_with('/') && media_type_of(of).is_none() {
        return of;
    }
    let of_name = media_type_of(of);
    let of_ending = || media_type_of(format!("x.{}", of.trim_start_matches('.')));
    of_name
        .or_else(of_ending)
        .unwrap_or("application/octet-stream")
}

/// See [`ResponseExt::links`](super::ResponseExt::links).
pub(super) fn links<R: AsRef<str>, T: AsRef<str>>(
    res: ServerResponse,
    links: impl IntoIterator<Item = (R, T)>,
) -> ServerResponse {
    let mut list = String::new();
    let own = res.get_header("link");
    if let Some(own) = own {
        list.push_str(&String::from_utf8_lossy(&own));
    }
    for (relation, target) in links {
        let relation = relation.as_ref();
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b" .-:/".contains(&byte);
        if relation.is_empty() || !relation.bytes().all(legal) {
            tracing::error!(relation, "expected a relation of a link, not this text");
            return res.set("Link", "\n"); // not legal: the response becomes a 500
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        let target = encode_url(target.as_ref());
        list.push_str(&format!("<{target}>; rel=\"{relation}\""));
    }
    if list.is_empty() {
        res
    } else {
        res.set("Link", list)
    }
}

/// See [`ResponseExt::vary`](super::ResponseExt::vary).
pub(super) fn vary(res: ServerResponse, names: &str) -> ServerResponse {
    let fields = res.get_headers();
    let own = fields.get_all("vary").iter();
    let own: Vec<_> = own.filter_map(|line| line.to_str().ok()).collect();
    let mut members = members(&own.join(","));
    for name in self::members(names) {
        if !members.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
            members.push(name);
        }
    }
    if members.iter().any(|name| name == "*") {
        return res.set("Vary", "*");
    }
    if members.is_empty() {
        return res;
    }
    res.set("Vary", members.join(", "))
}

fn members(list: &str) -> Vec<String> {
    let members = list.split(',').map(str::trim);
    members
        .filter(|member| !member.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_given_by_name_or_ending() {
        for (of, expected) in [
            ("html", "text/html; charset=utf-8"),
            (".html", "text/html; charset=utf-8"),
            ("page.html", "text/html; charset=utf-8"),
            ("JSON", "application/json"),
            ("application/json", "application/json"),
            ("text/x-own; charset=latin1", "text/x-own; charset=latin1"),
            ("unheard-of", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(media_type(of), expected, "{of}");
        }
    }
}
