//! The `verismo` command.

fn main() -> std::process::ExitCode {
    verismo_cli::process::main()
}
