//! The variables of `-w`, from the report of one URL.

use crate::fetch::plan::{Output, Target};
use crate::fetch::report::Line;
use crate::fetch::seen::Seen;
use crate::fetch::shown::shown;
use serde_json::{Map, Value, json};

/// What is known of one URL when it is done.
pub(crate) struct Values<'a> {
    pub(crate) line: &'a Line,
    pub(crate) target: &'a Target,
    pub(crate) seen: Seen,
    /// Exit code of this URL.
    pub(crate) exit: u8,
    pub(crate) retries: u32,
    /// Place of the URL on the command line, from 0 on.
    pub(crate) number: usize,
}

impl Values<'_> {
    /// All variables, as in curl.
    pub(crate) const NAMES: &'static [&'static str] = &[
        "content_type",
        "errormsg",
        "exitcode",
        "filename_effective",
        "http_code",
        "http_version",
        "local_ip",
        "local_port",
        "method",
        "num_connects",
        "num_headers",
        "num_redirects",
        "num_retries",
        "redirect_url",
        "remote_ip",
        "remote_port",
        "response_code",
        "scheme",
        "size_download",
        "size_header",
        "size_request",
        "size_upload",
        "speed_download",
        "speed_upload",
        "time_appconnect",
        "time_connect",
        "time_namelookup",
        "time_pretransfer",
        "time_redirect",
        "time_starttransfer",
        "time_total",
        "url",
        "url_effective",
        "urlnum",
    ];

    pub(super) const fn failed(&self) -> bool {
        self.exit != 0
    }

    /// The value as text: that of JSON without quotes, as curl prints it.
    pub(super) fn get(&self, name: &str) -> String {
        match self.value(name) {
            Value::Null => String::new(),
            Value::String(text) => text,
            Value::Number(number) if name == "http_code" || name == "response_code" => {
                format!("{:03}", number.as_u64().unwrap_or(0))
            }
            Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(seconds) => format!("{seconds:.6}"),
                None => number.to_string(),
            },
            other => other.to_string(),
        }
    }

    pub(super) fn json(&self) -> String {
        let all = Self::NAMES.iter().map(|name| (*name, self.value(name)));
        let all: Map<String, Value> = all.map(|(name, value)| (name.to_owned(), value)).collect();
        Value::Object(all).to_string()
    }

    fn fields(&self) -> &[(String, String)] {
        let response = self.line.response.as_ref();
        response.map_or(&[], |response| &response.headers)
    }

    /// The value of the first field with this name.
    pub(super) fn header(&self, name: &str) -> String {
        let field = self
            .fields()
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        field.map_or_else(String::new, |(_, value)| value.clone())
    }

    /// Names in lower case, each with the list of its values.
    pub(super) fn header_json(&self) -> String {
        let mut all = Map::new();
        for (name, value) in self.fields() {
            let values = all
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| json!([]));
            if let Value::Array(values) = values {
                values.push(json!(value));
            }
        }
        Value::Object(all).to_string()
    }

    fn value(&self, name: &str) -> Value {
        let response = self.line.response.as_ref();
        match name {
            "content_type" => match self.header("content-type") {
                none if none.is_empty() => Value::Null,
                value => json!(value),
            },
            "errormsg" => json!(self.line.error.as_ref().map(|error| &error.message)),
            "exitcode" => json!(self.exit),
            "filename_effective" => match &self.target.output {
                Output::File(path) => json!(path.display().to_string()),
                _ => Value::Null,
            },
            "http_code" | "response_code" => json!(response.map_or(0, |response| response.status)),
            "http_version" => {
                let version = response.and_then(|response| response.version.strip_prefix("HTTP/"));
                json!(version.unwrap_or("0"))
            }
            "method" => json!(self.target.method),
            "num_connects" => json!(self.seen.connects),
            "num_headers" => json!(self.fields().len()),
            "num_redirects" => json!(self.line.redirects.len()),
            "num_retries" => json!(self.retries),
            "redirect_url" => json!(self.redirect_url()),
            "scheme" => {
                let (scheme, _) = self.effective().split_once(':').unwrap_or_default();
                json!(scheme.to_ascii_lowercase())
            }
            "url" => json!(shown(&self.target.url)),
            "url_effective" => json!(shown(self.effective())),
            "urlnum" => json!(self.number),
            name if name.starts_with("time_") => json!(self.time(name)),
            name if name.ends_with("_ip") || name.ends_with("_port") => self.address(name),
            name => self.size(name),
        }
    }

    fn effective(&self) -> &str {
        let response = self.line.response.as_ref();
        response.map_or(&self.target.url, |response| &response.final_url)
    }

    /// Where a redirect leads that was not followed.
    fn redirect_url(&self) -> Option<String> {
        let response = self.line.response.as_ref()?;
        let location = self.header("location");
        if !(300..400).contains(&response.status) || location.is_empty() {
            return None;
        }
        let url = hearken::Url::parse(&response.final_url).ok()?;
        Some(shown(url.join(&location).ok()?.as_str()))
    }

    fn address(&self, name: &str) -> Value {
        let Some(response) = &self.line.response else {
            return Value::Null;
        };
        let address = if name.starts_with("remote") {
            &response.remote_address
        } else {
            &response.local_address
        };
        let address = address.as_deref().and_then(|text| text.rsplit_once(':'));
        match address {
            None => Value::Null,
            Some((_, port)) if name.ends_with("_port") => json!(port.parse::<u16>().ok()),
            Some((ip, _)) => json!(ip.trim_matches(['[', ']'])),
        }
    }

    fn size(&self, name: &str) -> Value {
        let seconds = (self.line.timings.total / 1e3).max(1e-6);
        match name {
            "size_download" => json!(self.line.body_bytes),
            "size_header" => json!(self.seen.head_bytes),
            "size_request" => json!(self.seen.request_head_bytes()),
            "size_upload" => json!(self.seen.content_sent),
            "speed_download" => json!((self.line.body_bytes as f64 / seconds) as u64),
            "speed_upload" => json!((self.seen.content_sent as f64 / seconds) as u64),
            _ => Value::Null,
        }
    }

    /// Seconds since the beginning. Those before the total are of the last request, as in curl.
    fn time(&self, name: &str) -> f64 {
        let timings = &self.line.timings;
        let began = self.seen.last_began.as_secs_f64() * 1e3;
        // A connection is there when its steps are done; one that is used again at once.
        let connected = began + timings.queue;
        let ms = match name {
            "time_redirect" if self.line.redirects.is_empty() => 0.0,
            "time_redirect" => began,
            "time_namelookup" => connected - timings.tls - timings.proxy - timings.connect,
            "time_connect" => connected - timings.tls - timings.proxy,
            "time_appconnect" if timings.tls > 0.0 => connected,
            "time_appconnect" => 0.0,
            "time_pretransfer" => connected,
            "time_starttransfer" => connected + timings.send + timings.wait,
            _ => timings.total,
        };
        (ms.max(0.0) * 1e3).round() / 1e6
    }
}
