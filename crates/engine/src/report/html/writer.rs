//! HTML that is being written. Everything that comes from a plan, a server or a file goes through [`Html::text`] or
//! one of its like, which escape it; markup goes in as literals only, so that the two cannot be taken for another.

use crate::model::Millis;
use crate::report::words::{grouped, show_time, visible};
use std::fmt::Write as _;

/// Characters of a name that stand in a line; the rest can be opened.
const NAME: usize = 300;
/// Characters of a sentence.
const SENTENCE: usize = 2_000;
/// Characters of a name that can be opened.
const WHOLE: usize = 20_000;

/// A document or a part of one.
#[derive(Default)]
pub(super) struct Html {
    out: String,
}

/// How a thing stands; never told by colour alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Plain,
    Warn,
    Bad,
}

/// A table's cell.
pub(super) enum Cell<'a> {
    /// A sentence.
    Text(&'a str),
    /// A sentence that was made here.
    Said(String),
    /// A name, a query or a value.
    Code(&'a str),
    /// A name, a query or a value, or nothing.
    Maybe(Option<&'a str>),
    /// A count.
    Number(u64),
    /// A count that ought to be 0.
    Wrong(u64),
    /// A time.
    Time(Millis),
    /// A verdict in a word.
    Pill(Tone, &'static str),
    /// What to read: evidence, then what to do.
    Advice(&'a str, &'a str),
}

impl Cell<'_> {
    fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Wrong(_))
    }
}

impl Html {
    /// The text so far.
    pub fn finish(self) -> String {
        self.out
    }

