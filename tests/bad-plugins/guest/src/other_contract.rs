//! A plugin of another version of the contract, in which nothing is as it was.

#[cfg(feature = "older-contract")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package quotagate:plugin@0.1.0;
            interface gate { judge: func(everything: list<string>) -> bool; }
            world plugin { export gate; }
        ",
    });
}

#[cfg(feature = "newer-contract")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package quotagate:plugin@0.3.0;
            interface gate { judge: func(everything: list<string>) -> bool; }
            world plugin { export gate; }
        ",
    });
}

struct Oracle;

bindings::export!(Oracle with_types_in bindings);

impl bindings::exports::quotagate::plugin::gate::Guest for Oracle {
    fn judge(everything: alloc::vec::Vec<alloc::string::String>) -> bool {
        everything.is_empty()
    }
}
