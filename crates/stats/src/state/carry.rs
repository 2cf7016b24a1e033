//! What a computation over a sequence hands on from one piece of it to the next.

use std::collections::VecDeque;

use super::{DecodeError, Reader, State, put_f64, put_i64, put_i128, put_u64};

/// The part of a computation that must survive a cut of its sequence.
///
/// # Laws
/// A computation that is saved, built anew with the same parameters and loaded goes on exactly as one that was never stopped. Equal
/// bytes go on equally, so that what was computed behind a cut can be used again wherever the bytes before it are the same.
pub trait Carry {
    /// Appends what goes on.
    fn save(&self, out: &mut Vec<u8>);

    /// Takes up what was saved; parameters stay as they are.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that were not saved by this kind; `self` must then be dropped.
    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError>;
}

/// Saves a state as one field.
pub fn save_state<S: State>(state: &S, out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    state.encode(&mut bytes);
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(&bytes);
}

/// Loads a state that was saved as one field.
///
/// # Errors
/// [`DecodeError`].
pub fn load_state<S: State>(input: &mut Reader<'_>) -> Result<S, DecodeError> {
    let n = input.length(S::FORMAT, 1)?;
    S::decode(input.bytes(S::FORMAT, n)?)
}

/// Implements [`Carry`] for a struct by the fields named, in their order.
#[macro_export]
macro_rules! carry {
    ($type:ty: $($field:tt),* $(,)?) => {
        impl $crate::state::Carry for $type {
            fn save(&self, out: &mut Vec<u8>) {
                $($crate::state::Carry::save(&self.$field, out);)*
                let _ = out;
            }

            fn load(
                &mut self,
                input: &mut $crate::state::Reader<'_>,
            ) -> Result<(), $crate::state::DecodeError> {
                $($crate::state::Carry::load(&mut self.$field, input)?;)*
                let _ = input;
                Ok(())
            }
        }
    };
}

impl Carry for i64 {
    fn save(&self, out: &mut Vec<u8>) {
        put_i64(out, *self);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        *self = input.i64("an integer")?;
        Ok(())
    }
}

impl Carry for u64 {
    fn save(&self, out: &mut Vec<u8>) {
        put_u64(out, *self);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        *self = input.u64("a count")?;
        Ok(())
    }
}

impl Carry for u32 {
    fn save(&self, out: &mut Vec<u8>) {
        put_u64(out, u64::from(*self));
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let value = input.u64("a small count")?;
        *self = value.try_into().map_err(|_| input.invalid("a small count"))?;
        Ok(())
    }
}

impl Carry for usize {
    fn save(&self, out: &mut Vec<u8>) {
        put_u64(out, *self as u64);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let value = input.u64("a size")?;
        *self = value.try_into().map_err(|_| input.invalid("a size"))?;
        Ok(())
    }
}

impl Carry for i128 {
    fn save(&self, out: &mut Vec<u8>) {
        put_i128(out, *self);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        *self = input.i128("a sum")?;
        Ok(())
    }
}

impl Carry for f64 {
    fn save(&self, out: &mut Vec<u8>) {
        put_f64(out, *self);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        *self = input.f64("a number")?;
        Ok(())
    }
}

impl Carry for bool {
    fn save(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        *self = match input.u8("a flag")? {
            0 => false,
            1 => true,
            _ => return Err(input.invalid("a flag")),
        };
        Ok(())
    }
}

impl Carry for String {
    fn save(&self, out: &mut Vec<u8>) {
        put_u64(out, self.len() as u64);
        out.extend_from_slice(self.as_bytes());
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let n = input.length("a text", 1)?;
        let bytes = input.bytes("a text", n)?;
        *self = Self::from_utf8(bytes.to_vec()).map_err(|_| input.invalid("a text"))?;
        Ok(())
    }
}

impl<T: Carry + Default> Carry for Option<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.is_some().save(out);
        if let Some(value) = self {
            value.save(out);
        }
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut is_some = false;
        is_some.load(input)?;
        *self = if is_some { Some(one(input)?) } else { None };
        Ok(())
    }
}

impl<T: Carry + Default> Carry for Vec<T> {
    fn save(&self, out: &mut Vec<u8>) {
        put_u64(out, self.len() as u64);
        self.iter().for_each(|value| value.save(out));
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let n = input.length("a list", 1)?;
        *self = (0..n).map(|_| one(input)).collect::<Result<_, _>>()?;
        Ok(())
    }
}

impl<T: Carry + Default> Carry for VecDeque<T> {
    fn save(&self, out: &mut Vec<u8>) {
        put_u64(out, self.len() as u64);
        self.iter().for_each(|value| value.save(out));
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let n = input.length("a queue", 1)?;
        *self = (0..n).map(|_| one(input)).collect::<Result<_, _>>()?;
        Ok(())
    }
}

fn one<T: Carry + Default>(input: &mut Reader<'_>) -> Result<T, DecodeError> {
    let mut value = T::default();
    value.load(input)?;
    Ok(value)
}

impl<T: Carry, const N: usize> Carry for [T; N] {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.save(out));
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.iter_mut().try_for_each(|value| value.load(input))
    }
}

macro_rules! tuple {
    ($($name:ident $at:tt),*) => {
        impl<$($name: Carry),*> Carry for ($($name,)*) {
            fn save(&self, out: &mut Vec<u8>) {
                $(self.$at.save(out);)*
            }

            fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
                $(self.$at.load(input)?;)*
                Ok(())
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Default, PartialEq)]
    struct Machine {
        parameter: i64,
        last: Option<(i64, u64)>,
        queue: VecDeque<i64>,
        sums: [f64; 2],
        notional: i128,
        label: String,
        flags: Vec<bool>,
        n: u32,
        size: usize,
    }

    crate::carry!(Machine: last, queue, sums, notional, label, flags, n, size);

    proptest! {
        #[test]
        fn what_is_saved_goes_on(
            (last, queue) in (any::<Option<(i64, u64)>>(), any::<VecDeque<i64>>()),
            (notional, label, flags) in (any::<i128>(), any::<String>(), any::<Vec<bool>>()),
            (sums, n, size) in ([-1e300_f64..1e300, -1.0..1.0], any::<u32>(), any::<u32>()),
        ) {
            let saved = Machine { parameter: 7, last, queue, sums, notional, label, flags, n, size: size as usize };
            let mut bytes = Vec::new();
            saved.save(&mut bytes);
            let mut loaded = Machine { parameter: 7, ..Machine::default() };
            let mut input = Reader::new("carry", &bytes);
            loaded.load(&mut input).unwrap();
            prop_assert_eq!(input.finish(), Ok(()));
            prop_assert_eq!(&loaded, &saved);
            for cut in 0..bytes.len() {
                let mut input = Reader::new("carry", &bytes[..cut]);
                prop_assert!(Machine::default().load(&mut input).is_err(), "cut at {}", cut);
            }
        }
    }
}
