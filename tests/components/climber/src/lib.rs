//! A workflow that is built with its source lines, of two files.

mod steps;

use exports::test::climber::workflow::Guest;
use obelisk::types::time::ScheduleAt;
use obelisk::workflow::workflow_support::sleep;

wit_bindgen::generate!({
    world: "test:climber/climber",
    path: [
        "../../../examples/wit/deps/obelisk-types",
        "../../../examples/wit/deps/obelisk-log",
        "../../../examples/wit/deps/obelisk-workflow",
        "../probe/wit",
        "wit",
    ],
    generate_all,
});

struct Component;

impl Guest for Component {
    fn climb(numbers: Vec<u32>) -> Result<u32, ()> {
        rest();
        steps::sum_up(&numbers)
    }
}

#[inline(never)]
fn rest() {
    let _ = sleep(ScheduleAt::Now, None);
}

export!(Component);