    /// Markup.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.out.push_str(markup);
        self
    }

    /// A sentence, cut where it has no end.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.escaped(text, SENTENCE);
        self
    }

    /// A name, query or value.
    pub fn code(&mut self, text: &str) -> &mut Self {
        if text.trim().is_empty() {
            return self.raw("<span class=dim>(empty)</span>");
        }
        self.raw("<code>");
        self.escaped(text, NAME);
        self.raw("</code>")
    }

    /// A name whose whole length may matter. Not for inside of a paragraph.
    pub fn name(&mut self, text: &str) -> &mut Self {
        self.code(text);
        if text.char_indices().nth(NAME).is_some() {
            self.raw("<details class=whole><summary>in full</summary><code>");
            self.escaped(text, WHOLE);
            self.raw("</code></details>");
        }
        self
    }

    /// A count, its digits in groups.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.out.push_str(&grouped(number));
        self
    }

    /// A time.
    pub fn time(&mut self, at: Millis) -> &mut Self {
        self.raw("<time>");
        self.out.push_str(&show_time(at));
        self.raw("</time>")
    }

    /// A paragraph, unless there is nothing to say.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        self.raw("<p>").text(text).raw("</p>")
    }

    /// Cause and remedy, as far as they are known.
    pub fn advice(&mut self, cause: &str, remedy: &str) {
        for (name, said) in [("Probable cause: ", cause), ("What to do: ", remedy)] {
            if !said.is_empty() {
                self.raw("<p class=advice><b>").raw(name).raw("</b>").text(said).raw("</p>");
            }
        }
    }

    /// A verdict in a word.
    pub fn pill(&mut self, tone: Tone, word: &'static str) -> &mut Self {
        self.raw(match tone {
            Tone::Good => "<span class='pill good'>✓ ",
            Tone::Plain => "<span class=pill>",
            Tone::Warn => "<span class='pill warn'>! ",
            Tone::Bad => "<span class='pill bad'>✕ ",
        });
        self.raw(word).raw("</span>")
    }

    /// Begins a panel with its heading.
    pub fn panel(&mut self, title: &'static str) -> &mut Self {
        self.raw("<section class=panel><h2>").raw(title).raw("</h2>")
    }

    /// Ends what [`Html::panel`] began.
    pub fn end(&mut self) {
        self.raw("</section>");
    }

    /// A panel with a list of sentences, unless there is none.
    pub fn sentences<'a>(&mut self, title: &'static str, sentences: impl IntoIterator<Item = &'a String>) {
        let sentences: Vec<&str> = sentences.into_iter().map(String::as_str).collect();
        if sentences.is_empty() {
            return;
        }
        self.panel(title);
        self.list(&sentences);
        self.end();
    }

    /// A list; a long one is closed at first.
    pub fn list(&mut self, sentences: &[&str]) {
        const OPEN: usize = 12;
        const MOST: usize = 2_000;
        let (open, closed) = sentences.split_at(sentences.len().min(OPEN));
        let items = |html: &mut Self, items: &[&str]| {
            html.raw("<ul>");
            for item in items {
                html.raw("<li>").text(item).raw("</li>");
            }
            html.raw("</ul>");
        };
        items(self, open);
        if !closed.is_empty() {
            self.more(closed.len());
            items(self, closed.get(..MOST).unwrap_or(closed));
            self.left_out(closed.len().saturating_sub(MOST) as u64);
            self.raw("</details>");
        }
    }

    /// Begins what is closed at first.
    pub fn more(&mut self, count: usize) {
        self.raw("<details><summary>").number(count as u64).raw(" more</summary>");
    }

    /// Says how many are not shown.
    pub fn left_out(&mut self, count: u64) {
        if count > 0 {
            self.raw("<p class=dim>").number(count);
            self.raw(if count == 1 {
                " more is not shown here.</p>"
            } else {
                " more are not shown here.</p>"
            });
        }
    }

    /// A table. The first cell of a row is its heading. On narrow screens each row becomes a block.
    pub fn table<'a>(
        &mut self,
        caption: &'static str,
        head: &[&'static str],
        rows: &mut dyn Iterator<Item = Vec<Cell<'a>>>,
    ) {
        const MOST: usize = 1_000;
        self.raw("<table><caption>").raw(caption).raw("</caption><thead><tr>");
        let mut rows = rows.peekable();
        let first = rows.peek();
        for (at, name) in head.iter().enumerate() {
            let is_number = first.and_then(|row| row.get(at)).is_some_and(Cell::is_number);
            self.raw(if is_number && at > 0 { "<th scope=col class=num>" } else { "<th scope=col>" });
            self.raw(name).raw("</th>");
        }
        self.raw("</tr></thead><tbody>");
        let (mut shown, mut left) = (0, 0);
        for row in rows {
            if shown == MOST {
                left += 1;
                continue;
            }
            shown += 1;
            self.raw("<tr>");
            for (at, (cell, name)) in row.iter().zip(head).enumerate() {
                self.raw(match (at, cell.is_number()) {
                    (0, _) => "<th scope=row",
                    (_, true) => "<td class=num",
                    _ => "<td",
                });
                self.raw(" data-label='").raw(name).raw("'><div>");
                self.cell(cell);
                self.raw(if at == 0 { "</div></th>" } else { "</div></td>" });
            }
            self.raw("</tr>");
        }
        self.raw("</tbody></table>");
        self.left_out(left);
    }

    fn cell(&mut self, cell: &Cell<'_>) {
        match cell {
            Cell::Text(text) => self.text(text),
            Cell::Said(text) => self.text(text),
            Cell::Code(text) | Cell::Maybe(Some(text)) => self.name(text),
            Cell::Maybe(None) => self.raw("<span class=dim>–</span>"),
            Cell::Number(number) | Cell::Wrong(number @ 0) => self.number(*number),
            Cell::Wrong(number) => self.raw("<b class=bad>").number(*number).raw("</b>"),
            Cell::Time(at) => self.time(*at),
            Cell::Pill(tone, word) => self.pill(*tone, word),
            Cell::Advice(evidence, remedy) => {
                self.paragraph(evidence);
                self.advice("", remedy);
                self
            }
        };
    }

    /// An attribute with a number: a place in a picture.
    pub fn place(&mut self, name: &'static str, value: f64, unit: &'static str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"");
        self.coordinate(value);
        self.raw(unit).raw("\"")
    }

    /// A number of a picture, in hundredths.
    pub fn coordinate(&mut self, value: f64) -> &mut Self {
        let hundredths = (if value.is_finite() { value } else { 0.0 } * 100.0).round() as i64;
        // Writing to a String cannot fail.
        let _ = match hundredths % 100 {
            0 => write!(self.out, "{}", hundredths / 100),
            rest => {
                let sign = if hundredths < 0 { "-" } else { "" };
                write!(self.out, "{sign}{}.{:02}", (hundredths / 100).abs(), rest.abs())
            }
        };
        self
    }

    /// What a picture shows, for those who do not see it.
    pub fn spoken(&mut self, label: &str) -> &mut Self {
        self.raw(" role=img aria-label=\"");
        self.escaped(label, NAME);
        self.raw("\"")
    }

    fn escaped(&mut self, text: &str, most: usize) {
        let cut = text.char_indices().nth(most).map(|(at, _)| at);
        for c in visible(cut.and_then(|at| text.get(..at)).unwrap_or(text)).chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                c => self.out.push(c),
            }
        }
        if cut.is_some() {
            self.out.push('…');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Html;

    #[test]
    fn hostile_text_is_escaped_and_cut() {
        let mut html = Html::default();
        html.text("<b onclick='x'>&\"\u{202e}\0").code(" ").place("x", -0.504, "%").place("y", f64::NAN, "");
        html.place("z", 1e308, "").name(&"é".repeat(30_000));
        let text = html.finish();
        assert!(text.starts_with(
            "&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;\\u{202e}\\u{0}<span class=dim>(empty)</span> x=\"-0.50%\" y=\"0\""
        ), "{text}");
        assert_eq!(text.matches('é').count(), 20_300);
        assert_eq!(text.matches('…').count(), 2);
    }
}
