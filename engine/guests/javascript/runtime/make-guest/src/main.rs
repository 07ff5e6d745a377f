//! Wraps a core module into a component of the world in a WIT file or folder: `make-guest MODULE WIT COMPONENT`.

use std::env::args;
use std::fs;

use anyhow::{Result, bail};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

fn main() -> Result<()> {
    let paths: Vec<String> = args().skip(1).collect();
    let [module, wit, component] = paths.as_slice() else {
        bail!("usage: make-guest MODULE WIT COMPONENT");
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = resolve.select_world(&[package], None)?;
    let mut module = fs::read(module)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    fs::write(component, ComponentEncoder::default().validate(true).module(&module)?.encode()?)?;
    Ok(())
}
