//! Damaged copies of an input, the same ones in every run.

/// What is put in by chance: values that mean something else, and marks that end or open something.
const TOKENS: [&[u8]; 28] = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"[[",
    b"{\"a\":",
    b"\"",
    b"\\u0000",
    b"\\",
    b",",
    b":",
    b"\n",
    b"-",
    b"-1",
    b"0",
    b"1e999",
    b"0.5",
    b"8.0",
    b"18446744073709551616",
    b"error",
    b"items",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xff",
    b"\0",
    b"\x1b[2J",
    b"= ",
    b"]",
];

/// Chance, the same in every run.
pub(crate) struct Chance(u64);

impl Chance {
    /// A run of its own for each number.
    pub(crate) fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below this one, or zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.any() % end).unwrap_or(0)
    }
}

/// The input with one to four places damaged.
pub(crate) fn mutated(input: &[u8], number: u64) -> Vec<u8> {
    let mut chance = Chance::new(number);
    let mut bytes = input.to_vec();
    for _ in 0..=chance.below(4) {
        let start = chance.below(bytes.len() + 1);
        let end = (start + chance.below(24)).min(bytes.len());
        match chance.below(8) {
            0 => bytes.truncate(start),
            1 => drop(bytes.drain(start..end)),
            2 => {
                let twice: Vec<u8> = bytes.iter().take(end).skip(start).copied().collect();
                drop(bytes.splice(end..end, twice));
            }
            3 => {
                let any = u8::try_from(chance.below(256)).unwrap_or(0);
                bytes
                    .iter_mut()
                    .skip(start)
                    .take(1)
                    .for_each(|byte| *byte = any);
            }
            4 | 5 => {
                let token = TOKENS.get(chance.below(TOKENS.len())).copied();
                drop(bytes.splice(start..end, token.unwrap_or_default().iter().copied()));
            }
            6 => {
                let token = TOKENS.get(chance.below(TOKENS.len())).copied();
                drop(bytes.splice(start..start, token.unwrap_or_default().iter().copied()));
            }
            _ => {
                // Another number where there is one.
                let from = bytes.iter().skip(start).position(u8::is_ascii_digit);
                let from = start + from.unwrap_or(0);
                let digits = bytes
                    .iter()
                    .skip(from)
                    .take_while(|byte| byte.is_ascii_digit());
                let to = (from + digits.count()).min(bytes.len());
                let other = (chance.any() >> chance.below(64)).to_string();
                if from < to {
                    drop(bytes.splice(from..to, other.into_bytes()));
                }
            }
        }
    }
    bytes
}
