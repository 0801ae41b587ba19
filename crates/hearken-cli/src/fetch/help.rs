//! The texts around the flags of `hearken fetch`: about, examples, environment, exit codes.

pub(crate) const ABOUT: &str = "\
An HTTP client: writes bodies to stdout, or to files, as they arrive. Fetches several URLs one after the other over one pool \
of connections. Its flags are those of curl; -v shows each step of an exchange with its time.

A failure is printed to stderr with its phase, and sets the exit code; the other URLs are still fetched. HTTP_PROXY, \
HTTPS_PROXY, ALL_PROXY and NO_PROXY are used. On a terminal, JSON is indented and coloured, a body that looks binary is not written, \
and a long download into a file has a progress bar; -o - writes any body as it is.";

/// A macro, because `concat!` takes no constant.
macro_rules! examples {
    () => {
        "\
Examples:
  hearken fetch -v localhost:3000/headers
  hearken fetch -L -O https://example.com/file.tar.gz
  hearken fetch -C - -O https://example.com/file.tar.gz
  hearken fetch -d name=value http://localhost:3000/echo
  hearken fetch -F name=value -F picture=@cat.png http://localhost:3000/anything
  hearken fetch -T large.bin http://localhost:3000/anything
  hearken fetch -H 'Content-Type: application/json' --data-binary @body.json http://localhost:3000/echo
  hearken fetch -s -o /dev/null -w '%{http_code} %{time_total}\\n' http://localhost:3000/
  hearken fetch --json http://localhost:3000/ http://localhost:3000/headers"
    };
}

pub(crate) const EXAMPLES: &str = examples!();

pub(crate) const MORE: &str = concat!(
    examples!(),
    "

Environment:
  HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY  the proxies (http, https, socks5, socks5h), and the hosts without one
  NO_COLOR, CLICOLOR_FORCE                      colours on stdout and stderr

Exit codes (with several URLs, that of the first failure):
   0  all URLs were fetched; also when the reader of stdout closes it
   1  another failure
   2  wrong flags: an invalid URL, a file that cannot be read
   6  the host name was not found
   7  no connection
   8  the server broke the protocol, or exceeded a limit
  22  -f, and a status of 400 or above
  23  the body could not be written
  28  a timeout
  33  -C, and the server did not continue at that byte
  35  the TLS handshake failed
  47  too many redirects, or one that cannot be followed
  52  the server closed the connection without a response
  55  the request could not be sent
  56  the connection was lost in the middle of the response
  60  the certificate of the server is not trusted
  61  the body does not match its content coding
  97  a proxy refused the request, or a variable that names proxies is not understood"
);
