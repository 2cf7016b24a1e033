//! Columns of any sensible type as integers: times in ns, ids, prices in units of 10^-8.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int64Type, TimeUnit};
use verismo_market::event::{NO_ID, NO_TIME};

use super::columns;
use crate::decimal;
use crate::epoch::{self, EpochUnit};
use crate::error::FeedError;

/// A null in a column of decimals.
pub(crate) const NULL: i64 = i64::MIN;
/// A value without an exact form, in a column of decimals.
pub(crate) const BAD: i64 = i64::MIN + 1;

fn wrong_type(path: &Path, column: &str, found: &DataType, expected: &'static str) -> FeedError {
    FeedError::ColumnType {
        path: path.display().to_string(),
        column: column.to_owned(),
        found: found.to_string(),
        expected,
    }
}

/// Times in ns ([`NO_TIME`] for null or what does not fit), and the unit of each value that differs from the first as (row, unit).
pub(crate) struct Times {
    pub(crate) ns: Vec<i64>,
    pub(crate) unit: EpochUnit,
    pub(crate) odd: Vec<(usize, EpochUnit)>,
    /// Whether [`NO_TIME`] is among them.
    pub(crate) has_nulls: bool,
}

impl Times {
    /// From stamps with [`NO_TIME`] for null, of which there are `nulls`; `None` if a stamp looks like null and is none.
    pub(crate) fn of(
        stamps: Vec<i64>,
        nulls: usize,
        declared: Option<EpochUnit>,
        first_unit: Option<EpochUnit>,
    ) -> Option<Self> {
        // Below it stand null, stamps of other units and times before 1973.
        const NS_MIN: i64 = 100_000_000_000_000_000;
        let is_ns = declared.or(first_unit).or(stamps.first().map(|s| EpochUnit::of(*s))) == Some(EpochUnit::Nano);
        if is_ns && stamps.iter().fold(true, |all, s| all & (*s >= NS_MIN)) {
            return Some(Self { ns: stamps, unit: EpochUnit::Nano, odd: Vec::new(), has_nulls: false });
        }
        if stamps.iter().filter(|s| **s == NO_TIME).count() != nulls {
            return None;
        }
        let (mut ns, mut odd) = (stamps, Vec::new());
        let first = ns.iter().find(|s| **s != NO_TIME).map(|s| EpochUnit::of(*s));
        let unit = declared.or(first_unit).or(first).unwrap_or(EpochUnit::Nano);
        for (row, stamp) in ns.iter_mut().enumerate().filter(|(_, stamp)| **stamp != NO_TIME) {
            let (value, its_unit) = match declared {
                Some(unit) => (stamp.checked_mul(unit.ns()).unwrap_or(NO_TIME), unit),
                None => epoch::to_ns(*stamp),
            };
            if its_unit != unit {
                odd.push((row, its_unit));
            }
            *stamp = value;
        }
        let has_nulls = ns.contains(&NO_TIME);
        Some(Self { ns, unit, odd, has_nulls })
    }
}

