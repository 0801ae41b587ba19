//! An error that is not a `Failure`.
use hearken::app::prelude::*;

async fn read(_req: IncomingMessage, _res: ServerResponse) -> Result<String, std::io::Error> {
    std::fs::read_to_string("note")
}

fn main() {
    let mut app = App::new();
    app.get("/", read);
}
