//! Figures as SVG: axes, curves, bands, bars. Coordinates are whole numbers, so the same report gives the same bytes.
//!
//! A figure is 720 units wide and shown at about half of that; colours come from classes of the page's style sheet.

use std::fmt::Write as _;

use super::axis::Axis;
use super::page::escape;

/// Width of a figure in its own units.
pub const WIDTH: f64 = 720.0;
/// Height of a figure in its own units.
pub const HEIGHT: f64 = 420.0;
const LEFT: f64 = 86.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 18.0;
const BOTTOM: f64 = 78.0;

/// A path of whole numbers, written with relative moves where these are shorter.
#[derive(Debug, Clone, Default)]
pub struct Path {
    text: String,
    at: (i64, i64),
    is_open: bool,
}

impl Path {
    /// Starts a new piece at a point.
    pub fn move_to(&mut self, x: f64, y: f64) {
        let (x, y) = (whole(x), whole(y));
        let _ = write!(self.text, "M{x} {y}");
        self.at = (x, y);
        self.is_open = true;
    }

    /// A straight line to a point; the first call of a path starts it there.
    pub fn line_to(&mut self, x: f64, y: f64) {
        if !self.is_open {
            return self.move_to(x, y);
        }
        let (x, y) = (whole(x), whole(y));
        let (dx, dy) = (x - self.at.0, y - self.at.1);
        match (dx, dy) {
            (0, 0) => return,
            (_, 0) => self.text.push_str(&format!("h{dx}")),
            (0, _) => self.text.push_str(&format!("v{dy}")),
            _ => self.text.push_str(&format!("l{dx}{}{dy}", if dy < 0 { "" } else { " " })),
        }
        self.at = (x, y);
    }

    /// A dot, drawn by a style with round ends.
    pub fn dot(&mut self, x: f64, y: f64) {
        let _ = write!(self.text, "M{} {}h0", whole(x), whole(y));
    }

    /// A rectangle from its corner at the top left.
    pub fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64) {
        let (x, y, w, h) = (whole(x), whole(y), whole(width), whole(height));
        let _ = write!(self.text, "M{x} {y}h{w}v{h}h{}z", -w);
    }

    /// Closes the current piece.
    pub fn close(&mut self) {
        self.text.push('z');
        self.is_open = false;
    }

    /// Whether nothing was drawn.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The element; nothing for an empty path.
    pub fn element(&self, class: &str) -> String {
        if self.is_empty() { String::new() } else { format!("<path class=\"{class}\" d=\"{}\"/>", self.text) }
    }
}

/// The nearest whole number; a number that is none becomes 0.
fn whole(x: f64) -> i64 {
    // Figures are a few thousand units wide: the cast is exact, and total for what is not finite.
    x.clamp(-1e6, 1e6).round() as i64
}

/// A figure with two axes. Everything drawn is clipped to the frame by clamping it to the axes.
#[derive(Debug, Clone)]
pub struct Plot {
    x: Axis,
    y: Axis,
    labels: String,
    body: String,
}