/// A column of times. Integers are read by magnitude, timestamps by their declared unit.
pub(crate) fn times(
    path: &Path,
    batch: &RecordBatch,
    name: &str,
    first_unit: Option<EpochUnit>,
) -> Result<Times, FeedError> {
    let array = column(path, batch, name)?;
    let declared = match array.data_type() {
        DataType::Timestamp(unit, _) => Some(match unit {
            TimeUnit::Second => EpochUnit::Second,
            TimeUnit::Millisecond => EpochUnit::Milli,
            TimeUnit::Microsecond => EpochUnit::Micro,
            TimeUnit::Nanosecond => EpochUnit::Nano,
        }),
        DataType::Int64 | DataType::UInt64 | DataType::Int32 | DataType::UInt32 => None,
        other => return Err(wrong_type(path, name, other, "int64 or timestamp")),
    };
    let array = as_int64(path, array, name)?;
    let stamps = array.as_primitive::<Int64Type>();
    if let Some(unit) = declared {
        let ns: Vec<i64> = stamps.iter().map(|s| s.and_then(|s| s.checked_mul(unit.ns())).unwrap_or(NO_TIME)).collect();
        let has_nulls = ns.contains(&NO_TIME);
        return Ok(Times { ns, unit, odd: Vec::new(), has_nulls });
    }
    let first = stamps.iter().flatten().next().map(EpochUnit::of);
    let unit = first_unit.or(first).unwrap_or(EpochUnit::Nano);
    let mut ns = Vec::with_capacity(stamps.len());
    let mut odd = Vec::new();
    for (row, stamp) in stamps.iter().enumerate() {
        let Some(stamp) = stamp else {
            ns.push(NO_TIME);
            continue;
        };
        let (value, its_unit) = epoch::to_ns(stamp);
        if its_unit != unit {
            odd.push((row, its_unit));
        }
        ns.push(value);
    }
    let has_nulls = ns.contains(&NO_TIME);
    Ok(Times { ns, unit, odd, has_nulls })
}

/// The first row's time and its unit.
pub(crate) fn first_time(path: &Path, batch: &RecordBatch) -> Result<(i64, EpochUnit), FeedError> {
    let times = times(path, batch, columns::TIME, None)?;
    Ok((times.ns.first().copied().unwrap_or(NO_TIME), times.unit))
}

/// Ids ([`NO_ID`] for null), and the rows of those that no id can hold.
pub(crate) struct Ids {
    pub(crate) values: Vec<i64>,
    pub(crate) bad: Vec<usize>,
}

/// A column of ids, `None` if the column is absent.
///
/// Floats are accepted where they are whole numbers: dataframe libraries turn nullable integers into them, and nulls into NaN.
pub(crate) fn integers(path: &Path, batch: &RecordBatch, name: &str) -> Result<Option<Ids>, FeedError> {
    let Some(array) = batch.column_by_name(name) else {
        return Ok(None);
    };
    let mut bad = Vec::new();
    let values = match array.data_type() {
        DataType::Int64 if array.null_count() == 0 => array.as_primitive::<Int64Type>().values().to_vec(),
        DataType::Float64 => {
            let is_whole = |v: f64| v.abs() < 9.0e15 && (v - v.trunc()).abs() < f64::EPSILON;
            let ids = array.as_primitive::<Float64Type>().iter().enumerate().map(|(row, value)| match value {
                Some(v) if is_whole(v) => v as i64,
                Some(v) if !v.is_nan() => {
                    bad.push(row);
                    NO_ID
                }
                _ => NO_ID,
            });
            ids.collect()
        }
        other if other.is_integer() => {
            let ids = as_int64(path, array, name)?;
            bad.extend((0..array.len()).filter(|&row| ids.is_null(row) && array.is_valid(row)));
            ids.as_primitive::<Int64Type>().iter().map(|id| id.unwrap_or(NO_ID)).collect()
        }
        DataType::Null => vec![NO_ID; array.len()],
        other => return Err(wrong_type(path, name, other, "an integer")),
    };
    Ok(Some(Ids { values, bad }))
}

