//! The steps of the climb.

use crate::test::probe::activity::add;

#[inline(never)]
pub fn sum_up(numbers: &[u32]) -> Result<u32, ()> {
    let mut total = 0;
    for number in numbers {
        total = add(total, *number)?;
    }
    Ok(total)
}
