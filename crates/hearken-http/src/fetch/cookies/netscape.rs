//! Cookies as a file, in the format that Netscape began and that curl, wget and browsers' extensions read and write.
//!
//! Here: [`CookieJar::to_netscape`] and [`CookieJar::load_netscape`]. A line has seven parts, separated by tabs: domain, whether
//! subdomains get it, path, whether only https gets it, expiry in seconds since 1970 (0: a session cookie), name, value.

use super::{ALL_MAX, Cookie, CookieJar, PER_HOST_MAX, is_address};
use std::time::{Duration, SystemTime};

impl CookieJar {
    /// The cookies that have not expired, as the content of a cookie file, values octet by octet. It contains secrets: protect
    /// the file.
    ///
    /// ```
    /// use hearken::fetch::CookieJar;
    /// let (jar, now) = (CookieJar::new(), std::time::SystemTime::UNIX_EPOCH);
    /// jar.store(&"http://example.com/".parse()?, "id=7", now);
    /// let text = jar.to_netscape(now);
    /// assert!(text.ends_with(b"example.com\tFALSE\t/\tFALSE\t0\tid\t7\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_netscape(&self, now: SystemTime) -> Vec<u8> {
        let mut text = b"# Netscape HTTP Cookie File\n\n".to_vec();
        self.with(|jar| {
            let mut kept: Vec<&Cookie> = jar
                .cookies
                .iter()
                .filter(|cookie| !cookie.has_expired(now))
                .collect();
            kept.sort_by_key(|cookie| cookie.created);
            for cookie in kept {
                push_line(&mut text, cookie);
            }
        });
        text
    }

    /// Stores the cookies of a cookie file, and returns how many. It skips comments, expired cookies and lines of another form; a
    /// line that begins with `#HttpOnly_` is a cookie, and is written like that again. The limits of the jar hold.
    ///
    /// ```
    /// use hearken::fetch::CookieJar;
    /// let (jar, now) = (CookieJar::new(), std::time::SystemTime::UNIX_EPOCH);
    /// assert_eq!(jar.load_netscape(".example.com\tTRUE\t/\tFALSE\t0\tid\t7\n", now), 1);
    /// assert_eq!(jar.header(&"http://www.example.com/".parse()?, now).as_deref(), Some("id=7"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load_netscape(&self, text: impl AsRef<[u8]>, now: SystemTime) -> usize {
        let lines = text.as_ref().split(|byte| *byte == b'\n');
        let cookies = lines.filter_map(parse_line);
        cookies
            .filter(|cookie| !cookie.has_expired(now))
            .filter(|cookie| self.with(|jar| jar.load(cookie.clone())))
            .count()
    }
}

impl super::Jar {
    /// Unlike a cookie of a response, one of a file may replace a secure one: the file is trusted.
    fn load(&mut self, mut cookie: Cookie) -> bool {
        self.uses += 1;
        (cookie.created, cookie.used) = (self.uses, self.uses);
        self.cookies.retain(|kept| !kept.is_same_as(&cookie));
        let domain = cookie.domain.clone();
        self.cookies.push(cookie);
        self.evict(PER_HOST_MAX, |kept| kept.domain == domain);
        self.evict(ALL_MAX, |_| true);
        true
    }
}

fn push_line(text: &mut Vec<u8>, cookie: &Cookie) {
    // A tab would be read as the end of a part. Only a value can contain one.
    if cookie.value.contains(&b'\t') {
        return;
    }
    let yes = |yes| if yes { "TRUE" } else { "FALSE" };
    let dot = if cookie.host_only { "" } else { "." };
    let expires = cookie.expires.map_or(0, |at| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(1, |since| since.as_secs().max(1))
    });
    let front = format!(
        "{}{dot}{}\t{}\t{}\t{}\t{expires}",
        if cookie.http_only { HTTP_ONLY } else { "" },
        cookie.domain,
        yes(!cookie.host_only),
        cookie.path,
        yes(cookie.secure),
    );
    for part in [
        front.as_bytes(),
        b"\t",
        &cookie.name,
        b"\t",
        &cookie.value,
        b"\n",
    ] {
        text.extend_from_slice(part);
    }
}