/// A column of prices or quantities in units of 10^-8, with [`NULL`] and [`BAD`]; `None` if the column is absent.
pub(crate) fn decimals(path: &Path, batch: &RecordBatch, name: &str) -> Result<Option<Vec<i64>>, FeedError> {
    let Some(array) = batch.column_by_name(name) else {
        return Ok(None);
    };
    let mut out: Vec<i64> = match array.data_type() {
        DataType::Decimal128(_, scale) => {
            let scale = *scale;
            let values = array.as_primitive::<Decimal128Type>().values();
            values.iter().map(|v| decimal::from_scaled(*v, scale).unwrap_or(BAD)).collect()
        }
        DataType::Decimal256(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal32(_, scale) => {
            let scale = *scale;
            let array = cast(array, &DataType::Decimal128(38, scale)).map_err(|e| FeedError::corrupt(path, name, e))?;
            array
                .as_primitive::<Decimal128Type>()
                .iter()
                .map(|v| v.and_then(|v| decimal::from_scaled(v, scale).ok()).unwrap_or(BAD))
                .collect()
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>().values();
            values.iter().map(|v| decimal::from_f64(*v).unwrap_or(BAD)).collect()
        }
        // The shortest decimal of a 32-bit float is what was meant by it.
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>().values();
            values.iter().map(|v| decimal::parse(v.to_string().as_bytes()).unwrap_or(BAD)).collect()
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            let texts = strings(path, array, name)?;
            texts.iter().map(|t| t.map_or(NULL, |t| decimal::parse(t.as_bytes()).unwrap_or(BAD))).collect()
        }
        other if other.is_integer() => {
            let whole = as_int64(path, array, name)?;
            let values = whole.as_primitive::<Int64Type>().iter();
            values.map(|v| v.and_then(|v| decimal::from_scaled(i128::from(v), 0).ok()).unwrap_or(BAD)).collect()
        }
        DataType::Null => vec![NULL; array.len()],
        other => return Err(wrong_type(path, name, other, "a decimal, a float, an integer or text")),
    };
    if let Some(nulls) = array.nulls() {
        out.iter_mut().zip(nulls.iter()).filter(|(_, valid)| !valid).for_each(|(value, _)| *value = NULL);
    }
    Ok(Some(out))
}

/// A column of truths, with `None` for null; `None` if the column is absent.
pub(crate) fn truths(path: &Path, batch: &RecordBatch, name: &str) -> Result<Option<Vec<Option<bool>>>, FeedError> {
    let Some(array) = batch.column_by_name(name) else {
        return Ok(None);
    };
    match array.data_type() {
        DataType::Boolean => Ok(Some(array.as_boolean().iter().collect())),
        other => Err(wrong_type(path, name, other, "true or false")),
    }
}

/// A column of text; `None` if the column is absent.
pub(crate) fn texts(path: &Path, batch: &RecordBatch, name: &str) -> Result<Option<StringArray>, FeedError> {
    batch.column_by_name(name).map(|array| strings(path, array, name)).transpose()
}

fn strings(path: &Path, array: &ArrayRef, name: &str) -> Result<StringArray, FeedError> {
    let is_text =
        |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null);
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().clone()),
        DataType::Dictionary(_, value) if !is_text(value) => Err(wrong_type(path, name, array.data_type(), "text")),
        other if is_text(other) || matches!(other, DataType::Dictionary(..)) => {
            let array = cast(array, &DataType::Utf8).map_err(|e| FeedError::corrupt(path, name, e))?;
            Ok(array.as_string::<i32>().clone())
        }
        other => Err(wrong_type(path, name, other, "text")),
    }
}

fn column<'a>(path: &Path, batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, FeedError> {
    batch.column_by_name(name).ok_or_else(|| FeedError::MissingColumn {
        path: path.display().to_string(),
        column: name.to_owned(),
        present: batch.schema_ref().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// Integers beyond i64 become null.
fn as_int64(path: &Path, array: &ArrayRef, name: &str) -> Result<ArrayRef, FeedError> {
    if array.data_type() == &DataType::Int64 {
        return Ok(array.clone());
    }
    cast(array, &DataType::Int64).map_err(|e| FeedError::corrupt(path, name, e))
}

/// A value as a person should see it.
pub(crate) fn shown(batch: &RecordBatch, name: &str, row: usize) -> String {
    let Some(array) = batch.column_by_name(name) else {
        return "absent".to_owned();
    };
    if array.is_null(row) {
        return "null".to_owned();
    }
    let options = arrow::util::display::FormatOptions::new();
    arrow::util::display::ArrayFormatter::try_new(array, &options).map_or_else(
        |_| "unreadable".to_owned(),
        |f| f.value(row).try_to_string().unwrap_or_else(|_| "unreadable".to_owned()),
    )
}
