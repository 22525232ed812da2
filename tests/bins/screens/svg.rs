//! A picture of a terminal as SVG, cell by cell: no font decides where a column is.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// A cell, in pixels.
const CELL: (f64, f64) = (8.4, 17.0);
const MARGIN: f64 = 10.0;

const FOREGROUND: &str = "#d8dee9";
const BACKGROUND: &str = "#20242c";

/// The picture, with a cursor.
pub(crate) fn draw(buffer: &Buffer, cursor: (u16, u16)) -> String {
    let area = buffer.area;
    let width = f64::from(area.width) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(area.height) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
         role=\"img\" aria-label=\"backchat-client on a terminal\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" \
         xml:space=\"preserve\">\n"
    );
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            x = run(buffer, x, y, &mut svg);
        }
    }
    let (x, y) = place(cursor.0, cursor.1);
    svg += &format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{FOREGROUND}\" opacity=\"0.6\"/>\n",
        CELL.0, CELL.1
    );
    svg + "</g>\n</svg>\n"
}

fn place(x: u16, y: u16) -> (f64, f64) {
    (MARGIN + f64::from(x) * CELL.0, MARGIN + f64::from(y) * CELL.1)
}

/// Draws the cells from here on that look alike; answers where the next ones begin.
fn run(buffer: &Buffer, from: u16, y: u16, svg: &mut String) -> u16 {
    let first = &buffer[(from, y)];
    let (mut text, mut end) = (String::new(), from);
    while end < buffer.area.right() {
        let cell = &buffer[(end, y)];
        let wide = cell.symbol().width().max(1);
        if (cell.fg, cell.bg, cell.modifier) != (first.fg, first.bg, first.modifier) {
            break;
        }
        // A wide character is a run of its own: fonts disagree about it.
        if wide > 1 && end > from {
            break;
        }
        text += cell.symbol();
        end += u16::try_from(wide).unwrap_or(1);
        if wide > 1 {
            break;
        }
    }
    let columns = end - from;
    let (x, top) = place(from, y);
    if let Some(color) = colour(first.bg) {
        let (width, height) = (f64::from(columns) * CELL.0, CELL.1);
        svg.push_str(&format!(
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{color}\"/>\n"
        ));
    }
    let foreground = colour(first.fg).unwrap_or_else(|| FOREGROUND.to_owned());
    if let Some(shape) = shape(&text, (x, top), columns, &foreground) {
        svg.push_str(&shape);
    } else if !text.trim().is_empty() {
        let weight = if first.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
        let (fill, bottom) = (foreground, top + 13.0);
        let length = f64::from(columns) * CELL.0;
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        svg.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{bottom:.1}\" fill=\"{fill}\"{weight} textLength=\"{length:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\">{escaped}</text>\n"
        ));
    }
    end
}

/// Bars and lines as what they stand for: a font leaves gaps between its blocks.
fn shape(text: &str, (x, top): (f64, f64), columns: u16, fill: &str) -> Option<String> {
    let is_all = |wanted: char| !text.is_empty() && text.chars().all(|c| c == wanted);
    let width = f64::from(columns) * CELL.0;
    let (x, top, width, height, opacity) = match text {
        _ if is_all('█') => (x, top + 3.0, width, CELL.1 - 6.0, 1.0),
        _ if is_all('░') => (x, top + 3.0, width, CELL.1 - 6.0, 0.5),
        "│" => (x + CELL.0 / 2.0, top, 1.0, CELL.1, 1.0),
        _ => return None,
    };
    Some(format!(
        "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\" opacity=\"{opacity}\"/>\n"
    ))
}

fn colour(color: Color) -> Option<String> {
    let named = match color {
        Color::Reset => return None,
        Color::Red => "#bf616a",
        Color::Green => "#a3be8c",
        Color::Yellow => "#ebcb8b",
        Color::Blue => "#81a1c1",
        Color::Magenta => "#b48ead",
        Color::Cyan => "#88c0d0",
        Color::Gray => "#aeb6c4",
        Color::DarkGray => "#5b6475",
        Color::LightRed => "#d57780",
        Color::LightGreen => "#b9d4a2",
        Color::LightYellow => "#f4dca6",
        Color::LightBlue => "#9bbce0",
        Color::LightMagenta => "#caa5c4",
        Color::LightCyan => "#a3d8e6",
        // As the terminals of the world have them: six levels a part, then gray.
        Color::Indexed(index @ 16..=231) => {
            let level = |place: u8| [0, 95, 135, 175, 215, 255][usize::from(place)];
            let [red, green, blue] = [(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6].map(level);
            return Some(format!("#{red:02x}{green:02x}{blue:02x}"));
        }
        Color::Indexed(index @ 232..) => {
            let level = 8 + 10 * u32::from(index - 232);
            return Some(format!("#{level:02x}{level:02x}{level:02x}"));
        }
        _ => "#eceff4",
    };
    Some(named.to_owned())
}
