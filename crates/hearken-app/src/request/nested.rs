//! Queries and forms whose names have brackets: `a[b]=1`.

use crate::settings::NestedQuery;
use hearken_http::Failure;
use serde::de::DeserializeOwned;

/// Parses a query within the limits.
pub(super) fn parse<T: DeserializeOwned>(query: &str, limits: NestedQuery) -> Result<T, Failure> {
    parse_as(query.as_bytes(), limits, "query", "query.invalid")
}

/// Parses a form within the limits.
pub(super) fn parse_form<T: DeserializeOwned>(
    form: &[u8],
    parameters_max: u32,
) -> Result<T, Failure> {
    let limits = NestedQuery {
        depth_max: 32,
        parameters_max: parameters_max as usize,
    };
    parse_as(form, limits, "form", "entity.parse.failed")
}

fn parse_as<T: DeserializeOwned>(
    text: &[u8],
    limits: NestedQuery,
    what: &str,
    code: &'static str,
) -> Result<T, Failure> {
    check(text, limits.parameters_max, limits.depth_max, what)?;
    let config = serde_qs::Config::new()
        .max_depth(limits.depth_max)
        .use_form_encoding(true);
    config.deserialize_bytes(text).map_err(|error| {
        let text = format!("expected another {what}: {error}");
        Failure::new(400, text).with_code(code)
    })
}

/// Whether there are not too many parameters, nor names with too many brackets.
pub(crate) fn check(text: &[u8], max: usize, depth_max: usize, what: &str) -> Result<(), Failure> {
    let parameters = text.split(|&byte| byte == b'&');
    let parameters = parameters.filter(|parameter| !parameter.is_empty());
    if parameters.clone().nth(max).is_some() {
        let text = format!("expected at most {max} parameters in the {what}");
        return Err(Failure::new(413, text).with_code("parameters.too.many"));
    }
    for parameter in parameters {
        let mut parts = parameter.split(|&byte| byte == b'=');
        if depth(parts.next().unwrap_or_default()) > depth_max {
            let text = format!("expected at most {depth_max} brackets in a name of the {what}");
            return Err(Failure::new(400, text).with_code("querystring.parse.rangeError"));
        }
    }
    Ok(())
}

/// Opening brackets, encoded ones too.
fn depth(name: &[u8]) -> usize {
    let encoded = name.windows(3);
    let encoded = encoded.filter(|bytes| bytes.eq_ignore_ascii_case(b"%5b"));
    name.iter().filter(|&&byte| byte == b'[').count() + encoded.count()
}
