//! An activity that returns what it is given, fails as it is told, or takes more than its share.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

use exports::test::probe::activity::{
    Bits, Failure, Guest, Months, Permissions, Person, Shape, TrafficLight,
};
use obelisk::log::log;

wit_bindgen::generate!({
    world: "test:probe/probe",
    path: ["../../../examples/wit/deps/obelisk-log", "wit"],
    generate_all,
});

const MIB: usize = 1 << 20;

static CALLS: AtomicU32 = AtomicU32::new(0);

struct Component;

macro_rules! echo {
    ($($name:ident: $type:ty,)*) => {
        $(fn $name(value: $type) -> Result<$type, ()> {
            Ok(value)
        })*
    };
}

impl Guest for Component {
    echo! {
        echo_bool: bool,
        echo_u8: u8,
        echo_u16: u16,
        echo_u32: u32,
        echo_u64: u64,
        echo_s8: i8,
        echo_s16: i16,
        echo_s32: i32,
        echo_s64: i64,
        echo_f32: f32,
        echo_f64: f64,
        echo_char: char,
        echo_string: String,
        echo_bytes: Vec<u8>,
        echo_strings: Vec<String>,
        echo_matrix: Vec<Vec<f64>>,
        echo_option: Option<u32>,
        echo_nested_option: Option<Option<u32>>,
        echo_tuple: (u8, String, bool),
        echo_record: Person,
        echo_records: Vec<Person>,
        echo_variant: Shape,
        echo_enum: TrafficLight,
        echo_flags: Permissions,
        echo_two_byte_flags: Months,
        echo_four_byte_flags: Bits,
        echo_result: Result<u32, String>,
        echo_unit_result: Result<(), ()>,
    }

    fn echo_nine_strings(
        a: String,
        b: String,
        c: String,
        d: String,
        e: String,
        f: String,
        g: String,
        h: String,
        i: String,
    ) -> Result<Vec<String>, ()> {
        Ok(vec![a, b, c, d, e, f, g, h, i])
    }

    fn add(a: u32, b: u32) -> Result<u32, ()> {
        a.checked_add(b).ok_or(())
    }

    fn nothing() -> Result<(), ()> {
        Ok(())
    }

    fn fail_unit() -> Result<(), ()> {
        Err(())
    }

    fn fail_string(msg: String) -> Result<(), String> {
        Err(msg)
    }

    fn fail_variant(permanent: bool) -> Result<(), Failure> {
        Err(if permanent {
            Failure::PermanentRefusal("never".to_owned())
        } else {
            Failure::Temporary("not yet".to_owned())
        })
    }

    fn panic() -> Result<(), ()> {
        panic!("asked to")
    }

    fn spin() -> Result<(), ()> {
        let mut turns = 0_u64;
        loop {
            turns = black_box(turns.wrapping_add(1));
        }
    }

    fn eat_memory(mib: u32) -> Result<u32, ()> {
        let size = (mib as usize).checked_mul(MIB).ok_or(())?;
        let mut memory = Vec::new();
        memory.try_reserve_exact(size).map_err(|_| ())?;
        // Written, so that the host has to back every page of it.
        memory.resize(size, 1_u8);
        black_box(&memory);
        Ok(mib)
    }

    fn recurse() -> Result<(), ()> {
        black_box(descend(black_box(1)));
        Ok(())
    }

    fn work(iterations: u64) -> Result<u64, ()> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..iterations {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
        }
        Ok(state)
    }

    fn count_calls() -> Result<u32, ()> {
        Ok(CALLS.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn log_lines(msg: String) -> Result<(), ()> {
        for write in [log::trace, log::debug, log::info, log::warn, log::error] {
            write(&msg);
        }
        Ok(())
    }
}

/// Needs a frame for each call: neither a tail call nor a sum that a loop could build.
#[inline(never)]
fn descend(depth: u64) -> u64 {
    match depth {
        0 => 0,
        _ => descend(depth + 1).rotate_left(7) ^ depth,
    }
}

export!(Component);
