//! Pages of vectors: Markdown with bytes and their expected log, run at every cut.
//!
//! Here: [`Page`] and [`Case`]: reading, running, rewriting. The README of the vectors explains the format. Not here: the
//! run (`transcript.rs`), the notation of bytes (`notation.rs`).

use crate::{Setup, block, diff, transcript};
use hearken_proto::Limits;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// One Markdown page.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its path.
    pub path: PathBuf,
    /// Its cases, in order.
    pub cases: Vec<Case>,
    lines: Vec<String>,
}

/// One case of a page.
#[derive(Clone, Debug)]
pub struct Case {
    /// File and line of its heading, as editors parse it.
    pub place: String,
    /// Its heading.
    pub title: String,
    /// Assumptions of the run.
    pub setup: Setup,
    /// The bytes that the peer sends.
    pub bytes: Vec<u8>,
    /// The expected log.
    pub events: Vec<String>,
    /// The lines of the page that hold the log.
    lines: Range<usize>,
}

impl Page {
    /// All pages of a folder, in the order of their names, without its README.
    ///
    /// # Errors
    /// What the file system says, and what is wrong with a page.
    pub fn read_all(folder: impl AsRef<Path>) -> io::Result<Vec<Self>> {
        let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
        let mut paths: Vec<PathBuf> = entries?.iter().map(fs::DirEntry::path).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
        paths.retain(|path| path.file_stem().is_some_and(|stem| stem != "README"));
        paths.sort();
        paths.into_iter().map(Self::read).collect()
    }

    /// One page.
    ///
    /// # Errors
    /// What the file system says, and what is wrong with the page.
    pub fn read(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let text = fs::read_to_string(&path)?;
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let cases = Reader::new(&path, &lines).cases();
        Ok(Self {
            cases: cases.map_err(io::Error::other)?,
            path,
            lines,
        })
    }

    /// Writes the current logs of the cases into the page. Review the difference before you commit it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn rewrite(&mut self) -> io::Result<()> {
        for case in self.cases.iter().rev() {
            let log = transcript(&case.setup, [&case.bytes[..]]);
            self.lines.splice(case.lines.clone(), log);
        }
        fs::write(&self.path, self.lines.join("\n") + "\n")?;
        *self = Self::read(core::mem::take(&mut self.path))?;
        Ok(())
    }
}

impl Case {
    /// Runs the case whole, cut in two at every place and byte by byte, with the lines reported and without.
    ///
    /// # Errors
    /// The place of the case, the cut, and the difference of the logs.
    pub fn run(&self) -> Result<(), String> {
        let mut setup = self.setup.clone();
        let quiet: Vec<String> = self.events.clone();
        let quiet: Vec<String> = without_lines(quiet);
        for (expected, report_lines) in [(&self.events, true), (&quiet, false)] {
            setup.report_lines = report_lines;
            self.compare(&setup, expected, "whole", &[&self.bytes])?;
            for cut in 1..self.bytes.len() {
                let (one, other) = self.bytes.split_at(cut);
                self.compare(&setup, expected, &format!("cut at {cut}"), &[one, other])?;
            }
            let bytes: Vec<&[u8]> = self.bytes.chunks(1).collect();
            self.compare(&setup, expected, "byte by byte", &bytes)?;
        }
        Ok(())
    }

    fn compare(
        &self,
        setup: &Setup,
        expected: &[String],
        how: &str,
        pieces: &[&[u8]],
    ) -> Result<(), String> {
        let run = std::panic::AssertUnwindSafe(|| transcript(setup, pieces.iter().copied()));
        let (place, title) = (&self.place, &self.title);
        let lines = if setup.report_lines {
            ""
        } else {
            ", lines not reported"
        };
        let actual = std::panic::catch_unwind(run)
            .map_err(|_| format!("{place}: {title}\n  {how}{lines}: it panicked, see above\n"))?;
        if actual == expected {
            return Ok(());
        }
        let diff = diff(expected, &actual);
        Err(format!(
            "{place}: {title}\n  {how}{lines}: expected -, actual +\n{diff}"
        ))
    }
}

fn without_lines(mut log: Vec<String>) -> Vec<String> {
    log.retain(|entry| !entry.starts_with("line "));
    log
}

