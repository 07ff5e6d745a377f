//! A workflow around a stub activity: it answers its own question, or waits for another's answer.

use exports::test::stub_flow::workflow::Guest;
use obelisk::types::execution::{AwaitNextExtensionError, StubError};
use obelisk::workflow::workflow_support::join_set_create;
use test::stubs::human::approve;
use test::stubs_obelisk_ext::human::{approve_await_next, approve_submit};
use test::stubs_obelisk_stub::human::approve_stub;

wit_bindgen::generate!({
    world: "test:stub-flow/stub-flow",
    path: [
        "../../../examples/wit/deps/obelisk-types",
        "../../../examples/wit/deps/obelisk-workflow",
        "../wit/deps/test-stubs",
        "../wit/deps/test-stubs-obelisk-ext",
        "../wit/deps/test-stubs-obelisk-stub",
        "wit",
    ],
    generate_all,
});

struct Component;

impl Guest for Component {
    fn ask(request: String) -> Result<bool, String> {
        let join_set = join_set_create();
        let question = approve_submit(&join_set, &request);
        approve_stub(&question, Ok(true)).map_err(|refusal| match refusal {
            StubError::ExecutionNotFound => "stub: execution-not-found".to_owned(),
            StubError::TypeCheckError(reason) => "stub: type-check-error: ".to_owned() + &reason,
            StubError::Conflict => "stub: conflict".to_owned(),
        })?;
        approve_await_next(&join_set).unwrap_or_else(|error| {
            Err(match error {
                AwaitNextExtensionError::AllProcessed => "await: all-processed".to_owned(),
                AwaitNextExtensionError::FunctionMismatch(_) => {
                    "await: function-mismatch".to_owned()
                }
            })
        })
    }

    fn ask_and_wait(request: String) -> Result<bool, String> {
        approve(&request)
    }
}

export!(Component);
