//! Strata in which every deciding test is judged again: by clock, by regime, by a user's own times of day.

use serde::{Deserialize, Serialize};

use crate::verdict::Severity;

/// What divides time into strata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrataBy {
    /// Hours of the UTC day.
    Hour,
    /// Days of the week, UTC.
    Weekday,
    /// Thirds of the golden's windows by realised variance of 1 s returns.
    Volatility,
    /// Thirds of the golden's windows by their number of events.
    Activity,
    /// The suite's own times of day.
    Sessions,
}

impl StrataBy {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Weekday, Self::Volatility, Self::Activity, Self::Sessions];

    /// The word in suites and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Weekday => "weekday",
            Self::Volatility => "volatility",
            Self::Activity => "activity",
            Self::Sessions => "sessions",
        }
    }

    /// The observable from whose states the regimes are told.
    pub fn observable(self) -> Option<&'static str> {
        match self {
            Self::Volatility => Some("mid_log_return_1s"),
            Self::Activity => Some("event_count_1s"),
            Self::Hour | Self::Weekday | Self::Sessions => None,
        }
    }
}

/// A time of day with a name, UTC; one that ends before it starts goes over midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its name.
    pub name: String,
    /// Start, minutes after midnight.
    pub from_min: u32,
    /// End, minutes after midnight, not included.
    pub to_min: u32,
}

impl Session {
    /// Whether a time of day, in minutes after midnight, lies in it.
    pub fn holds(&self, minute: u32) -> bool {
        match self.from_min < self.to_min {
            true => (self.from_min..self.to_min).contains(&minute),
            false => minute >= self.from_min || minute < self.to_min,
        }
    }
}

/// Minutes after midnight of `13:30`; 24:00 is the end of the day.
pub(super) fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str, most: u32| {
        let is_digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse::<u32>().ok().filter(|n| is_digits && *n <= most)
    };
    let minutes = 60 * two(hour, 24)? + two(minute, 59)?;
    (minutes <= 1_440).then_some(minutes)
}

/// The strata of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strata {
    /// Each divides time in its own way.
    pub by: Vec<StrataBy>,
    /// The suite's own times of day.
    pub sessions: Vec<Session>,
    /// Whether a FAIL in one stratum decides the run.
    pub severity: Severity,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day() {
        for (text, want) in
            [("00:00", Some(0)), ("13:30", Some(810)), ("24:00", Some(1_440)), ("24:01", None), ("1:30", None)]
        {
            assert_eq!(minute_of_day(text), want, "{text}");
        }
        assert!(["", "aa:00", "12:60", "12", "+1:00"].iter().all(|text| minute_of_day(text).is_none()));
        let night = Session { name: "night".to_owned(), from_min: 1_320, to_min: 120 };
        assert!(night.holds(1_400) && night.holds(0) && !night.holds(120) && !night.holds(700));
    }
}
