//! The layout of report.json: a key a line, and lists of numbers on one line.

use std::io;

use serde_json::ser::{Formatter, PrettyFormatter};

/// Indents like [`PrettyFormatter`], but breaks no line before a number or a null of a list.
///
/// The columns of the figures would else take a line a number, which makes a report five times as large and unreadable.
#[derive(Default)]
pub(crate) struct Lines {
    pretty: PrettyFormatter<'static>,
    /// The value to come is the first of its list, or a later one: its separator is written when its kind is known.
    pending: Option<bool>,
    /// For each open list, whether it holds numbers only so far.
    plain: Vec<bool>,
    depth: usize,
}

impl Lines {
    fn line<W: ?Sized + io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }

    /// Separator before a number of a list.
    fn before_number<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        match self.pending.take() {
            Some(true) | None => Ok(()),
            Some(false) => writer.write_all(b", "),
        }
    }

    /// Separator before anything else of a list.
    fn before_other<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let Some(is_first) = self.pending.take() else { return Ok(()) };
        if let Some(plain) = self.plain.last_mut() {
            *plain = false;
        }
        if !is_first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }
}

macro_rules! numbers {
    ($($name:ident: $type:ty),*) => {$(
        fn $name<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: $type) -> io::Result<()> {
            self.before_number(writer)?;
            self.pretty.$name(writer, value)
        }
    )*};
}

impl Formatter for Lines {
    numbers! {
        write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64, write_i128: i128,
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128,
        write_f32: f32, write_f64: f64
    }

    fn write_null<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.before_number(writer)?;
        self.pretty.write_null(writer)
    }

    fn write_bool<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: bool) -> io::Result<()> {
        self.before_other(writer)?;
        self.pretty.write_bool(writer, value)
    }

    fn begin_string<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.before_other(writer)?;
        self.pretty.begin_string(writer)
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.before_other(writer)?;
        self.depth += 1;
        self.plain.push(true);
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if !self.plain.pop().unwrap_or(true) {
            self.line(writer)?;
        }
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, _writer: &mut W, first: bool) -> io::Result<()> {
        self.pending = Some(first);
        Ok(())
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        Ok(())
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.before_other(writer)?;
        self.depth += 1;
        self.plain.push(true);
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth = self.depth.saturating_sub(1);
        if !self.plain.pop().unwrap_or(true) {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pending = Some(first);
        self.before_other(writer)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize as _;

    #[test]
    fn lists_of_numbers_take_one_line_and_the_rest_a_line_each() {
        let value = serde_json::json!({
            "a": [1, -2.5, null], "b": {}, "c": [], "d": [[1, 2], [3]], "e": [{"x": 1}, "s", true], "f": {"g": [0.1]},
        });
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, super::Lines::default());
        value.serialize(&mut serializer).unwrap();
        let text = String::from_utf8(out).unwrap();
        let want = "{\n  \"a\": [1, -2.5, null],\n  \"b\": {},\n  \"c\": [],\n  \"d\": [\n    [1, 2],\n    [3]\n  ],\n  \
                    \"e\": [\n    {\n      \"x\": 1\n    },\n    \"s\",\n    true\n  ],\n  \"f\": {\n    \"g\": [0.1]\n  }\n}";
        assert_eq!(text, want);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
