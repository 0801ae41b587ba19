//! The cookies of `-b` and `-c`, as in curl.
//!
//! Here: [`Cookies`]. Without a file, the cookies of `-b` are a field of each request. With one, the engine is on: cookies of
//! answers are kept, and those of `-b` are cookies of the host of each URL, so that a redirect to another host does not carry
//! them. Not here: the rules of cookies, and the format of the file (hearken-http).

use super::plan::CookiePlan;
use crate::plan::CommandError;
use hearken::fetch::CookieJar;
use hearken::{RequestBuilder, Url};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::SystemTime;

/// See the module.
pub(crate) struct Cookies<'a> {
    plan: &'a CookiePlan,
    engine: Option<CookieJar>,
}

impl<'a> Cookies<'a> {
    /// Reads the files. One that does not exist has no cookies: it may be written at the end.
    pub(crate) fn load(plan: &'a CookiePlan) -> Result<Self, CommandError> {
        let engine = plan.has_engine().then(CookieJar::new);
        let now = SystemTime::now();
        for path in plan.files.iter().filter(|path| *path != Path::new("")) {
            let text = match std::fs::read(path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => {
                    let path = path.display();
                    let text = format!("-b: cannot read {path}: {error}; data would be NAME=VALUE");
                    return Err(CommandError::Usage(text));
                }
            };
            let keep = |line: &[u8]| !plan.drop_session || !is_session(line);
            if let Some(jar) = &engine {
                jar.load_netscape(lines_that(&text, keep), now);
            }
        }
        Ok(Self { plan, engine })
    }

    /// Adds them to a request to this URL.
    pub(crate) fn add(&self, request: RequestBuilder, url: &str) -> RequestBuilder {
        let data = self.plan.data.join("; ");
        let Some(jar) = &self.engine else {
            return match data.is_empty() {
                true => request,
                false => request.header("Cookie", data),
            };
        };
        if let Ok(url) = Url::parse(url) {
            for cookie in pairs(&data) {
                jar.store(&url, format!("{cookie}; Path=/"), SystemTime::now());
            }
        }
        request.cookies(jar)
    }

    /// Writes the file of `-c`, without the cookies of the command line.
    pub(crate) fn save(&self) -> Result<(), String> {
        let (Some(jar), Some(path)) = (&self.engine, &self.plan.write) else {
            return Ok(());
        };
        let data = self.plan.data.join("; ");
        let given: Vec<String> = pairs(&data)
            .map(|pair| format!("\t/\tFALSE\t0\t{}", pair.replacen('=', "\t", 1)))
            .collect();
        let text = jar.to_netscape(SystemTime::now());
        let of_jar = |line: &[u8]| !given.iter().any(|end| line.ends_with(end.as_bytes()));
        let text = lines_that(&text, of_jar);
        let written = if path == Path::new("-") {
            std::io::stdout().lock().write_all(&text)
        } else {
            write_private(path, &text)
        };
        written.map_err(|error| format!("cannot write the cookies to {}: {error}", path.display()))
    }
}

/// The lines that the condition keeps.
fn lines_that(text: &[u8], keep: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let kept = lines.filter(|line| keep(line.strip_suffix(b"\n").unwrap_or(line)));
    kept.flatten().copied().collect()
}

/// The cookies of `a=1; b=2`.
fn pairs(data: &str) -> impl Iterator<Item = &str> {
    let pairs = data.split(';').map(|pair| pair.trim_matches([' ', '\t']));
    pairs.filter(|pair| !pair.is_empty())
}

/// Whether a line of a cookie file has no expiry.
fn is_session(line: &[u8]) -> bool {
    line.split(|byte| *byte == b'\t').nth(4) == Some(b"0")
}

/// Only its owner can read the file.
fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text)
}