impl Plot {
    /// An empty figure.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, labels: String::new(), body: String::new() }
    }

    /// Horizontal position of a value.
    pub fn x(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * self.x.fraction(value)
    }

    /// Vertical position of a value.
    pub fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * self.y.fraction(value)
    }

    /// A line through points.
    pub fn curve(&mut self, points: impl IntoIterator<Item = (f64, f64)>, class: &str) {
        let mut path = Path::default();
        for (x, y) in points {
            path.line_to(self.x(x), self.y(y));
        }
        self.body.push_str(&path.element(class));
    }

    /// The area between a lower and an upper line over the same values: (x, low, high), ascending.
    pub fn band(&mut self, points: &[(f64, f64, f64)], class: &str) {
        let mut path = Path::default();
        for &(x, _, high) in points {
            path.line_to(self.x(x), self.y(high));
        }
        for &(x, low, _) in points.iter().rev() {
            path.line_to(self.x(x), self.y(low));
        }
        path.close();
        self.body.push_str(&path.element(class));
    }

    /// A vertical line between two heights.
    pub fn vertical(&mut self, x: f64, from: f64, to: f64, class: &str) {
        let mut path = Path::default();
        path.move_to(self.x(x), self.y(from));
        path.line_to(self.x(x), self.y(to));
        self.body.push_str(&path.element(class));
    }

    /// A horizontal line across the figure.
    pub fn horizontal(&mut self, y: f64, class: &str) {
        let mut path = Path::default();
        path.move_to(LEFT, self.y(y));
        path.line_to(WIDTH - RIGHT, self.y(y));
        self.body.push_str(&path.element(class));
    }

    /// A path in the figure's units, made with [`Plot::x`] and [`Plot::y`].
    pub fn path(&mut self, path: &Path, class: &str) {
        self.body.push_str(&path.element(class));
    }

    /// A word at a place, kept inside the frame: right of it in the left half, else left of it.
    pub fn label(&mut self, x: f64, y: f64, text: &str, class: &str) {
        let (x, y) = (self.x(x), self.y(y).clamp(TOP + 22.0, HEIGHT - BOTTOM - 8.0));
        let (x, anchor) = if x < 0.5 * WIDTH { (x + 10.0, "") } else { (x - 10.0, " text-anchor=\"end\"") };
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\"{anchor}>{}</text>",
            whole(x),
            whole(y),
            escape(text)
        );
    }

    /// A word above a horizontal line, at the right end.
    pub fn line_label(&mut self, y: f64, text: &str, class: &str) {
        let (x, y) = (WIDTH - RIGHT - 6.0, (self.y(y) - 7.0).max(TOP + 16.0));
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            whole(x),
            whole(y),
            escape(text)
        );
    }

    /// A word below the figure, at a value of the horizontal axis.
    pub fn tick_below(&mut self, x: f64, text: &str) {
        let (x, y) = (whole(self.x(x)), whole(HEIGHT - BOTTOM + 28.0));
        let _ = write!(self.labels, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", escape(text));
    }

    /// The figure with its axes; `description` is what it shows, for those who do not see it.
    pub fn finish(self, description: &str) -> String {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let (mut grid, mut labels) = (Path::default(), self.labels.clone());
        for (value, text) in self.x.ticks() {
            let x = self.x(value);
            grid.move_to(x, TOP);
            grid.line_to(x, bottom);
            let anchor = if x > right - 30.0 { "end" } else { "middle" };
            let _ = write!(
                labels,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                whole(x),
                whole(bottom + 28.0),
                escape(&text)
            );
        }
        for (value, text) in self.y.ticks() {
            let y = self.y(value);
            grid.move_to(LEFT, y);
            grid.line_to(right, y);
            let _ = write!(
                labels,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
                whole(LEFT - 8.0),
                whole(y + 8.0),
                escape(&text)
            );
        }
        let mut frame = Path::default();
        frame.move_to(LEFT, TOP);
        frame.line_to(LEFT, bottom);
        frame.line_to(right, bottom);
        let name = format!(
            "<text class=\"an\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            whole(right),
            whole(HEIGHT - 14.0),
            escape(&self.x.name)
        );
        format!(
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">{}{}{}<g class=\"tk\">{labels}{name}</g></svg>",
            whole(WIDTH),
            whole(HEIGHT),
            escape(description),
            grid.element("gr"),
            self.body,
            frame.element("ax"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short_and_whole() {
        let mut path = Path::default();
        path.line_to(1.4, 2.6);
        path.line_to(5.0, 1.0);
        path.line_to(5.2, 1.0);
        path.line_to(9.0, 1.0);
        path.line_to(9.0, 4.0);
        path.close();
        path.rectangle(0.0, 0.0, 4.0, 3.0);
        path.dot(7.0, f64::NAN);
        assert_eq!(path.element("a"), "<path class=\"a\" d=\"M1 3l4-2h4v3zM0 0h4v3h-4zM7 0h0\"/>");
        assert_eq!(Path::default().element("a"), "");
    }

    #[test]
    fn what_lies_outside_the_axes_is_drawn_at_their_ends() {
        let plot = Plot::new(Axis::linear("x", 0.0, 1.0), Axis::linear("y", 0.0, 1.0));
        assert!((plot.x(-5.0) - LEFT).abs() < 1e-9 && (plot.x(9.0) - (WIDTH - RIGHT)).abs() < 1e-9);
        assert!((plot.y(2.0) - TOP).abs() < 1e-9 && plot.y(f64::NAN).is_finite());
        let mut plot = plot;
        plot.label(0.9, 0.5, "a<b", "lb");
        let text = plot.finish("says \"x\"");
        assert!(text.contains("a&lt;b") && text.contains("says &quot;x&quot;") && text.ends_with("</svg>"), "{text}");
    }
}
