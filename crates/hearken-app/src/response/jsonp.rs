//! JSON as a script that calls a function.

use super::has_type;
use super::send::send_typed;
use crate::request::chain_of;
use hearken_http::message::JsonStyle;
use hearken_http::{Sent, ServerResponse};
use serde::Serialize;

/// See [`ResponseExt::jsonp`](super::ResponseExt::jsonp).
pub(super) fn jsonp<T: Serialize + ?Sized>(res: ServerResponse, value: &T) -> Sent {
    let style = res.extension::<JsonStyle>();
    let json = match style.as_deref().copied().unwrap_or_default().write(value) {
        Ok(json) => json,
        Err(error) => return res.fail(error),
    };
    let function = function_of(&res);
    let Some(function) = function else {
        let typed = has_type(&res);
        let res = match typed {
            true => res,
            false => res
                .set("X-Content-Type-Options", "nosniff")
                .set("Content-Type", "application/json"),
        };
        return send_typed(res, json.into());
    };
    // Line ends of JavaScript that are legal in JSON.
    let json = String::from_utf8_lossy(&json)
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let script = format!("/**/ typeof {function} === 'function' && {function}({json});");
    let res = res
        .set("X-Content-Type-Options", "nosniff")
        .set("Content-Type", "text/javascript; charset=utf-8");
    send_typed(res, script.into())
}

/// The name in the query, without characters that no name of a function has. `None` if nothing is left.
fn function_of(res: &ServerResponse) -> Option<String> {
    let query = res.request_head().raw_query()?;
    let name = chain_of(res).map_or_else(
        || "callback".to_owned(),
        |chain| chain.app.shared.settings.jsonp_callback_name.clone(),
    );
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, value) = pairs.find(|(own, _)| *own == name)?;
    let legal = |c: &char| c.is_ascii_alphanumeric() || "_$.[]".contains(*c);
    let function: String = value.chars().filter(legal).collect();
    (!function.is_empty()).then_some(function)
}
