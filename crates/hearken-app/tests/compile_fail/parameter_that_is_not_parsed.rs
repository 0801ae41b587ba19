//! A parameter of a type that no text parses as.
use hearken::app::prelude::*;

fn main() {
    let mut app = App::new();
    app.get("/:name", async |req, res| {
        let name: &str = req.param("name")?;
        Ok(res.end(name.to_owned()))
    });
}
