//! Names of runs.

use std::fmt;

use jiff::Timestamp;

/// Crockford's digits: no letter is taken for another, and their order is that of ASCII.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of the time, milliseconds since the epoch: until the year 3084.
const TIME_DIGITS: usize = 9;
/// Digits by chance: of the runs of one millisecond two in a million million share them.
const CHANCE_DIGITS: usize = 4;
const LENGTH: usize = TIME_DIGITS + CHANCE_DIGITS;

/// The id of a run: when it started, then chance. Ids sort by time and say nothing of what a run was about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

/// A number by chance, as the system gives it.
///
/// # Errors
/// Where the system has none.
pub fn random_seed() -> std::io::Result<u64> {
    let mut chance = [0; 8];
    getrandom::fill(&mut chance).map_err(std::io::Error::other)?;
    Ok(u64::from_le_bytes(chance))
}

impl RunId {
    /// An id for a run that started then.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn new(started: Timestamp) -> std::io::Result<Self> {
        Ok(Self::with_chance(started, random_seed()?))
    }

    fn with_chance(started: Timestamp, chance: u64) -> Self {
        // A clock before 1970 is wrong by more than the order of runs.
        let time = u64::try_from(started.as_millisecond()).unwrap_or(0);
        let mut text = String::with_capacity(LENGTH);
        for (number, digits) in [(time, TIME_DIGITS), (chance, CHANCE_DIGITS)] {
            let digit = |place: usize| DIGITS[(number >> (5 * place) & 31) as usize];
            text.extend((0..digits).rev().map(|place| char::from(digit(place))));
        }
        Self(text)
    }

    /// The id that is written like this; upper case is taken for lower.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == LENGTH && Self::may_begin_with(text)).then(|| Self(text.to_ascii_lowercase()))
    }

    /// Whether an id may begin like this.
    pub fn may_begin_with(text: &str) -> bool {
        !text.is_empty()
            && text.len() <= LENGTH
            && text.bytes().all(|digit| DIGITS.contains(&digit.to_ascii_lowercase()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_are_read_back() {
        let at =
            |ms: i64| RunId::with_chance(Timestamp::from_millisecond(ms).unwrap(), u64::MAX >> (ms.unsigned_abs() % 7));
        let ids: Vec<RunId> = [0, 1, 31, 32, 1_023, 1_700_000_000_000, 1_700_000_000_001].map(at).to_vec();
        assert!(ids.is_sorted(), "{ids:?}");
        for id in &ids {
            assert_eq!(RunId::parse(id.as_str()).as_ref(), Some(id));
            assert_eq!(RunId::parse(&id.as_str().to_uppercase()).as_ref(), Some(id));
        }
        assert_eq!(at(0).as_str(), "000000000zzzz");
        assert_eq!(at(-5).as_str()[..9], *"000000000");
    }

    #[test]
    fn what_is_no_id_is_told_apart() {
        for text in ["", "last", "verismo-report", "01jd/", "é", "00000000000000", "0000o"] {
            assert!(!RunId::may_begin_with(text), "{text}");
        }
        assert!(RunId::may_begin_with("1C"));
        assert_eq!(RunId::parse("1c"), None);
    }
}
