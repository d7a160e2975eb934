#include "cli/command.hpp"

int main(int argc, char** argv) { return gmdiff::cli::run_command(argc, argv); }
