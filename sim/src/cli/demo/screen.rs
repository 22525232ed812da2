//! Two chats side by side, and a bar below them.
//!
//! On a terminal there are colours (unless `NO_COLOR` is set), a bar that moves, and pauses in which people read. In a
//! pipe there is the same text and nothing else.

use std::io::{self, Write};
use std::time::Duration;

use console::{Style, Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Columns where nobody says how many there are, and the most that are used: a line that is longer is hard to read.
const WIDTH: usize = 80;
const WIDTH_MAX: usize = 100;

/// The least that two chats fit in. A narrower window wraps what is too long for it, as it does for everybody.
const WIDTH_MIN: usize = 30;

/// Between the two chats.
const BETWEEN: &str = " │ ";

/// In front of everything but headings.
const INDENT: &str = "  ";

/// How long a line of chat is looked at before the next one comes.
const READING: Duration = Duration::from_millis(400);

/// The same for a line that has been read before.
const GLANCING: Duration = Duration::from_millis(120);

/// How a line looks where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// What somebody said.
    Said,
    /// What is only worth knowing.
    Aside,
    /// What went well.
    Good,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Said => Style::new(),
            Self::Aside => Style::new().dim(),
            Self::Good => Style::new().green(),
        }
    }
}

/// What people see.
pub(super) struct Screen {
    out: Box<dyn Write>,
    width: usize,
    look: Look,
    people: [&'static str; 2],
    bar: Option<ProgressBar>,
}

/// What the output can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Text, and nothing that moves.
    Pipe,
    /// A terminal that shall have no colours.
    Plain,
    /// A terminal.
    Colours,
}

