//! A workflow that looks at all that WASI offers it.

use exports::test::stubbed::workflow::Guest;
use wasi::cli::{environment, exit, stdin, stdout, terminal_stdout};
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::filesystem::preopens;
use wasi::io::poll::poll;
use wasi::random::{insecure_seed, random};

wit_bindgen::generate!({
    world: "test:stubbed/stubbed",
    path: [
        "../wit/deps/wasi-io", "../wit/deps/wasi-clocks", "../wit/deps/wasi-random",
        "../wit/deps/wasi-filesystem", "../wit/deps/wasi-sockets", "../wit/deps/wasi-cli", "wit",
    ],
    generate_all,
});

struct Component;

impl Guest for Component {
    fn look_around() -> Result<Vec<String>, ()> {
        let (stdin, stdout) = (stdin::get_stdin(), stdout::get_stdout());
        let written = stdout.blocking_write_and_flush(b"nobody sees this\n");
        let ready = poll(&[&stdin.subscribe(), &stdout.subscribe()]);
        Ok(vec![
            format!("environment {:?}", environment::get_environment()),
            format!("arguments {:?}", environment::get_arguments()),
            format!("cwd {:?}", environment::initial_cwd()),
            format!("stdin {:?}", stdin.blocking_read(1)),
            format!("stdout {written:?}"),
            format!("ready {ready:?}"),
            format!("terminal {}", terminal_stdout::get_terminal_stdout().is_some()),
            format!("monotonic {}", monotonic_clock::now()),
            format!("wall {}", wall_clock::now().seconds),
            format!("random {:?} {}", random::get_random_bytes(3), random::get_random_u64()),
            format!("seed {:?}", insecure_seed::insecure_seed()),
            format!("directories {}", preopens::get_directories().len()),
        ])
    }

    fn sleep() -> Result<(), ()> {
        monotonic_clock::subscribe_duration(1).block();
        Ok(())
    }

    fn resolution() -> Result<(), ()> {
        wall_clock::resolution();
        Ok(())
    }

    fn exit() -> Result<(), ()> {
        exit::exit(Ok(()));
        Ok(())
    }
}

export!(Component);
