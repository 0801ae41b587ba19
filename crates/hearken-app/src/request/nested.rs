//! Queries whose names have brackets: `a[b]=1`.

use crate::settings::NestedQuery;
use hearken_http::Failure;
use serde::de::DeserializeOwned;

/// Parses a query within the limits.
pub(super) fn parse<T: DeserializeOwned>(query: &str, limits: NestedQuery) -> Result<T, Failure> {
    let max = limits.parameters_max;
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    if parameters.clone().nth(max).is_some() {
        let text = format!("expected at most {max} parameters in the query");
        return Err(Failure::new(413, text).with_code("parameters.too.many"));
    }
    for parameter in parameters {
        let name = parameter.split('=').next().unwrap_or_default();
        let max = limits.depth_max;
        if depth(name) > max {
            let text = format!("expected at most {max} brackets in a name of the query");
            return Err(Failure::new(400, text).with_code("querystring.parse.rangeError"));
        }
    }
    let config = serde_qs::Config::new()
        .max_depth(limits.depth_max)
        .use_form_encoding(true);
    config.deserialize_str(query).map_err(|error| {
        let text = format!("expected another query: {error}");
        Failure::new(400, text).with_code("query.invalid")
    })
}

/// Opening brackets, encoded ones too.
fn depth(name: &str) -> usize {
    let encoded = name.as_bytes().windows(3);
    let encoded = encoded.filter(|bytes| bytes.eq_ignore_ascii_case(b"%5b"));
    name.bytes().filter(|&byte| byte == b'[').count() + encoded.count()
}
