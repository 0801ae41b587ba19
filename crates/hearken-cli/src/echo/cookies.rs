//! Cookies (RFC 6265): those that came, and those to set.

use super::response::ResponseBuilder;
use hearken::{IncomingMessage, Sent};
use serde_json::{Map, Value, json};

/// The cookies of the request; of two with one name, the first.
pub(crate) fn list(req: &IncomingMessage, response: ResponseBuilder) -> Sent {
    let mut cookies = Map::new();
    for line in req.raw_headers().get_all("cookie") {
        let line = super::json::text_of(line);
        for pair in line
            .split(';')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            cookies.entry(name).or_insert_with(|| Value::from(value));
        }
    }
    super::json::send_json(response, &json!({ "cookies": cookies }))
}

/// Sets or deletes cookies for all paths, and redirects to the list.
pub(crate) fn set(cookies: &[(String, Option<String>)], response: ResponseBuilder) -> Sent {
    let mut response = response.status(302).append("Location", "/cookies");
    for (name, value) in cookies {
        let line = match value {
            Some(value) => format!("{name}={value}; Path=/"),
            None => format!("{name}=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        };
        response = response.append("Set-Cookie", line);
    }
    response.send_empty()
}
