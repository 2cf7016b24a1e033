//! Mutations of seeds, the n-th always the same.

/// Words that decoders look for, and numbers at the ends of ranges.
const WORDS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b",",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b"true",
    b"NaN",
    b"inf",
    b"-",
    b"-0",
    b"1e999",
    b"0.000000001",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"170141183460469231731687303715884105728",
    b"\"E\":",
    b"\"T\":",
    b"\"u\":",
    b"\"U\":",
    b"\"p\":\"",
    b"\"q\":\"",
    b"\"b\":[[",
    b"\"a\":[]",
    b"\"stream\":",
    b"\"data\":{",
    b"\"lastUpdateId\":",
    b"\"capture_ns\":",
    b"depthUpdate",
    b"@depth@100ms",
    b"\"sequence\":",
    b"\"product_id\":",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\0",
    b"\x80",
    b"PAR1",
    b"DBN\x01",
    b"DBN\x02",
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"2024-02-30",
    b"24:00:00",
    b"1970-01-01T00:00:00Z",
    b"schema: ",
    b"- ",
    b"&a [*a, *a]",
    b"<<: *a",
    b"? ",
    b"!!binary ",
    b"|\n",
    b"%YAML",
];

/// Bytes of integers where sign, width and range end.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    (1 << 53) + 1,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// Longest input: what a mutation adds beyond is cut off.
const BYTES_MAX: usize = 64 * 1024;

/// Makes inputs from seeds.
pub(crate) struct Mutator<'a> {
    seeds: &'a [Vec<u8>],
    dice: u64,
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(seeds: &'a [Vec<u8>]) -> Self {
        Self { seeds, dice: 0 }
    }

    /// The n-th input: a seed with one to eight changes.
    pub(crate) fn case(&mut self, n: u64) -> Vec<u8> {
        self.dice = n.wrapping_mul(0xd134_2543_de82_ef95);
        let mut bytes = self.seed().to_vec();
        let changes = 1 << self.below(4);
        for _ in 0..changes {
            self.change(&mut bytes);
            bytes.truncate(BYTES_MAX);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len() + 1);
        match self.below(12) {
            0 | 1 => self.at(bytes, at, |byte, dice| *byte ^= 1 << (dice % 8)),
            2 => self.at(bytes, at, |byte, dice| *byte = dice as u8),
            3 => bytes.truncate(at),
            4 => {
                let end = at + self.below((bytes.len() - at).min(64) + 1);
                bytes.drain(at..end);
            }
            5 => {
                let end = at + self.below((bytes.len() - at).min(256) + 1);
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                let other = self.seed();
                let from = self.below(other.len() + 1);
                let to = from + self.below((other.len() - from).min(512) + 1);
                let end = at + self.below((bytes.len() - at).min(to - from) + 1);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            7 | 8 => self.number(bytes, at),
            // The length of a Parquet footer, and what stands before it.
            9 => {
                let back = self.below(bytes.len().min(64) + 1);
                let at = bytes.len() - back;
                self.number(bytes, at);
            }
            10 => self.digits(bytes, at),
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                let end = at + self.below((bytes.len() - at).min(word.len()) + 1);
                bytes.splice(at..end, word.iter().copied());
            }
        }
    }

    fn at(&mut self, bytes: &mut [u8], at: usize, change: impl FnOnce(&mut u8, u64)) {
        let dice = self.next();
        if let Some(byte) = bytes.get_mut(at) {
            change(byte, dice);
        }
    }

    /// Overwrites one to eight bytes with an integer from the ends of a range, in either order of bytes.
    fn number(&mut self, bytes: &mut [u8], at: usize) {
        let width = 1 << self.below(4);
        let number = NUMBERS[self.below(NUMBERS.len())];
        let mut word = number.to_le_bytes();
        if self.below(4) == 0 {
            word[..width].reverse();
        }
        bytes.iter_mut().skip(at).zip(&word[..width]).for_each(|(byte, new)| *byte = *new);
    }

    /// Makes a run of digits longer or another.
    fn digits(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let Some(start) = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|n| at + n) else { return };
        let end = start + bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        let number = NUMBERS[self.below(NUMBERS.len())].to_string();
        bytes.splice(start..end, number.into_bytes());
    }

    fn seed(&mut self) -> &'a [u8] {
        let i = self.below(self.seeds.len());
        &self.seeds[i]
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
