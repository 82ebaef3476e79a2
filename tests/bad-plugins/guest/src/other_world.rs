//! A component of another world: it greets.

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package elsewhere:greeter@1.0.0;
            world greeter { export greet: func() -> string; }
        ",
    });
}

struct Greeter;

bindings::export!(Greeter with_types_in bindings);

impl bindings::Guest for Greeter {
    fn greet() -> alloc::string::String {
        "hello".into()
    }
}
