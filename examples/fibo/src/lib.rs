//! An activity that computes and touches nothing: the smallest step a workflow can take.

use exports::testing::fibo::fibo::Guest;

wit_bindgen::generate!({
    world: "activity",
    path: "wit",
});

struct Component;

impl Guest for Component {
    fn fibo(n: u8) -> Result<u64, ()> {
        Ok(fibonacci(n))
    }
}

fn fibonacci(n: u8) -> u64 {
    match n {
        0 | 1 => u64::from(n),
        _ => fibonacci(n - 1) + fibonacci(n - 2),
    }
}

export!(Component);
