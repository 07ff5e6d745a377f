//! Wraps a core module that wit-bindgen has prepared into a component:
//! `make-component MODULE COMPONENT`.

use std::env::args;
use std::error::Error;
use std::fs;

use wit_component::ComponentEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = args().skip(1).collect();
    let [module, component] = paths.as_slice() else {
        return Err("usage: make-component MODULE COMPONENT".into());
    };
    let bytes = ComponentEncoder::default()
        .validate(true)
        .module(&fs::read(module)?)?
        .encode()?;
    fs::write(component, bytes)?;
    Ok(())
}