fn parse_line(line: &[u8]) -> Option<Cookie> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let hidden = line.strip_prefix(HTTP_ONLY.as_bytes());
    let (line, http_only) = (hidden.unwrap_or(line), hidden.is_some());
    if line.starts_with(b"#")
        || line
            .iter()
            .any(|&byte| byte != b'\t' && byte.is_ascii_control())
    {
        return None;
    }
    let parts: Vec<&[u8]> = line.split(|byte| *byte == b'\t').collect();
    // curl leaves out the value when it is empty.
    let (&[domain, subdomains, path, secure, expires, name], value) = parts
        .split_first_chunk::<6>()
        .map(|(six, rest)| (six, rest.first().copied().unwrap_or_default()))?;
    if parts.len() > 7 || !path.starts_with(b"/") || (name.is_empty() && value.is_empty()) {
        return None;
    }
    let text = |part| std::str::from_utf8(part).ok();
    let domain = text(domain.strip_prefix(b".").unwrap_or(domain))?.to_ascii_lowercase();
    let seconds: u64 = text(expires)?.trim().parse().ok()?;
    let expires = (seconds > 0).then_some(Duration::from_secs(seconds));
    Some(Cookie {
        host_only: !subdomains.eq_ignore_ascii_case(b"TRUE") || is_address(&domain),
        // Without an expiry if the system cannot represent it.
        expires: expires.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)),
        name: name.to_owned(),
        value: value.to_owned(),
        path: text(path)?.to_owned(),
        secure: secure.eq_ignore_ascii_case(b"TRUE"),
        http_only,
        created: 0,
        used: 0,
        domain: (!domain.is_empty()).then_some(domain)?,
    })
}

/// Begins the line of a cookie with the attribute `HttpOnly`. Programs that do not know it skip the line as a comment.
const HTTP_ONLY: &str = "#HttpOnly_";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn url(text: &str) -> url::Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn a_file_is_read_back_as_it_was_written() {
        let jar = CookieJar::new();
        jar.store(
            &url("https://a.example.com/x/y"),
            "one=1; Secure; Max-Age=60",
            at(0),
        );
        jar.store(
            &url("https://a.example.com/"),
            "two=a b; Domain=example.com; Path=/p; HttpOnly",
            at(0),
        );
        jar.store(&url("http://127.0.0.1/"), "=nameless", at(0));
        jar.store(&url("http://127.0.0.1/"), "gone=1; Max-Age=5", at(0));
        jar.store(&url("http://127.0.0.1/"), "tab=a\tb", at(0));
        jar.store(&url("http://127.0.0.1/"), b"city=K\xf6ln", at(0));
        let bytes = jar.to_netscape(at(10));
        let text: String = bytes.iter().copied().map(char::from).collect();
        let lines: Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "a.example.com\tFALSE\t/x\tTRUE\t60\tone\t1",
                "#HttpOnly_.example.com\tTRUE\t/p\tFALSE\t0\ttwo\ta b",
                "127.0.0.1\tFALSE\t/\tFALSE\t0\t\tnameless",
                "127.0.0.1\tFALSE\t/\tFALSE\t0\tcity\tK\u{f6}ln",
            ]
        );
        let other = CookieJar::new();
        assert_eq!(other.load_netscape(&bytes, at(10)), 4);
        assert_eq!(other.to_netscape(at(10)), bytes);
        let header = other.header(&url("https://a.example.com/p"), at(10));
        assert_eq!(header.as_deref(), Some("two=a b"));
    }

    #[test]
    fn lines_of_another_form_are_skipped() {
        let jar = CookieJar::new();
        let text = "# a comment\n\n#HttpOnly_a\tFALSE\t/\tFALSE\t0\tkept\t1\r\na\tFALSE\t/\tFALSE\t5\told\t1\n\
                    a\tFALSE\tx\tFALSE\t0\tpath\t1\na\tFALSE\t/\tFALSE\tsoon\tdate\t1\na b c\n\
                    \tFALSE\t/\tFALSE\t0\tdomain\t1\na\tFALSE\t/\tFALSE\t18446744073709551615\tlong\t\n\
                    a\tFALSE\t/\tFALSE\t0\te\x1bsc\t1\na\tFALSE\t/\tFALSE\t0\tempty\n";
        assert_eq!(jar.load_netscape(text, at(10)), 3);
        let header = jar.header(&url("http://a/"), at(10));
        assert_eq!(header.as_deref(), Some("kept=1; long=; empty="));
    }

    #[test]
    fn a_line_replaces_the_cookie_of_its_name() {
        let jar = CookieJar::new();
        jar.load_netscape(
            "a\tFALSE\t/\tFALSE\t0\tn\t1\na\tFALSE\t/\tFALSE\t0\tn\t2\n",
            at(0),
        );
        assert_eq!(
            (jar.len(), jar.header(&url("http://a/"), at(0)).as_deref()),
            (1, Some("n=2"))
        );
    }
}