impl Screen {
    /// Standard output, as wide as it is.
    pub(super) fn of_stdout(people: [&'static str; 2]) -> Self {
        let term = Term::stdout();
        let look = match (term.is_term(), console::colors_enabled()) {
            (false, _) => Look::Pipe,
            (true, false) => Look::Plain,
            (true, true) => Look::Colours,
        };
        let width = term.size_checked().map_or(WIDTH, |(_, columns)| usize::from(columns));
        Self::new(Box::new(io::stdout()), width, look, people)
    }

    fn new(out: Box<dyn Write>, width: usize, look: Look, people: [&'static str; 2]) -> Self {
        Self { out, width: width.clamp(WIDTH_MIN, WIDTH_MAX), look, people, bar: None }
    }

    /// The title of a half, and the names above the columns.
    pub(super) fn heading(&mut self, title: &str) -> io::Result<()> {
        let mut text = String::new();
        for line in wrapped(title, self.width) {
            text += &format!("{}\n", self.styled(&Style::new().bold(), &line));
        }
        self.print(&format!("\n{text}"))
    }

    /// The names above the columns.
    pub(super) fn names(&mut self) -> io::Result<()> {
        let [left, right] = self.people;
        let column = self.column();
        let rule = "─".repeat(column);
        let line = |left: &str, between: &str, right: &str| format!("{INDENT}{left:column$}{between}{right}");
        let names = line(left, BETWEEN, right);
        let names = self.styled(&Style::new().bold(), names.trim_end());
        let rule = self.styled(&Style::new().dim(), &line(&rule, "─┼─", &rule));
        self.print(&format!("{names}\n{rule}\n"))
    }

    /// What each of the two sees now.
    pub(super) fn row(&mut self, cells: [&str; 2], tone: Tone) -> io::Result<()> {
        let column = self.column();
        let [left, right] = cells.map(|cell| wrapped(cell, column));
        let style = tone.style();
        let mut text = String::new();
        for line in 0..left.len().max(right.len()) {
            let of = |cell: &[String]| cell.get(line).cloned().unwrap_or_default();
            let (left, right) = (of(&left), of(&right));
            let pad = " ".repeat(column.saturating_sub(measure_text_width(&left)));
            let (left, right) = (self.styled(&style, &left), self.styled(&style, &right));
            let between = if right.is_empty() { BETWEEN.trim_end() } else { BETWEEN };
            let between = self.styled(&Style::new().dim(), between);
            text += &format!("{INDENT}{left}{pad}{between}{right}\n");
        }
        self.print(&text)
    }

    /// A line that belongs to neither.
    pub(super) fn line(&mut self, line: &str, tone: Tone) -> io::Result<()> {
        let style = tone.style();
        let lines = wrapped(line, self.width - INDENT.len());
        let text: String =
            lines.iter().map(|line| format!("{INDENT}{}\n", self.styled(&style, line))).collect();
        self.print(&text)
    }

    /// A line that is to be copied: never broken.
    pub(super) fn command(&mut self, command: &str) -> io::Result<()> {
        self.print(&format!("{INDENT}{command}\n"))
    }

    /// Lets people read, where there are any.
    pub(super) async fn pause(&self) {
        self.wait(READING).await;
    }

    /// Lets people see what they know.
    pub(super) async fn glance(&self) {
        self.wait(GLANCING).await;
    }

    async fn wait(&self, time: Duration) {
        if self.look != Look::Pipe {
            tokio::time::sleep(time).await;
        }
    }

    /// Moves the bar to `done` of `all` bytes. A pipe has none.
    pub(super) fn bar(&mut self, done: u64, all: u64) {
        if self.look == Look::Pipe {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stdout());
            let template = match self.look {
                Look::Colours => "  {wide_bar:.cyan/blue} {percent:>3} % {binary_bytes_per_sec:>12}",
                Look::Pipe | Look::Plain => "  {wide_bar} {percent:>3} % {binary_bytes_per_sec:>12}",
            };
            bar.with_style(
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
            )
        });
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub(super) fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn styled(&self, style: &Style, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        style.clone().force_styling(self.look == Look::Colours).apply_to(text).to_string()
    }

    /// Writes above the bar.
    fn print(&mut self, text: &str) -> io::Result<()> {
        let out = &mut self.out;
        let mut write = || out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// How wide each of the two is.
    fn column(&self) -> usize {
        (self.width - INDENT.len() - measure_text_width(BETWEEN)) / 2
    }
}

/// `text` in lines of at most `width` columns, broken at spaces where there are any. Ours is text of one column each.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        let word: Vec<char> = word.chars().collect();
        // A word that is wider than everything is cut; its first part fills a line, so no space comes into it.
        for part in word.chunks(width) {
            if !line.is_empty() && measure_text_width(&line) + 1 + part.len() > width {
                lines.push(std::mem::take(&mut line));
            }
            line.extend((!line.is_empty()).then_some(' '));
            line.extend(part);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// An output that can be looked at.
    #[derive(Clone, Default)]
    struct Page(Rc<RefCell<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn(width: usize, look: Look) -> String {
        let page = Page::default();
        let mut screen = Screen::new(Box::new(page.clone()), width, look, ["ann", "bob"]);
        screen.heading("A title of some length").expect("written");
        screen.names().expect("written");
        screen.row(["bob: Hi Ann, have you read the book?", ""], Tone::Said).expect("written");
        screen.row(["", "a_word_that_is_longer_than_a_column_of_forty"], Tone::Aside).expect("written");
        screen.line("32 MiB are there, and every byte of them is right", Tone::Good).expect("written");
        screen.bar(1, 2);
        let page = page.0.borrow().clone();
        String::from_utf8(page).expect("UTF-8")
    }

    #[test]
    fn a_pipe_gets_text_and_nothing_else() {
        assert_eq!(
            drawn(60, Look::Pipe),
            "\nA title of some length\n\
             \x20 ann                         │ bob\n\
             \x20 ────────────────────────────┼────────────────────────────\n\
             \x20 bob: Hi Ann, have you read  │\n\
             \x20 the book?                   │\n\
             \x20                             │ a_word_that_is_longer_than_\n\
             \x20                             │ a_column_of_forty\n\
             \x20 32 MiB are there, and every byte of them is right\n"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_window() {
        for width in WIDTH_MIN..120 {
            for line in drawn(width, Look::Pipe).lines() {
                assert!(measure_text_width(line) <= width, "{line:?} in {width} columns");
            }
        }
    }

    #[test]
    fn colours_add_nothing_but_colours() {
        let coloured = drawn(60, Look::Colours);
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(console::strip_ansi_codes(&coloured), drawn(60, Look::Pipe));
        assert!(!drawn(60, Look::Plain).contains('\u{1b}'));
    }
}
