//! A workflow that calls the fibo activity once, in series, or concurrently.

use exports::testing::fibo_workflow::workflow::Guest;
use obelisk::workflow::workflow_support::join_set_create;
use testing::fibo::fibo::fibo;
use testing::fibo_obelisk_ext::fibo::{fibo_await_next, fibo_submit};

wit_bindgen::generate!({
    world: "testing:fibo-workflow/fibo-workflow",
    path: [
        "../wit/deps/obelisk-types",
        "../wit/deps/obelisk-workflow",
        "../fibo/wit",
        "../wit/deps/testing-fibo-obelisk-ext",
        "wit",
    ],
    generate_all,
});

struct Component;

impl Guest for Component {
    fn fibow(n: u8) -> Result<u64, ()> {
        fibo(n)
    }

    fn fiboa(n: u8, iterations: u32) -> Result<u64, ()> {
        let mut last = 0;
        for _ in 0..iterations {
            last = fibo(n)?;
        }
        Ok(last)
    }

    fn fiboa_concurrent(n: u8, iterations: u32) -> Result<u64, ()> {
        let join_set = join_set_create();
        for _ in 0..iterations {
            fibo_submit(&join_set, n);
        }
        let mut last = 0;
        for _ in 0..iterations {
            // The join set holds nothing but fibo children, one for each await.
            last = fibo_await_next(&join_set).map_err(|_| ())??;
        }
        Ok(last)
    }
}

export!(Component);