/// Goes through a page line by line.
struct Reader<'a> {
    path: &'a Path,
    lines: &'a [String],
    next: usize,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, lines: &'a [String]) -> Self {
        Self {
            path,
            lines,
            next: 0,
        }
    }

    fn place(&self, index: usize) -> String {
        format!("{}:{}", self.path.display(), index + 1)
    }

    fn cases(mut self) -> Result<Vec<Case>, String> {
        let mut cases: Vec<Case> = Vec::new();
        while let Some(line) = self.lines.get(self.next) {
            let at = self.next;
            self.next += 1;
            if let Some(title) = line.strip_prefix("### ") {
                let case = self.case(at, title);
                let case = case.map_err(|error| format!("{}: {error}", self.place(at)))?;
                if cases.iter().any(|other| other.title == case.title) {
                    return Err(format!("{}: the title is taken", self.place(at)));
                }
                cases.push(case);
            } else if line.starts_with("```") {
                return Err(format!("{}: a block without a heading", self.place(at)));
            }
        }
        Ok(cases)
    }

    fn case(&mut self, at: usize, title: &str) -> Result<Case, String> {
        let from = self.next;
        let info = self.open()?;
        if self.next < from + 2 {
            return Err("expected a sentence on the section and why".to_owned());
        }
        let setup = setup(info)?;
        let body: Vec<&str> = self.lines[self.body()?].iter().map(|s| &**s).collect();
        let bytes = block(&body)?;
        if self.open()? != "events" {
            return Err("expected a block of events".to_owned());
        }
        let lines = self.body()?;
        Ok(Case {
            place: self.place(at),
            title: title.to_owned(),
            setup,
            bytes,
            events: self.lines[lines.clone()].to_vec(),
            lines,
        })
    }

    /// Moves behind the next opening fence; returns its info string.
    fn open(&mut self) -> Result<&'a str, String> {
        while let Some(line) = self.lines.get(self.next) {
            if line.starts_with("### ") {
                break;
            }
            self.next += 1;
            if let Some(info) = line.strip_prefix("```") {
                return Ok(info);
            }
        }
        Err("expected a block of request or response, and one of events".to_owned())
    }

    /// Moves behind the closing fence; returns the lines before it.
    fn body(&mut self) -> Result<Range<usize>, String> {
        let from = self.next;
        let length = self.lines[from..].iter().position(|line| line == "```");
        let to = from + length.ok_or("expected the end of the block")?;
        self.next = to + 1;
        Ok(from..to)
    }
}

/// The info string of a block of bytes.
fn setup(info: &str) -> Result<Setup, String> {
    let mut words = info.split_whitespace();
    let mut setup = match words.next() {
        Some("request") => Setup::server(),
        Some("response") => Setup::client(),
        other => return Err(format!("expected request or response, not {other:?}")),
    };
    for word in words {
        match word.split_once('=') {
            None => match word {
                "eof" => setup.eof = true,
                "upgrade" => setup.upgrade = true,
                "switch" => setup.switch = true,
                "limits" => {} // a word for readers, before `name=value`
                _ => return Err(format!("unknown flag {word}")),
            },
            Some(("method", method)) => setup.method = method.to_owned(),
            Some(("requests", number)) => setup.requests = parse(number)?,
            Some((name, number)) => limit(&mut setup.limits, name, parse(number)?)?,
        }
    }
    Ok(setup)
}

fn parse(number: &str) -> Result<u32, String> {
    number
        .parse()
        .map_err(|_| format!("expected a number, not {number}"))
}

fn limit(limits: &mut Limits, name: &str, value: u32) -> Result<(), String> {
    let (head, body) = (&mut limits.head, &mut limits.body);
    let limit = match name {
        "head.bytes_max" => &mut head.bytes_max,
        "head.target_bytes_max" => &mut head.target_bytes_max,
        "head.method_bytes_max" => &mut head.method_bytes_max,
        "head.fields_max" => &mut head.fields_max,
        "head.interims_max" => &mut head.interims_max,
        "body.chunk_size_digits_max" => &mut body.chunk_size_digits_max,
        "body.chunk_ext_bytes_max" => &mut body.chunk_ext_bytes_max,
        "body.chunk_ext_total_max" => &mut body.chunk_ext_total_max,
        "body.trailer_bytes_max" => &mut body.trailer_bytes_max,
        "body.trailer_fields_max" => &mut body.trailer_fields_max,
        _ => return Err(format!("unknown limit {name}")),
    };
    *limit = value;
    Ok(())
}
