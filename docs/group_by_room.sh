#!/bin/sh
# Prints a header with all declarations of its namespace in the Doxygen group of its room; line numbers do not
# change.
room=$(basename "$(dirname "$1")")
sed -e "s|^namespace gmdiff.*{\$|& /** @addtogroup $room */ /** @{ */|" -e "s|^}  // namespace gmdiff|/** @} */ &|" "$1"
