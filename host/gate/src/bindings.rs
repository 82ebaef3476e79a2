//! The contract as the sandbox carries it: everything here is generated from `wit/`, and stays inside the plugin runtime, which
//! turns it into `quotagate_contract`'s types.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::use_self,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "plugin",
    additional_derives: [PartialEq, Eq, Hash],
    imports: { default: trappable },
});
