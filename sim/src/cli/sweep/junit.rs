//! A JUnit report, written as results come: it holds nothing of them in memory.
//!
//! The counts stand in tags that come before what is counted. Room is left for them, filled with blanks, which XML allows
//! there, and they are written when they are known.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::kept::Failure;
use crate::cli::exit::Trouble;
use crate::cli::explain::Which;
use crate::cli::output::Output;

/// Violations of a failure that are shown; the others are counted.
const FOUND_MAX: usize = 8;

/// Digits of a count.
const DIGITS: usize = 20;

/// See the module.
pub(super) struct Junit {
    path: PathBuf,
    to: BufWriter<Output>,
    all: Counts,
    suite: Option<Suite>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Where they stand in the file.
    at: u64,
    tests: u64,
    failures: u64,
}

struct Suite {
    name: String,
    counts: Counts,
}

impl Junit {
    /// # Errors
    /// The file cannot be written, or not at any place of it.
    pub(super) fn create(output: Output) -> Result<Self, Trouble> {
        let path = output.path().to_owned();
        let begin = || -> io::Result<Self> {
            let mut to = BufWriter::new(output);
            to.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"backchat-sim\"")?;
            let all = Counts { at: to.stream_position()?, ..Counts::default() };
            to.write_all(all.text().as_bytes())?;
            Ok(Self { path: path.clone(), to, all, suite: None })
        };
        begin().map_err(Trouble::write(&path))
    }

    /// One result, behind those before it: the suites are the scenarios.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn put(&mut self, which: Which<'_>, failure: Option<&Failure>) -> Result<(), Trouble> {
        self.write(which, failure).map_err(Trouble::write(&self.path))
    }

    fn write(&mut self, which: Which<'_>, failure: Option<&Failure>) -> io::Result<()> {
        if self.suite.as_ref().is_none_or(|suite| suite.name != which.path) {
            self.end_suite()?;
            write!(self.to, "    <testsuite name=\"{}\"", escaped(which.path))?;
            let counts = Counts { at: self.to.stream_position()?, ..Counts::default() };
            self.to.write_all(counts.text().as_bytes())?;
            self.suite = Some(Suite { name: which.path.to_owned(), counts });
        }
        let suites = self.suite.as_mut().map(|suite| &mut suite.counts);
        for counts in suites.into_iter().chain([&mut self.all]) {
            counts.tests += 1;
            counts.failures += u64::from(failure.is_some());
        }
        let Some(failure) = failure else {
            return writeln!(self.to, "        <testcase name=\"seed {}\"/>", which.seed);
        };
        let first = failure.found.first().map_or("", String::as_str);
        writeln!(self.to, "        <testcase name=\"seed {}\">", which.seed)?;
        let (first, signature) = (escaped(first), escaped(&failure.signature));
        write!(self.to, "            <failure message=\"{first}\" type=\"{signature}\">")?;
        for found in failure.found.iter().take(FOUND_MAX) {
            writeln!(self.to, "{}", escaped(found))?;
        }
        let more = failure.found.len().saturating_sub(FOUND_MAX);
        if more > 0 {
            writeln!(self.to, "and {more} more")?;
        }
        writeln!(self.to, "{}</failure>\n        </testcase>", escaped(&which.replay()))
    }

    fn end_suite(&mut self) -> io::Result<()> {
        let Some(suite) = self.suite.take() else { return Ok(()) };
        writeln!(self.to, "    </testsuite>")?;
        self.fill_in(suite.counts)
    }

    fn fill_in(&mut self, counts: Counts) -> io::Result<()> {
        let end = self.to.stream_position()?;
        self.to.seek(SeekFrom::Start(counts.at))?;
        self.to.write_all(counts.text().as_bytes())?;
        self.to.seek(SeekFrom::Start(end))?;
        Ok(())
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn finish(mut self) -> Result<(), Trouble> {
        let mut end = || -> io::Result<()> {
            self.end_suite()?;
            writeln!(self.to, "</testsuites>")?;
            self.fill_in(self.all)
        };
        let ended = end();
        let Self { path, to, .. } = self;
        let done = ended.and_then(|()| to.into_inner()?.finish());
        done.map_err(Trouble::write(&path))
    }
}

impl Counts {
    /// The rest of a tag: of the same length whatever they are.
    fn text(&self) -> String {
        let text = format!(" tests=\"{}\" failures=\"{}\" errors=\"0\"", self.tests, self.failures);
        let length = " tests=\"\" failures=\"\" errors=\"0\"".len() + 2 * DIGITS;
        format!("{text:length$}>\n")
    }
}

/// A text in XML: what XML cannot hold is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\r' => escaped.push_str("&#13;"),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::{Files, Manner};
    use crate::cli::sweep::kept::End;
    use crate::run::Engine;

    #[test]
    fn counts_are_right_and_stand_before_what_they_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.xml");
        let output = Files::default().write("--junit", &path, Manner::Replace).unwrap();
        let mut junit = Junit::create(output).unwrap();
        let failure = Failure {
            signature: "expect/too_late@client".into(),
            found: vec!["expect at 1 s: <took> \"2 s\" & \u{1b}more".into(); 9],
            end: End::Judged,
        };
        for (path, seed, failure) in
            [("a.toml", 0, None), ("a.toml", 1, Some(&failure)), ("b&c.toml", 0, None)]
        {
            junit.put(Which { path, seed, engine: Engine::Turmoil, set: "" }, failure).unwrap();
        }
        junit.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let heads = text.lines().filter(|line| line.contains("<testsuite")).map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.join(" ")
        });
        let expected = [
            "<testsuites name=\"backchat-sim\" tests=\"3\" failures=\"1\" errors=\"0\" >",
            "<testsuite name=\"a.toml\" tests=\"2\" failures=\"1\" errors=\"0\" >",
            "<testsuite name=\"b&amp;c.toml\" tests=\"1\" failures=\"0\" errors=\"0\" >",
        ];
        assert!(heads.eq(expected), "{text}");
        let message = "message=\"expect at 1 s: &lt;took&gt; &quot;2 s&quot; &amp; \u{fffd}more\"";
        assert!(text.contains(message) && text.contains("\nand 1 more\nreplay: "), "{text}");
        assert!(text.ends_with("    </testsuite>\n</testsuites>\n"));
    }
}
