//! Rows of a Parquet file of any shape, as JSON: for small files that tell something about others, such as checkpoints of a table's log.

use std::fs::File;
use std::path::Path;

use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use ::parquet::record::{Field, Row};
use ::parquet::schema::types::Type;
use serde_json::{Map, Value};

use super::footer::guarded;
use crate::error::FeedError;

/// Structures in each other: no schema of a log has as many, and what walks them may recurse.
const DEPTH_MAX: usize = 32;

/// Hands on every row, the columns asked for (those that exist) as an object; times and decimals are null, which no log needs.
///
/// # Errors
/// [`FeedError::Io`], [`FeedError::Corrupt`], also with what `each` returned.
pub fn parquet_rows(
    path: &Path,
    columns: &[&str],
    each: &mut dyn FnMut(Value) -> Result<(), String>,
) -> Result<(), FeedError> {
    let corrupt = |detail: &dyn std::fmt::Display| FeedError::corrupt(path, "the rows", detail.to_string());
    guarded(path, "the rows", || {
        let file = File::open(path).map_err(|e| FeedError::io(path, "open", &e))?;
        let reader = SerializedFileReader::new(file).map_err(|e| FeedError::corrupt(path, "the footer", e))?;
        let schema = reader.metadata().file_metadata().schema();
        let fields = schema.get_fields().iter().filter(|field| columns.contains(&field.name())).cloned().collect();
        let wanted = Type::group_type_builder(schema.name()).with_fields(fields).build().map_err(|e| corrupt(&e))?;
        for row in reader.get_row_iter(Some(wanted)).map_err(|e| corrupt(&e))? {
            each(object(&row.map_err(|e| corrupt(&e))?, DEPTH_MAX)).map_err(|why| corrupt(&why))?;
        }
        Ok(())
    })
}

fn object(row: &Row, depth: usize) -> Value {
    Value::Object(row.get_column_iter().map(|(name, field)| (name.clone(), value(field, depth))).collect())
}

fn value(field: &Field, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::Null };
    match field {
        Field::Bool(x) => Value::from(*x),
        Field::Byte(x) => Value::from(*x),
        Field::Short(x) => Value::from(*x),
        Field::Int(x) => Value::from(*x),
        Field::Long(x) => Value::from(*x),
        Field::UByte(x) => Value::from(*x),
        Field::UShort(x) => Value::from(*x),
        Field::UInt(x) => Value::from(*x),
        Field::ULong(x) => Value::from(*x),
        Field::Str(x) => Value::from(x.as_str()),
        Field::Group(row) => object(row, depth),
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(|x| value(x, depth)).collect()),
        Field::MapInternal(map) => {
            let entry = |(key, x): &(Field, Field)| match key {
                Field::Str(key) => Some((key.clone(), value(x, depth))),
                _ => None,
            };
            Value::Object(map.entries().iter().filter_map(entry).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}
